/** The page stores' contract inside a real worker: runs one case, or writes without end until it is killed. */
import { IdbStore } from '../../src/host/idb-store.ts';
import { OpfsStore } from '../../src/host/opfs-store.ts';
import type { PageStore } from '../../src/host/page-store.ts';
import { commitOf, filled, type MakeStore, pageStoreCases, setup, write } from '../contract/page-store.ts';

export type Kind = 'indexeddb' | 'opfs';

export type Task =
  | { readonly task: 'case'; readonly kind: Kind; readonly index: number }
  /** Posts each acknowledged number. */
  | { readonly task: 'write'; readonly kind: Kind; readonly workspace: string }
  | { readonly task: 'read'; readonly kind: Kind; readonly workspace: string };

const pages = 24;
const pageBytes = 4096;
const runs = 8;
let workspaces = 0;

function storeOf(kind: Kind, workspace: string, foldBytes?: number): PageStore {
  const fold = foldBytes === undefined ? {} : { foldBytes };
  return kind === 'opfs'
    ? new OpfsStore({ workspace, ...fold })
    : new IdbStore({ workspace, lost: () => {}, ...fold });
}

/** Commit `n` fills every other page of the file with `n`, and tells `n` in a log that grows. */
async function writeForEver(store: PageStore): Promise<never> {
  const { images } = await store.open(setup);
  for (let n = numbersIn(images[0]).last + 1; ; n++) {
    const places = Array.from({ length: pages / 2 }, (_, i) => 2 * i + (n % 2));
    const ops = places.map((place) => write('db', place * pageBytes, filled(pageBytes, n % 256)));
    await store.write([
      commitOf(1, ...ops, write('wal', 4 * (n - 1), new Uint8Array(Uint32Array.of(n).buffer))),
    ]);
    postMessage(n);
  }
}

/** How many commits the log holds, and whether the file is exactly what they make of it. */
function numbersIn(image: ReadonlyMap<string, Uint8Array>): {
  readonly last: number;
  readonly whole: boolean;
} {
  const wal = image.get('wal') ?? new Uint8Array(0);
  const last = wal.length / 4;
  const numbers = new Uint32Array(wal.slice().buffer);
  const db = image.get('db') ?? new Uint8Array(0);
  const expected = (at: number): number => {
    const parity = Math.floor(at / pageBytes) % 2;
    const n = last % 2 === parity ? last : last - 1;
    return n < 1 ? 0 : n % 256;
  };
  const whole = numbers.every((n, i) => n === i + 1) && db.every((byte, at) => byte === expected(at));
  return { last, whole };
}

async function perform(task: Task): Promise<unknown> {
  if (task.task === 'case') {
    const make: MakeStore = (foldBytes) => {
      const workspace = `case-${task.index}-${++workspaces}`;
      return () => storeOf(task.kind, workspace, foldBytes);
    };
    await pageStoreCases[task.index].run(make, runs);
    return null;
  }
  const store = storeOf(task.kind, task.workspace, 400_000);
  if (task.task === 'write') return writeForEver(store);
  const { images } = await store.open(setup);
  await store.close();
  return numbersIn(images[0]);
}

onmessage = ({ data }: MessageEvent<Task>) => {
  void perform(data).then(
    (value) => postMessage({ value }),
    (error: unknown) => postMessage({ error: `${String(error)} ${String((error as Error).cause ?? '')}` }),
  );
};
