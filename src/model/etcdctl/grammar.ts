/** The console's words: each command with its flags, for the parser, the help and the completion alike. */
import { etcdCommands } from './etcd-grammar.ts';
import { memberCommands } from './member-grammar.ts';
import { faultCommands, loadCommands, messageCommands } from './lab-grammar.ts';
import { shelfCommands, worldFaultCommands } from './lab-grammar.ts';

export type FlagKind = 'bool' | 'int' | 'text' | 'list';

export interface Flag {
  readonly name: string;
  readonly short?: string;
  readonly kind: FlagKind;
  /** What holds without the flag, as the help shows it. */
  readonly fallback: string;
  readonly help: string;
  /** The values it takes, where there are only some. */
  readonly values?: readonly string[];
}

export type CommandName =
  | 'put'
  | 'get'
  | 'del'
  | 'lease grant'
  | 'lease revoke'
  | 'lease keep-alive'
  | 'lease timetolive'
  | 'lease list'
  | 'member list'
  | 'member add'
  | 'member promote'
  | 'member remove'
  | 'member update'
  | 'move-leader'
  | 'endpoint status'
  | 'compaction'
  | 'defrag'
  | 'alarm list'
  | 'alarm disarm'
  | 'endpoint health'
  | 'endpoint hashkv'
  | 'txn'
  | 'watch'
  | 'snapshot save'
  | 'snapshot status'
  | 'snapshot restore'
  | 'check perf'
  | 'auth enable'
  | 'auth disable'
  | 'user add'
  | 'user delete'
  | 'user get'
  | 'user list'
  | 'user passwd'
  | 'user grant-role'
  | 'user revoke-role'
  | 'role add'
  | 'role delete'
  | 'role get'
  | 'role list'
  | 'role grant-permission'
  | 'role revoke-permission'
  | 'version'
  | 'help'
  | 'kill'
  | 'stop'
  | 'power-cut'
  | 'restart'
  | 'start'
  | 'wipe'
  | 'pause'
  | 'resume'
  | 'cut'
  | 'heal'
  | 'isolate'
  | 'slow-disk'
  | 'link'
  | 'fault'
  | 'drop'
  | 'hold'
  | 'deliver'
  | 'delay'
  | 'duplicate'
  | 'load'
  | 'host'
  | 'mistake'
  | 'plant';

export interface Command {
  readonly name: CommandName;
  /** `lab`: a word of this lab for what breaks and mends the cluster; etcdctl has no such command. */
  readonly origin: 'etcdctl' | 'lab';
  readonly usage: string;
  readonly summary: string;
  /** More than the summary says; whole lines. */
  readonly notes: readonly string[];
  readonly flags: readonly Flag[];
  readonly examples: readonly string[];
  /** What its arguments are, for completion. */
  readonly takes: 'keys' | 'members' | 'topic' | 'loads' | 'hosts' | 'mistakes' | 'bugs' | 'nothing';
}

function bool(name: string, help: string, short?: string): Flag {
  const flag: Flag = { name, kind: 'bool', fallback: 'false', help };
  return short === undefined ? flag : { ...flag, short };
}

/** The formats of `--write-out` that the lab prints. */
export const outputFormats = ['simple', 'json', 'table', 'fields'] as const;
export type OutputFormat = (typeof outputFormats)[number];

export const globalFlags: readonly Flag[] = [
  { name: 'endpoints', kind: 'list', fallback: '[all members]', help: 'members to ask, one after the other' },
  {
    name: 'write-out',
    short: 'w',
    kind: 'text',
    fallback: '"simple"',
    values: outputFormats,
    help: 'output format: simple, json, table or fields',
  },
  { name: 'user', kind: 'text', fallback: '""', help: 'who asks: name:password' },
  { name: 'password', kind: 'text', fallback: '""', help: "the user's password, where --user has none" },
  bool('hex', 'keys and values as hex encoded strings (simple output)'),
  bool('help', 'help for the command', 'h'),
];

const prefix = bool('prefix', 'all keys that begin with the key');
const fromKey = bool('from-key', 'all keys from the key on, in byte order');

