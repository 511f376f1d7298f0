/** Crash points: the named steps of a process at its disk, at one of which it ends. */
import { backendFile } from '../engine/server/disk.ts';
import type { DiskRequest } from '../engine/server/types.ts';
import type { CrashPoint, FileKind } from './fault-types.ts';

/** A process that will end at a step. */
export interface ArmedCrash {
  readonly point: CrashPoint;
  /** Null: steps at any file count. */
  readonly file: FileKind | null;
  readonly then: 'kill' | 'powerCut';
  /** How many such steps are left; it ends at the last one. */
  stepsLeft: number;
}

export const crashPoints: readonly CrashPoint[] = [
  'beforeWrite',
  'afterWrite',
  'beforeSync',
  'duringSync',
  'afterSync',
  'beforeMeta',
  'afterMeta',
  'beforeRename',
  'afterRename',
];

/** The store's first two pages, of 4096 bytes each. */
const metaBytes = 8192;

export function fileKindOf(file: string): FileKind | null {
  if (file === backendFile) return 'db';
  if (file.startsWith('member/wal/')) return 'wal';
  return file.startsWith('member/snap/') ? 'snap' : null;
}

/** The points that a request passes: before it is done, and when it is. */
function pointsOf(request: DiskRequest): readonly [before: CrashPoint[], after: CrashPoint[]] {
  switch (request.kind) {
    case 'write':
      return request.file === backendFile && request.offset < metaBytes
        ? [
            ['beforeWrite', 'beforeMeta'],
            ['afterWrite', 'afterMeta'],
          ]
        : [['beforeWrite'], ['afterWrite']];
    case 'sync':
      return [['beforeSync'], ['duringSync']];
    case 'rename':
      return [['beforeRename'], ['afterRename']];
    default:
      return [[], []];
  }
}

/** Whether the process ends at this step; the step is counted. */
export function isLastStep(armed: ArmedCrash, points: readonly CrashPoint[], file: string): boolean {
  if (!points.includes(armed.point)) return false;
  if (armed.file !== null && armed.file !== fileKindOf(file)) return false;
  armed.stepsLeft--;
  return armed.stepsLeft === 0;
}

/** How many of the requests are done before the process ends, and at which file; null: it does not end. */
export function crashAmong(
  armed: ArmedCrash,
  requests: readonly DiskRequest[],
): { readonly doneCount: number; readonly file: string } | null {
  for (const [i, request] of requests.entries()) {
    const [before, after] = pointsOf(request);
    if (isLastStep(armed, before, request.file)) return { doneCount: i, file: request.file };
    if (isLastStep(armed, after, request.file)) return { doneCount: i + 1, file: request.file };
  }
  return null;
}
