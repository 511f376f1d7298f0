/** What every benchmark measures with: wall clock, processor time, memory, and options by name. */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** `--name value` among arguments. */
export class Options {
  readonly #args: readonly string[];

  constructor(args: readonly string[]) {
    this.#args = args;
  }

  text(name: string, otherwise: string): string {
    const at = this.#args.indexOf(`--${name}`);
    return at >= 0 && at + 1 < this.#args.length ? this.#args[at + 1] : otherwise;
  }

  /** @throws Error where the value is not one of these */
  oneOf<Value extends string>(name: string, values: readonly Value[], otherwise: Value): Value {
    const text = this.text(name, otherwise);
    const value = values.find((one) => one === text);
    if (value === undefined) throw new Error(`--${name} is one of ${values.join(', ')}`);
    return value;
  }

  /** @throws Error where the value is not a number */
  number(name: string, otherwise: number): number {
    const value = Number(this.text(name, String(otherwise)));
    if (Number.isNaN(value)) throw new Error(`--${name} is a number`);
    return value;
  }

  has(name: string): boolean {
    return this.#args.includes(`--${name}`);
  }
}

/** Wall clock, and processor time of all threads; the second says more on a busy machine. */
export class Stopwatch {
  wallMs = 0;
  cpuMs = 0;

  time<Result>(work: () => Result): Result {
    const cpu = cpuMs();
    const start = performance.now();
    const result = work();
    this.wallMs += performance.now() - start;
    this.cpuMs += cpuMs() - cpu;
    return result;
  }
}

export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

export function timed(work: () => void): Stopwatch {
  const watch = new Stopwatch();
  watch.time(work);
  return watch;
}

/** Bytes of objects and of typed arrays after a collection. */
export function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Memory of the process, and the most it ever was; 0 where the system does not tell. */
export function processMemory(): { readonly rssKB: number; readonly peakRssKB: number } {
  const rssKB = Math.round(process.memoryUsage().rss / 1024);
  return { rssKB, peakRssKB: process.resourceUsage().maxRSS };
}

export function loadAverage(): string {
  try {
    return readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ');
  } catch {
    return '';
  }
}