const getFlags: readonly Flag[] = [
  {
    name: 'consistency',
    kind: 'text',
    fallback: '"l"',
    values: ['l', 's'],
    help: 'linearizable (l): a majority confirms; serializable (s): the member answers alone',
  },
  bool('count-only', 'only how many keys there are (with -w fields or json)'),
  fromKey,
  bool('keys-only', 'keys without their values'),
  { name: 'limit', kind: 'int', fallback: '0', help: 'at most so many keys; 0 is no limit' },
  prefix,
  bool('print-value-only', 'values without their keys (simple output)'),
  {
    name: 'order',
    kind: 'text',
    fallback: '""',
    values: ['ASCEND', 'DESCEND'],
    help: 'order of the results',
  },
  {
    name: 'sort-by',
    kind: 'text',
    fallback: '""',
    values: ['CREATE', 'KEY', 'MODIFY', 'VALUE', 'VERSION'],
    help: 'what to order by',
  },
  { name: 'rev', kind: 'int', fallback: '0', help: 'the store as it was at this revision; 0 is now' },
];

const keyCommands: readonly Command[] = [
  {
    name: 'put',
    origin: 'etcdctl',
    usage: 'put <key> <value>',
    summary: 'Stores a value under a key',
    notes: ['A key or value that begins with - comes after --.', 'Quote what has spaces.'],
    flags: [
      { name: 'lease', kind: 'text', fallback: '"0"', help: 'the lease that the key goes with, in hex' },
      bool('prev-kv', 'also show what was there before'),
      bool('ignore-value', 'keep the value'),
      bool('ignore-lease', 'keep the lease'),
    ],
    takes: 'keys',
    examples: ['put greeting hello', "put motto 'two words'", 'put -- offset -5'],
  },
  {
    name: 'get',
    origin: 'etcdctl',
    usage: 'get [options] <key> [range_end]',
    summary: 'Shows a key or a range of keys',
    notes: ['With range_end: the keys from <key> up to, not including, range_end.'],
    flags: getFlags,
    takes: 'keys',
    examples: [
      'get greeting',
      'get app/ --prefix --keys-only',
      'get a m --limit 10',
      'get greeting --rev 2 -w json',
    ],
  },
  {
    name: 'del',
    origin: 'etcdctl',
    usage: 'del [options] <key> [range_end]',
    summary: 'Removes a key or a range of keys',
    notes: ['Prints how many keys were removed.'],
    flags: [fromKey, prefix, bool('prev-kv', 'also show what was removed')],
    takes: 'keys',
    examples: ['del greeting', 'del app/ --prefix --prev-kv'],
  },
];

const leaseCommands: readonly Command[] = [
  {
    name: 'lease grant',
    origin: 'etcdctl',
    usage: 'lease grant <ttl>',
    summary: 'Grants a lease of so many seconds',
    notes: [
      'Keys put with it go when it ends: put <key> <value> --lease <id>.',
      'Shorter than 2 s becomes 2 s.',
    ],
    flags: [],
    takes: 'nothing',
    examples: ['lease grant 60'],
  },
  {
    name: 'lease revoke',
    origin: 'etcdctl',
    usage: 'lease revoke <leaseID>',
    summary: 'Ends a lease and removes its keys',
    notes: [],
    flags: [],
    takes: 'nothing',
    examples: ['lease revoke 694d7fb54e6ed00a'],
  },
  {
    name: 'lease keep-alive',
    origin: 'etcdctl',
    usage: 'lease keep-alive [options] <leaseID>',
    summary: 'Renews a lease, again and again',
    notes: ['Each renewal is printed, a third of the TTL after the one before; Ctrl+C or Stop ends it.'],
    flags: [bool('once', 'renew once only')],
    takes: 'nothing',
    examples: ['lease keep-alive 694d7fb54e6ed00a', 'lease keep-alive --once 694d7fb54e6ed00a'],
  },
  {
    name: 'lease timetolive',
    origin: 'etcdctl',
    usage: 'lease timetolive <leaseID> [options]',
    summary: 'Shows how much time a lease has left',
    notes: [],
    flags: [bool('keys', 'also show the keys that go with it')],
    takes: 'nothing',
    examples: ['lease timetolive 694d7fb54e6ed00a --keys'],
  },
  {
    name: 'lease list',
    origin: 'etcdctl',
    usage: 'lease list',
    summary: 'Lists the leases that there are',
    notes: [],
    flags: [],
    takes: 'nothing',
    examples: ['lease list'],
  },
];

