/** What the console prints for an answer, an error or a fault: etcdctl 3.4's lines, and advice. */
import { callError } from '../../base/grpc-text.ts';
import { printable } from '../../base/utf8.ts';
import type { ClientAction, EndpointStatus, KeyValueView, LabAction, MessageDeed } from '../../sim/types.ts';
import { outLines } from './answer.ts';
import type { Answer, Failure, OutputLine } from './answer.ts';
import { endpointFaults, etcdLines, isEtcdAnswer } from './etcd-format.ts';
import type { EtcdAnswerShown } from './etcd-format.ts';
import { fieldLines } from './fields.ts';
import type { OutputFormat } from './grammar.ts';
import { hexText } from './hex-text.ts';
import { humanizeBytes } from './humanize.ts';
import { jsonLine } from './json.ts';
import { isLeaseAnswer, keepAliveEnd, leaseLines, leaseRefusal } from './lease-format.ts';
import { isMemberAnswer, memberLines } from './member-format.ts';
import type { LineError } from './parsed-line.ts';
import { tableLines } from './table.ts';
import { durationText, perMilleText } from './units.ts';
import { faultLine, hasFaultLine } from './world-fault-line.ts';

/** How to print: what parseLine found besides the command. */
export interface PrintOptions {
  readonly format: OutputFormat;
  readonly valueOnly: boolean;
  readonly hex?: boolean;
  /** The command itself, where its words for a failure are its own. */
  readonly command?: ClientAction;
}

const memberHeadings = ['ID', 'Status', 'Name', 'Peer Addrs', 'Client Addrs', 'Is Learner'] as const;

function memberRows(answer: Extract<Answer, { readonly type: 'memberList' }>): string[][] {
  return answer.members.map((member) => [
    member.id.toString(16),
    member.name === '' ? 'unstarted' : 'started',
    member.name,
    member.peerUrls.join(','),
    member.clientUrls.join(','),
    String(member.isLearner),
  ]);
}

const statusHeadings = [
  'endpoint',
  'ID',
  'version',
  'db size',
  'is leader',
  'is learner',
  'raft term',
  'raft index',
  'raft applied index',
  'errors',
] as const;

function statusRow({ endpoint, status }: EndpointStatus): string[][] {
  if (status === null) return [];
  const numbers = [status.raftTerm, status.raftIndex, status.raftAppliedIndex].map(String);
  return [
    [
      endpoint,
      status.memberId.toString(16),
      status.version,
      humanizeBytes(status.dbSize),
      String(status.leader === status.memberId),
      String(status.isLearner),
      ...numbers,
      status.errors.join(', '),
    ],
  ];
}

function keyValueLines(kvs: readonly KeyValueView[], valueOnly: boolean, hex = false): string[] {
  const text = hex ? hexText : printable;
  return kvs.flatMap((kv) => (valueOnly ? [text(kv.value)] : [text(kv.key), text(kv.value)]));
}

/** @source etcd v3.4.23 etcdctl printer_simple.go, printer.go make*Table */
function simpleLines(
  answer: Exclude<Answer, EtcdAnswerShown>,
  { valueOnly, hex, command }: PrintOptions,
): string[] {
  if (isLeaseAnswer(answer)) return leaseLines(answer);
  if (isMemberAnswer(answer)) return memberLines(answer, command);
  switch (answer.type) {
    case 'put':
      return ['OK', ...(answer.prevKv === undefined ? [] : keyValueLines([answer.prevKv], valueOnly, hex))];
    case 'get':
      return keyValueLines(answer.kvs, valueOnly, hex);
    case 'del':
      return [String(answer.deleted), ...keyValueLines(answer.prevKvs, false, hex)];
    case 'memberList':
      return memberRows(answer).map((row) => row.join(', '));
    case 'endpointStatus':
      return answer.endpoints.flatMap(statusRow).map((row) => row.join(', '));
    default:
      return answer satisfies never;
  }
}

function answerLines(answer: Answer, options: PrintOptions): string[] {
  const { format } = options;
  if (isEtcdAnswer(answer)) return etcdLines(answer, format, options.command, options.hex);
  if (format === 'json') return [jsonLine(answer)];
  if (format === 'fields') return fieldLines(answer);
  if (format === 'table' && answer.type === 'memberList')
    return tableLines(memberHeadings, memberRows(answer));
  if (format === 'table' && answer.type === 'endpointStatus') {
    return tableLines(statusHeadings, answer.endpoints.flatMap(statusRow));
  }
  return simpleLines(answer, options);
}

function unreached(answer: Answer): OutputLine[] {
  if (answer.type !== 'endpointStatus') return [];
  return answer.endpoints
    .filter(({ status }) => status === null)
    .map(({ endpoint, error }) => ({
      stream: 'error',
      text: `Failed to get the status of endpoint ${endpoint} (${error ?? 'no answer'})`,
    }));
}

const majority = 'A majority may be down or cut off. Look: endpoint status. Mend: restart all, heal all.';

