/** Help texts, made from the grammar, in etcdctl's layout. */
import { commands, globalFlags } from './grammar.ts';
import type { Command, Flag } from './grammar.ts';

/** Lines of two columns: the left ones padded to the widest, two spaces between. */
function columns(rows: readonly (readonly [string, string])[]): string[] {
  const wide = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(wide)}  ${right}`);
}

function flagRow(flag: Flag): readonly [string, string] {
  const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
  const fallback = flag.kind === 'bool' ? '' : `=${flag.fallback}`;
  return [`${short}--${flag.name}${fallback}`, flag.help];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines];
}

function commandLines(command: Command): string[] {
  return [
    'NAME:',
    `  ${command.name} - ${command.summary}`,
    ...section('USAGE', [`  ${command.usage}`]),
    ...section(
      'NOTES',
      command.notes.map((note) => `  ${note}`),
    ),
    ...section('OPTIONS', command.flags.length === 0 ? [] : columns(command.flags.map(flagRow))),
    ...section('GLOBAL OPTIONS', command.origin === 'lab' ? [] : columns(globalFlags.map(flagRow))),
    ...section(
      'EXAMPLES',
      command.examples.map((example) => `  ${example}`),
    ),
  ];
}

function listOf(chosen: readonly Command[]): string[] {
  return columns(chosen.map((command) => [command.name, command.summary]));
}

function overview(): string[] {
  return [
    'This console speaks etcdctl 3.4 (a leading "etcdctl" may stand) and has words of its own.',
    ...section('ETCDCTL', listOf(commands.filter((command) => command.origin === 'etcdctl'))),
    ...section('LAB', listOf(commands.filter((command) => command.origin === 'lab'))),
    ...section('GLOBAL OPTIONS', columns(globalFlags.map(flagRow))),
    ...section('TRY', ['  put greeting hello', '  endpoint status -w table', '  kill leader', '  help get']),
  ];
}

/**
 * The help on a topic: a command's name, a group of commands (`member`), or '' for all. A topic that
 * parseLine gave is always known; any other gets the overview.
 */
export function helpLines(topic: string): string[] {
  const command = commands.find((candidate) => candidate.name === topic);
  if (command !== undefined) return commandLines(command);
  const group = commands.filter((candidate) => candidate.name.startsWith(`${topic} `));
  return topic !== '' && group.length > 0 ? listOf(group) : overview();
}

/** What `version` prints: the etcdctl whose grammar and output this console follows. */
export function versionLines(): string[] {
  return ['etcdctl version: 3.4.23', 'API version: 3.4'];
}