const clusterCommands: readonly Command[] = [
  {
    name: 'member list',
    origin: 'etcdctl',
    usage: 'member list',
    summary: 'Lists the members of the cluster',
    notes: ['In simple output: id, status, name, peer URLs, client URLs, is learner.'],
    flags: [],
    takes: 'nothing',
    examples: ['member list', 'member list -w table'],
  },
  {
    name: 'endpoint status',
    origin: 'etcdctl',
    usage: 'endpoint status',
    summary: 'Shows how each member stands: leader, term, index, size',
    notes: [
      'In simple output: endpoint, id, version, db size, is leader, is learner, raft term,',
      'raft index, raft applied index, errors.',
    ],
    flags: [bool('cluster', 'all members, whatever --endpoints says')],
    takes: 'nothing',
    examples: ['endpoint status -w table', 'endpoint status --endpoints m1'],
  },
  {
    name: 'version',
    origin: 'etcdctl',
    usage: 'version',
    summary: 'Shows which etcdctl is spoken here',
    notes: [],
    flags: [],
    takes: 'nothing',
    examples: ['version'],
  },
  {
    name: 'help',
    origin: 'etcdctl',
    usage: 'help [command]',
    summary: 'Shows all commands, or one of them',
    notes: [],
    flags: [],
    takes: 'topic',
    examples: ['help', 'help get'],
  },
];

const both = bool('both', 'both directions');
const severalMembers = 'Takes several members, `all`, or `leader`.';

const processCommands: readonly Command[] = [
  {
    name: 'kill',
    origin: 'lab',
    usage: 'kill <member>...',
    summary: 'Ends a member at once, as kill -9 does',
    notes: ['What it had written to its disk survives, synced or not.', severalMembers],
    flags: [bool('KILL', 'what kill does here anyway', '9')],
    takes: 'members',
    examples: ['kill m2', 'kill leader'],
  },
  {
    name: 'stop',
    origin: 'lab',
    usage: 'stop <member>...',
    summary: 'Asks a member to end, as SIGTERM does',
    notes: [
      'A leader first hands over to the voter that has been connected the longest.',
      'Its last batch is committed before it ends.',
      severalMembers,
    ],
    flags: [],
    takes: 'members',
    examples: ['stop m2', 'stop leader'],
  },
  {
    name: 'power-cut',
    origin: 'lab',
    usage: 'power-cut <member>... | power-cut <member> --fates <fates> [--names <count>]',
    summary: "Takes a member's power away: what was not synced may be lost or torn",
    notes: [
      severalMembers,
      'With --fates it is chosen what becomes of each write on its way, in the order of the preview in the',
      "member's menu: keep, lose, or which of its sectors of 512 bytes arrive, as 0-3+6. keep*3 is three.",
      'While the lab plays the writes change: pause it first.',
    ],
    flags: [
      { name: 'fates', kind: 'text', fallback: '', help: 'of each write: keep,lose*2,0-3; else the dice' },
      { name: 'names', kind: 'int', fallback: '', help: 'so many changes of file names arrive; else all' },
    ],
    takes: 'members',
    examples: ['power-cut m2', 'power-cut m2 --fates keep*3,lose,0-3'],
  },
  {
    name: 'restart',
    origin: 'lab',
    usage: 'restart <member>...',
    summary: 'Starts a member again from its disk',
    notes: [severalMembers],
    flags: [],
    takes: 'members',
    examples: ['restart m2', 'restart all'],
  },
  {
    name: 'start',
    origin: 'lab',
    usage: 'start <member>... [--initial-cluster-state new|existing]',
    summary: 'Starts a member that does not run: one that was added, or one from its disk',
    notes: ['Add it first: member add m4 --peer-urls=http://127.0.0.1:42380'],
    flags: [
      {
        name: 'initial-cluster-state',
        kind: 'text',
        fallback: 'as it was added',
        values: ['new', 'existing'],
        help: 'what a member with an empty disk takes the cluster for',
      },
    ],
    takes: 'members',
    examples: ['start m4', 'start m2 --initial-cluster-state existing'],
  },
  {
    name: 'wipe',
    origin: 'lab',
    usage: 'wipe <member>...',
    summary: 'Ends a member and erases its disk',
    notes: ['To replace it: member remove <id>, member add, start.', severalMembers],
    flags: [],
    takes: 'members',
    examples: ['wipe m2'],
  },
  {
    name: 'pause',
    origin: 'lab',
    usage: 'pause <member>...',
    summary: 'Freezes a member: its timers and messages wait',
    notes: [severalMembers],
    flags: [],
    takes: 'members',
    examples: ['pause m2'],
  },
  {
    name: 'resume',
    origin: 'lab',
    usage: 'resume <member>...',
    summary: 'Lets a paused member go on',
    notes: [severalMembers],
    flags: [],
    takes: 'members',
    examples: ['resume m2'],
  },
];

