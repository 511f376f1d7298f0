/** Arguments and inputs of the directives. */
import { emptyBytes } from '../../../../src/base/bytes.ts';
import type {
  ConfChange,
  ConfChangeSingle,
  ConfChangeTransition,
  ConfChangeType,
  ConfChangeV2,
  Snapshot,
} from '../../../../src/engine/raft/types.ts';
import { logIndex, nodeId, term } from '../../../../src/engine/raft/types.ts';
import type { Argument, Block } from './datadriven.ts';
import type { NodeOptions } from './harness-node.ts';

/** The arguments that are no `key=value`: node ids. */
export function nodeArguments(block: Block): string[] {
  return block.args.filter(({ values }) => values.length === 0).map(({ key }) => key);
}

/** Which field of the configuration an argument of add-nodes sets, and how it is read. */
const optionFields: Readonly<Record<string, readonly [keyof NodeOptions, 'number' | 'boolean']>> = {
  inflight: ['maxInflightMsgs', 'number'],
  'async-storage-writes': ['asyncStorageWrites', 'boolean'],
  prevote: ['preVote', 'boolean'],
  checkquorum: ['checkQuorum', 'boolean'],
  'max-committed-size-per-ready': ['maxCommittedSizePerReady', 'number'],
  'disable-conf-change-validation': ['disableConfChangeValidation', 'boolean'],
  'step-down-on-removal': ['stepDownOnRemoval', 'boolean'],
  'max-size-per-msg': ['maxSizePerMsg', 'number'],
  'max-inflight-bytes': ['maxInflightBytes', 'number'],
  'max-uncommitted-size': ['maxUncommittedEntriesSize', 'number'],
  'disable-proposal-forwarding': ['disableProposalForwarding', 'boolean'],
};

/** MaxUint64 and its neighbours stand for no limit. */
function readNumber(text: string): number {
  const value = Number(text);
  return value > Number.MAX_SAFE_INTEGER ? Infinity : value;
}

/** The configuration and the first snapshot that `add-nodes` asks for. */
export function parseNodeOptions(args: readonly Argument[]): { options: NodeOptions; snapshot: Snapshot } {
  const options: Record<string, unknown> = {
    electionTick: 3,
    heartbeatTick: 1,
    maxSizePerMsg: Infinity,
    maxInflightMsgs: 2147483647,
  };
  let index = 0;
  let voters: readonly string[] = [];
  let learners: readonly string[] = [];
  for (const { key, values } of args) {
    const field = optionFields[key];
    if (field !== undefined)
      options[field[0]] = field[1] === 'number' ? readNumber(values[0]) : values[0] === 'true';
    else if (key === 'voters') voters = values;
    else if (key === 'learners') learners = values;
    else if (key === 'index') index = Number(values[0]);
    else if (key === 'read-only') {
      options.readOnlyOption = values[0] === 'lease-based' ? 'ReadOnlyLeaseBased' : 'ReadOnlySafe';
    }
  }
  if (index > 0) options.applied = logIndex(index);
  const ids = (texts: readonly string[]) => texts.map((text) => nodeId(Number(text)));
  const confState = {
    voters: ids(voters),
    learners: ids(learners),
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
  return {
    options: options as unknown as NodeOptions,
    snapshot: { data: emptyBytes, confState, index: logIndex(index), term: term(index > 0 ? 1 : 0) },
  };
}

const letters: Readonly<Record<string, ConfChangeType>> = {
  v: 'ConfChangeAddNode',
  l: 'ConfChangeAddLearnerNode',
  r: 'ConfChangeRemoveNode',
  u: 'ConfChangeUpdateNode',
};

/** Reads `v1 l2 r3 u4`. @returns the changes, or the text of an error */
export function parseChanges(input: string): ConfChangeSingle[] | string {
  const changes: ConfChangeSingle[] = [];
  for (const token of input.split(' ').filter((each) => each !== '')) {
    if (token.length < 2) return `unknown token ${token}`;
    const type = letters[token[0]];
    if (type === undefined) return `unknown input: ${token}`;
    changes.push({ type, nodeId: nodeId(Number(token.slice(1))) });
  }
  return changes;
}

const transitions: Readonly<Record<string, ConfChangeTransition>> = {
  auto: 'ConfChangeTransitionAuto',
  implicit: 'ConfChangeTransitionJointImplicit',
  explicit: 'ConfChangeTransitionJointExplicit',
};

/** The change that `propose-conf-change` proposes, or the text of an error. */
export function parseChange(block: Block): ConfChange | ConfChangeV2 | string {
  let v1 = false;
  let transition: ConfChangeTransition = 'ConfChangeTransitionAuto';
  for (const { key, values } of block.args.slice(1)) {
    for (const value of values) {
      if (key === 'v1') v1 = value === 'true';
      else if (key !== 'transition') return `unknown command ${key}`;
      else if (transitions[value] === undefined) return `unknown transition ${value}`;
      else transition = transitions[value];
    }
  }
  const changes = parseChanges(block.input);
  if (typeof changes === 'string') return changes;
  if (!v1) return { transition, changes, context: emptyBytes };
  if (changes.length > 1 || transition !== 'ConfChangeTransitionAuto') {
    return 'v1 conf change can only have one operation and no transition';
  }
  return { id: 0n, ...changes[0], context: emptyBytes };
}
