/** A file on disk as the engine's reader sees it: blocks read when they are asked for. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { FileWindow } from '../../../src/engine/bolt/window.ts';

/** Runs something over a window onto a file, and closes the file. */
export function withFileWindow<Result>(path: string, run: (window: FileWindow) => Result): Result {
  const file = openSync(path, 'r');
  try {
    const readAt = (offset: number, into: Uint8Array): number => {
      let done = 0;
      while (done < into.length) {
        const read = readSync(file, into, done, into.length - done, offset + done);
        if (read === 0) break;
        done += read;
      }
      return done;
    };
    return run(new FileWindow(fstatSync(file).size, readAt));
  } finally {
    closeSync(file);
  }
}
