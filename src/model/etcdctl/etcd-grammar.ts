/** etcdctl's commands for txns, maintenance, users and roles. */
import type { Command, CommandName, Flag } from './grammar.ts';

const flag = (name: string, help: string): Flag => ({ name, kind: 'bool', fallback: 'false', help });

function command(
  name: CommandName,
  args: string,
  summary: string,
  example: string,
  flags: readonly Flag[] = [],
  notes: readonly string[] = [],
): Command {
  const usage = args === '' ? name : `${name} ${args}`;
  return { name, origin: 'etcdctl', usage, summary, notes, flags, takes: 'nothing', examples: [example] };
}

const cluster = flag('cluster', 'all members, whatever --endpoints says');
const ranges = [
  flag('prefix', 'all keys that begin with the key'),
  flag('from-key', 'all keys from the key on, in byte order'),
];
const revision: Flag = { name: 'rev', kind: 'int', fallback: '0', help: 'up to this revision; 0 is now' };

const text = (name: string, fallback: string, help: string, values?: readonly string[]): Flag => ({
  name,
  kind: 'text',
  fallback,
  help,
  ...(values !== undefined && { values }),
});

const streamCommands: readonly Command[] = [
  command(
    'txn',
    '[options]',
    'Does all its requests at once, or the others',
    'txn -i',
    [{ ...flag('interactive', 'says what it asks for'), short: 'i' }],
    [
      'Reads lines: comparisons, an empty line, requests for when all hold, an empty line,',
      'requests for when one does not, an empty line. Ctrl+C leaves it. Several lines may be pasted.',
      'Comparisons: mod, create, version, value or lease of a key: mod("greeting") > "0"',
      'Requests: put, get and del with their options: put greeting "two words"',
    ],
  ),
  command(
    'watch',
    '[options] [key or prefix] [range_end]',
    'Shows changes of keys as they come',
    'watch app/ --prefix --prev-kv',
    [
      { ...flag('interactive', 'reads lines: watch <key> [options], progress'), short: 'i' },
      flag('prefix', 'all keys that begin with the key'),
      flag('prev-kv', 'also show what was there before'),
      flag('progress-notify', 'also show the revision now and then (etcdctl 3.5)'),
      { name: 'rev', kind: 'int', fallback: '0', help: 'changes from this revision on; 0 is what comes' },
    ],
    [
      'Ctrl+C or Stop ends it. Others may be begun, and commands given, while it goes on.',
      'It goes on at another member where its own goes away.',
    ],
  ),
];

const fileCommands: readonly Command[] = [
  command(
    'snapshot save',
    '<filename>',
    "Saves one member's store as a file",
    'snapshot save backup.db',
    [],
    ['The file is downloaded. The member: --endpoints m2; the first one without it.'],
  ),
  command(
    'snapshot status',
    '<filename>',
    'Shows what a saved or opened file holds',
    'snapshot status last -w table',
    [],
    ['Of a file saved or opened here; `last` is the newest. Simple: hash, revision, total keys, total size.'],
  ),
  command(
    'snapshot restore',
    '<filename> [options]',
    'Begins a new lab of one member from a file',
    'snapshot restore last',
    [flag('skip-hash-check', 'take the file as it is')],
    ['The file was saved or opened here: `last` is the newest. The new lab is kept in memory.'],
  ),
  command(
    'check perf',
    '[options]',
    'Writes for a minute, and says how fast that went',
    'check perf --load s',
    [
      text('load', '"s"', 'how much: s is 150 writes a second, m is 1000', ['s', 'm']),
      text('prefix', '"/etcdctl-check-perf/"', 'its keys begin with this; they are deleted at the end'),
      flag('auto-compact', 'compact when it is done'),
      flag('auto-defrag', 'defragment when it is done'),
    ],
    ['The minute is of the cluster: it passes as fast as this machine can do it.'],
  ),
];

export const etcdCommands: readonly Command[] = [
  ...streamCommands,
  command('compaction', '[options] <revision>', 'Compacts the event history', 'compaction 5', [
    flag('physical', 'wait until the old revisions are removed'),
  ]),
  command('defrag', '', 'Defragments the store of each member', 'defrag --endpoints m1', [cluster]),
  command('alarm list', '', 'Lists all alarms', 'alarm list'),
  command('alarm disarm', '', 'Disarms all alarms', 'alarm disarm'),
  command('endpoint health', '', 'Shows whether each member answers', 'endpoint health', [cluster]),
  command('endpoint hashkv', '', "Shows the hash of each member's keys", 'endpoint hashkv', [
    cluster,
    revision,
  ]),
  ...fileCommands,
  command('auth enable', '', 'Enables authentication', 'auth enable'),
  command('auth disable', '', 'Disables authentication', 'auth disable --user root:pw'),
  command('user add', '<user name or user:password> [options]', 'Adds a user', 'user add alice:pw', [
    { name: 'new-user-password', kind: 'text', fallback: '""', help: "the user's password" },
    flag('no-password', 'a user who comes by certificate alone'),
  ]),
  command('user delete', '<user name>', 'Deletes a user', 'user delete alice'),
  command('user get', '<user name> [options]', "Shows a user's roles", 'user get alice --detail', [
    flag('detail', 'also show what the roles permit'),
  ]),
  command('user list', '', 'Lists all users', 'user list'),
  command(
    'user passwd',
    '<user name>:<password>',
    "Changes a user's password",
    'user passwd alice:pw',
    [],
    ['etcdctl asks for the password; here it stands after the name.'],
  ),
  command('user grant-role', '<user name> <role name>', 'Grants a role to a user', 'user grant-role alice r'),
  command('user revoke-role', '<user name> <role name>', 'Revokes a role', 'user revoke-role alice r'),
  command('role add', '<role name>', 'Adds a role', 'role add reader'),
  command('role delete', '<role name>', 'Deletes a role', 'role delete reader'),
  command('role get', '<role name>', "Shows a role's permissions", 'role get reader'),
  command('role list', '', 'Lists all roles', 'role list'),
  command(
    'role grant-permission',
    '[options] <role name> <permission type> <key> [endkey]',
    'Grants a key to a role',
    'role grant-permission reader read app/ --prefix',
    ranges,
  ),
  command(
    'role revoke-permission',
    '<role name> <key> [endkey]',
    'Revokes a key from a role',
    'role revoke-permission reader app/ --prefix',
    ranges,
  ),
];
