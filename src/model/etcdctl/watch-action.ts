/** `watch`: its arguments as the client's action, with etcdctl's checks and words. */
import { lineError } from './parsed-line.ts';
import type { WatchAction } from '../../sim/etcd-actions.ts';
import type { FlagValues } from './flags.ts';
import type { LineError } from './parsed-line.ts';

const needsKey = 'For example: watch greeting';

/**
 * What stands behind `--` is a command that etcdctl runs for each event: there is nothing here that could.
 * @param words all words behind `watch`
 * @returns null where there is no such thing
 * @source etcd v3.4.23 etcdctl watch_command.go parseWatchArgs
 */
export function execFault(words: readonly string[]): LineError | null {
  const at = words.indexOf('--');
  if (at < 0) return null;
  if (at === words.length - 1) {
    return lineError('bad number of arguments (found separator --, but no commands)', needsKey);
  }
  const program = words.slice(at + 1).join(' ');
  return lineError(
    'the lab runs no programs',
    `etcdctl would run "${program}" for each event. Leave it out: the events are printed.`,
  );
}

/**
 * `--progress-notify` is etcdctl 3.5's.
 * @source etcd v3.4.23 etcdctl watch_command.go getWatchChan
 */
export function watchAction({ args, given }: FlagValues): WatchAction | LineError {
  const isOn = (name: string): boolean => given.get(name) === 'true';
  const [key, rangeEnd] = args;
  if (args.length < 1) return lineError('bad number of arguments', needsKey);
  if (args.length > 2) return lineError('bad number of arguments', 'Quote a key with spaces.');
  const prefix = isOn('prefix');
  if (rangeEnd !== undefined && prefix) {
    return lineError('`range_end` and `--prefix` are mutually exclusive', '');
  }
  const revision = Number(given.get('rev') ?? 0);
  return {
    type: 'watch',
    key,
    ...(rangeEnd !== undefined && { rangeEnd }),
    ...(prefix && { prefix }),
    ...(revision !== 0 && { revision }),
    ...(isOn('prev-kv') && { prevKv: true }),
    ...(isOn('progress-notify') && { progressNotify: true }),
  };
}
