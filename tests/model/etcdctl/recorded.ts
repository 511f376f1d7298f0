/** Real etcdctl 3.4.23 against a real etcd 3.4.23: what it printed, command by command. */
import { readFileSync } from 'node:fs';

export interface Recorded {
  /** The command without `etcdctl --endpoints ...`. */
  readonly line: string;
  /** Its lines on stdout and stderr; without usage texts and the client's log lines. */
  readonly printed: readonly string[];
}

/** Blocks of `$ command` and the lines it printed. */
export function readRecorded(file = 'recorded-3.4.23.txt'): Recorded[] {
  const text = readFileSync(new URL(`./${file}`, import.meta.url), 'utf8');
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((block) => {
      const [line, ...printed] = block.replace(/\n$/, '').split('\n');
      return { line, printed };
    });
}
