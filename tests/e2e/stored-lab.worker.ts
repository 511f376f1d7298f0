/** Reads what is stored of a lab without opening it, and checks each member's file as bbolt does. */
import { openDb } from '../../src/engine/backend/backend.ts';
import { MemoryPager } from '../../src/engine/bolt/pager.ts';
import { backendFile } from '../../src/engine/server/disk.ts';
import { readStoredLab } from '../../src/host/idb-store.ts';
import { originRoot } from '../../src/host/opfs-files.ts';
import { readStoredOpfs } from '../../src/host/opfs-look.ts';
import type { LabRecord, StoredLab } from '../../src/host/page-store.ts';
import { pageProblem } from '../../src/sim/checkers/pages.ts';

export interface StoredAsk {
  readonly kind: 'indexeddb' | 'opfs';
  readonly workspace: string;
}

/** What is stored; `problems` in words, none where all is sound. */
export interface StoredFindings {
  readonly record: LabRecord | null;
  readonly members: number;
  readonly problems: readonly string[];
}

const pauseMs = 100;
const mostPauses = 100;

/** The files of a page that is gone are free a little later. */
async function read({ kind, workspace }: StoredAsk): Promise<StoredLab | null> {
  for (let pauses = 0; ; pauses++) {
    try {
      return await (kind === 'opfs' ? readStoredOpfs(workspace, originRoot) : readStoredLab({ workspace }));
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'store blocked' || pauses === mostPauses) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

function problemOf(image: ReadonlyMap<string, Uint8Array>, member: number): string[] {
  const bytes = image.get(backendFile);
  if (bytes === undefined) return [`m${member} has no ${backendFile}`];
  try {
    const found = pageProblem(openDb(new MemoryPager(bytes)));
    return found === null ? [] : [`m${member}: ${found}`];
  } catch (error) {
    return [`m${member}: ${String(error)}`];
  }
}

onmessage = ({ data }: MessageEvent<StoredAsk>) => {
  read(data).then(
    (stored) => {
      const images = stored?.images ?? [];
      const problems = images.flatMap((image, i) => problemOf(image, i + 1));
      const found: StoredFindings = { record: stored?.record ?? null, members: images.length, problems };
      postMessage(found);
    },
    (error: unknown) => postMessage({ record: null, members: 0, problems: [String(error)] }),
  );
};