const linkCommands: readonly Command[] = [
  {
    name: 'cut',
    origin: 'lab',
    usage: 'cut [--both] <from> <to>',
    summary: 'Cuts the link from one member to another',
    notes: ['One direction only; --both cuts the way back too.'],
    flags: [both],
    takes: 'members',
    examples: ['cut m1 m2', 'cut m1 m2 --both'],
  },
  {
    name: 'heal',
    origin: 'lab',
    usage: 'heal [--both] <from> <to> | heal all',
    summary: 'Mends the link from one member to another, or every link',
    notes: ['One direction only; --both mends the way back too.'],
    flags: [both],
    takes: 'members',
    examples: ['heal m1 m2', 'heal all'],
  },
  {
    name: 'isolate',
    origin: 'lab',
    usage: 'isolate <member>...',
    summary: 'Cuts every link of a member',
    notes: [severalMembers, 'Mend with: heal all'],
    flags: [],
    takes: 'members',
    examples: ['isolate m3', 'isolate leader'],
  },
];

export const commands: readonly Command[] = [
  ...keyCommands,
  ...leaseCommands,
  ...clusterCommands,
  ...memberCommands,
  ...etcdCommands,
  ...processCommands,
  ...linkCommands,
  ...faultCommands,
  ...worldFaultCommands,
  ...messageCommands,
  ...loadCommands,
  ...shelfCommands,
];

/** What etcdctl 3.4 has and this lab has not: such a word is no typing error, and is not answered as one. */
export const absentCommands: Readonly<Record<string, string>> = {
  'check datascale': 'It would fill the tab: keys by the ten thousand. Try: check perf, or load big-values',
  completion: 'Here Tab completes.',
  elect: 'An election is keys of a lease, the oldest of which wins: lease grant, put --lease, watch.',
  lock: 'A lock is keys of a lease, the oldest of which holds it: lease grant, put --lease, watch.',
  'make-mirror': 'There is no second cluster that it could copy to. See the changes: watch "" --prefix',
  migrate: 'There is no v2 store here to migrate from.',
};

const certificates =
  'The connections of this lab carry no TLS: there are no certificates to give or to check.';
const discovery = 'There is no DNS here: name members with --endpoints m1,m2.';
const connections = 'A request waits 5 s of the cluster for its answer, as without the flag.';

/** Flags of etcdctl 3.4's commands above that this lab has not, and why. */
export const absentFlags: Readonly<Record<string, string>> = {
  cacert: certificates,
  cert: certificates,
  'command-timeout': connections,
  debug: 'What the client and the members do is to be seen in the pictures.',
  'dial-timeout': connections,
  'discovery-srv': discovery,
  'discovery-srv-name': discovery,
  'insecure-discovery': discovery,
  'insecure-skip-tls-verify': certificates,
  'insecure-transport': certificates,
  'keepalive-time': connections,
  'keepalive-timeout': connections,
  key: certificates,
};

/** The flags of a command, its own first. */
export function flagsOf(command: Command): readonly Flag[] {
  return [...command.flags, ...globalFlags];
}