/** What to do about an error, by its message; the first that fits. */
const advice: readonly (readonly [RegExp, string])[] = [
  [/context deadline exceeded|request timed out|no leader/, majority],
  [
    /transport is closing/,
    'The member went away before it answered. A write may have happened: look with get.',
  ],
  [
    /unhealthy cluster/,
    'Every member must have been connected for 5 seconds. Wait, or mend: restart all, heal all.',
  ],
  [/not enough started members/, 'Members that were added and never started count too. Look: member list.'],
  [/in sync with leader/, 'Start the learner, and let it catch up. Look: endpoint status.'],
  [/too many learner/, 'One learner at a time: promote or remove the one that is there.'],
  [/Peer URLs already exists/, 'Another member has this address. Look: member list.'],
  [/member not found/, 'Look for the id: member list.'],
  [/lease not found/, 'It has expired or was revoked, or never was. Look: lease list.'],
  [/too large lease TTL/, 'A lease lives 9,000,000,000 seconds at most.'],
  [/too large|larger than max/, 'A request may hold 1.5 MiB. Store less, or split it over several keys.'],
  [
    /database space exceeded/,
    'The store is full. Remove keys, compaction <revision>, defrag, then alarm disarm.',
  ],
  [/key is not provided/, 'A key has one byte or more. For every key: get "" --prefix'],
  [/future revision/, 'Ask for a revision up to the present one: get <key> -w json shows it.'],
  [/has been compacted/, 'Older revisions are gone. Ask for a later one, or leave --rev out.'],
];

function errorLines(message: string, hint: string): OutputLine[] {
  const error: OutputLine = { stream: 'error', text: `Error: ${message}` };
  return hint === '' ? [error] : [error, { stream: 'hint', text: hint }];
}

function failureLines(code: number, message: string, command: ClientAction | undefined): OutputLine[] {
  const end = keepAliveEnd(command, message);
  if (end !== null) return outLines([end]);
  return errorLines(
    leaseRefusal(command, callError(code, message)),
    advice.find(([pattern]) => pattern.test(message))?.[1] ?? '',
  );
}

/**
 * What the console prints for a client command's end. Keys and values go through `printable`: control and
 * reordering characters are shown, not obeyed; very long ones are clipped (not in JSON, which is base64).
 */
export function formatOutcome(outcome: Answer | Failure, options: PrintOptions): OutputLine[] {
  if (!outcome.ok) return failureLines(outcome.code, outcome.message, options.command);
  const { before, after } = endpointFaults(outcome);
  return [...unreached(outcome), ...before, ...outLines(answerLines(outcome, options)), ...after];
}

/** What the console prints for a line it could not read. */
export function formatLineError(error: LineError): OutputLine[] {
  return errorLines(error.message, error.hint);
}

/** What the console prints once a fault has been done. */
export function formatFault(action: LabAction): OutputLine[] {
  return outLines([faultText(action)]);
}

const deedWords: Readonly<Record<MessageDeed, string>> = {
  drop: 'dropped',
  hold: 'held, with all that is behind it; deliver lets it go',
  deliver: 'delivered',
  delay: 'delayed',
  duplicate: 'sent once more',
};

function linkText({ from, to, extraDelayUs, lossPerMille }: Extract<LabAction, { type: 'link' }>): string {
  const link = `link m${from} -> m${to}`;
  if (extraDelayUs === 0 && lossPerMille === 0) return `${link} as before`;
  const delay = extraDelayUs === 0 ? [] : [`${durationText(extraDelayUs)} slower`];
  const loss = lossPerMille === 0 ? [] : [`loses ${perMilleText(lossPerMille)}`];
  return `${link} ${[...delay, ...loss].join(', ')}`;
}

function faultText(action: LabAction): string {
  if (hasFaultLine(action)) return `done: ${faultLine(action)}`;
  switch (action.type) {
    case 'kill':
      return `m${action.member} killed; what it wrote is still on its disk`;
    case 'stopMember':
      return `m${action.member} asked to stop; it hands over what it leads and closes its files first`;
    case 'powerCut':
      return `m${action.member} lost power; what it had not synced may be gone`;
    case 'restart':
      return `m${action.member} restarted from its disk`;
    case 'start':
      return `m${action.member} started`;
    case 'wipe':
      return `m${action.member} wiped: its disk is empty, and its identity is lost with it`;
    case 'pauseMember':
      return `m${action.member} paused`;
    case 'resumeMember':
      return `m${action.member} resumed`;
    case 'cut':
      return `link m${action.from} -> m${action.to} cut`;
    case 'heal':
      return `link m${action.from} -> m${action.to} healed`;
    case 'isolate':
      return `every link of m${action.member} cut`;
    case 'healAll':
      return 'every link healed';
    case 'slowDisk':
      return action.factor === 1
        ? `m${action.member}'s disk is as fast as before`
        : `m${action.member}'s disk is ${action.factor} times slower`;
    case 'link':
      return linkText(action);
    case 'message': {
      const delay = action.do === 'delay' ? ` by ${durationText(action.delayUs ?? 0)}` : '';
      return `message ${action.message} ${deedWords[action.do]}${delay}`;
    }
    case 'load':
      return action.kind === 'none' ? 'load ended' : `${action.perSecond} requests a second until: load off`;
    default:
      return action satisfies never;
  }
}
