/** etcdctl's commands that change who is in the cluster, and who leads it. */
import type { Command, Flag } from './grammar.ts';

const peerUrls: Flag = {
  name: 'peer-urls',
  kind: 'text',
  fallback: '""',
  help: 'comma separated peer URLs of the member',
};
const ids = 'member list shows the ids.';

export const memberCommands: readonly Command[] = [
  {
    name: 'member add',
    origin: 'etcdctl',
    usage: 'member add <memberName> [options]',
    summary: 'Adds a member into the cluster',
    notes: ['Then start it: start m4. Hosts m1 to m9 have the ports 2380, 22380, 32380 and so on to 12389.'],
    flags: [
      peerUrls,
      { name: 'learner', kind: 'bool', fallback: 'false', help: 'as a learner, without a vote' },
    ],
    takes: 'nothing',
    examples: [
      'member add m4 --peer-urls=http://127.0.0.1:42380',
      'member add m4 --peer-urls=http://127.0.0.1:42380 --learner',
    ],
  },
  {
    name: 'member promote',
    origin: 'etcdctl',
    usage: 'member promote <memberID>',
    summary: 'Promotes a learner to a voting member',
    notes: [ids],
    flags: [],
    takes: 'nothing',
    examples: ['member promote 694d7fb54e6ed00a'],
  },
  {
    name: 'member remove',
    origin: 'etcdctl',
    usage: 'member remove <memberID>',
    summary: 'Removes a member from the cluster',
    notes: [ids],
    flags: [],
    takes: 'nothing',
    examples: ['member remove 694d7fb54e6ed00a'],
  },
  {
    name: 'member update',
    origin: 'etcdctl',
    usage: 'member update <memberID> [options]',
    summary: 'Updates the peer URLs of a member',
    notes: [ids],
    flags: [peerUrls],
    takes: 'nothing',
    examples: ['member update 694d7fb54e6ed00a --peer-urls=http://127.0.0.1:42380'],
  },
  {
    name: 'move-leader',
    origin: 'etcdctl',
    usage: 'move-leader <transferee-member-id>',
    summary: 'Transfers leadership to another member',
    notes: [ids],
    flags: [],
    takes: 'nothing',
    examples: ['move-leader 694d7fb54e6ed00a'],
  },
];
