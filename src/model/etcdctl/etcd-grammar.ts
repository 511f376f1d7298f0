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

export const etcdCommands: readonly Command[] = [
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
  command('auth enable', '', 'Enables authentication', 'auth enable'),
  command('auth disable', '', 'Disables authentication', 'auth disable --user root:pw'),
  command('user add', '<user name or user:password> [options]', 'Adds a user', 'user add alice:pw', [
    { name: 'new-user-password', kind: 'text', fallback: '""', help: "the user's password" },
    flag('no-password', 'a user who comes by certificate alone'),
  ]),
  command('user delete', '<user name>', 'Deletes a user', 'user delete alice'),
  command('user get', '<user name>', "Shows a user's roles", 'user get alice'),
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
