/** The lab's words with numbers in them: slow disks, bad links, messages by hand, load. */
import type { Command, Flag } from './grammar.ts';
import { hostWords, mistakeWords } from './shelf-names.ts';

const linkFlags: readonly Flag[] = [
  { name: 'delay', kind: 'text', fallback: '0s', help: 'so much slower: 500us, 50ms, 1.5s; up to 10s' },
  { name: 'loss', kind: 'text', fallback: '0%', help: 'so many messages are lost: 10%, 0.5%' },
  { name: 'both', kind: 'bool', fallback: 'false', help: 'both directions' },
];
const numbers = 'Messages have numbers: the table of messages shows those on their way.';

export const faultCommands: readonly Command[] = [
  {
    name: 'slow-disk',
    origin: 'lab',
    usage: 'slow-disk <member>... x<factor> | slow-disk <member>... off',
    summary: "Makes a member's disk so many times slower",
    notes: ['Each sync from now on takes so many times as long, x1 to x1000.'],
    flags: [],
    takes: 'members',
    examples: ['slow-disk m2 x10', 'slow-disk leader x100', 'slow-disk m2 off'],
  },
  {
    name: 'link',
    origin: 'lab',
    usage: 'link <from> <to> [--delay <time>] [--loss <share>] [--both] | link <from> <to> off',
    summary: 'Makes the link from one member to another slow or lossy',
    notes: ['For what is sent from now on. One direction only; --both takes the way back too.'],
    flags: linkFlags,
    takes: 'members',
    examples: ['link m1 m2 --delay 50ms --loss 10%', 'link m1 m2 --loss 100% --both', 'link m1 m2 off'],
  },
];

export const worldFaultCommands: readonly Command[] = [
  {
    name: 'fault',
    origin: 'lab',
    usage: 'fault <name> [<member>...] [<field>=<value>...]',
    summary: 'Does something to a host, a disk or a link',
    notes: [
      'Hosts: crashPoint, slowCpu, clockRate, clockStep, clockSwing, memoryLimit, failAllocation.',
      'Hosts, too: restartDelay, keepImage, restoreImage, forceNewCluster, copyMember.',
      'Disks: disk, diskError, bitRot, misdirect, loseFiles. Links: link, flap. All: healEverything.',
      'Times are in microseconds, shares in thousandths; what a field takes is said where it is refused.',
    ],
    flags: [],
    takes: 'members',
    examples: [
      'fault crashPoint m2 point=beforeSync nth=1 then=powerCut',
      'fault disk m2 stallPerMille=50 stallUs=500000',
      'fault diskError m2 on=sync code=EIO lasts=once',
      'fault clockSwing m2 perMille=300 periodUs=2000000 shape=periodic',
      'fault misdirect m2 how=read',
      'fault disk m2 readMinUs=200000 operationsPerSecond=50',
      'fault restartDelay m2 afterUs=3000000',
      'fault failAllocation m2 nth=20',
      'fault link m1 m2 jitterUs=20000 reorderPerMille=100',
      'fault link m1 m2 clogPerMille=50 clogMeanUs=500000',
      'fault healEverything',
    ],
  },
];

export const messageCommands: readonly Command[] = [
  {
    name: 'drop',
    origin: 'lab',
    usage: 'drop <message>...',
    summary: 'Takes a message out of the network: it is lost',
    notes: [numbers],
    flags: [],
    takes: 'nothing',
    examples: ['drop 17'],
  },
  {
    name: 'hold',
    origin: 'lab',
    usage: 'hold <message>...',
    summary: 'Holds a message on its way, and all that is behind it',
    notes: [
      'A link keeps its order: what was sent after it waits too.',
      'Let it go with deliver or drop.',
      numbers,
    ],
    flags: [],
    takes: 'nothing',
    examples: ['hold 17'],
  },
  {
    name: 'deliver',
    origin: 'lab',
    usage: 'deliver <message>...',
    summary: 'Delivers a message at once, held or not, before all others',
    notes: [numbers],
    flags: [],
    takes: 'nothing',
    examples: ['deliver 17'],
  },
  {
    name: 'delay',
    origin: 'lab',
    usage: 'delay <message>... <time>',
    summary: 'Makes a message arrive so much later',
    notes: ['A link keeps its order: what was sent after it does not overtake.', numbers],
    flags: [],
    takes: 'nothing',
    examples: ['delay 17 50ms'],
  },
  {
    name: 'duplicate',
    origin: 'lab',
    usage: 'duplicate <message>...',
    summary: 'Sends a copy of a message after it',
    notes: [numbers],
    flags: [],
    takes: 'nothing',
    examples: ['duplicate 17'],
  },
];

export const shelfCommands: readonly Command[] = [
  {
    name: 'host',
    origin: 'lab',
    usage: 'host <kind> <member>... | host <kind> all',
    summary: 'Sets disk, processor, memory and links of hosts at once, as of a kind',
    notes: [
      `Kinds: ${hostWords.join(', ')}.`,
      "The first four are of etcd's hardware guide. Each step is printed; fault healEverything ends all.",
    ],
    flags: [],
    takes: 'hosts',
    examples: ['host spinning-disk m2', 'host shared-host all'],
  },
  {
    name: 'mistake',
    origin: 'lab',
    usage: 'mistake <name> [<member>]',
    summary: 'Does what operators do by mistake',
    notes: [
      `Mistakes: ${mistakeWords.join(', ')}.`,
      'Each is done as commands that are printed; without a member, the first one is meant.',
    ],
    flags: [],
    takes: 'mistakes',
    examples: ['mistake compact-now', 'mistake wipe-one-member m2'],
  },
  {
    name: 'plant',
    origin: 'lab',
    usage: 'plant <bug>',
    summary: 'Leaves this lab for a new one whose members all have a bug',
    notes: ['Tab completes the names; the page "Checks" says what each of them does.'],
    flags: [],
    takes: 'bugs',
    examples: ['plant halfIsQuorum'],
  },
];

export const loadCommands: readonly Command[] = [
  {
    name: 'load',
    origin: 'lab',
    usage: 'load <kind> [--rate <requests a second>] | load off',
    summary: 'Lets clients write at a rate of your choice, until load off',
    notes: [
      'kubernetes: pods, leases and events under /registry. hot-key: one key, again and again.',
      'big-values: 10 to 100 KiB, put and deleted. zipf: few keys hot, many cold. At most 200 requests wait.',
      'More than a cluster is for: huge-values, retries, flood, watchers, ranges, leases,',
      'transactions (of 128 operations), old-watches (from old revisions, while the store is compacted).',
    ],
    flags: [{ name: 'rate', kind: 'int', fallback: '50', help: 'requests a second, 1 to 1000' }],
    takes: 'loads',
    examples: ['load kubernetes --rate 100', 'load off'],
  },
];
