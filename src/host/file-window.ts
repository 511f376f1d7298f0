/** A dropped file as the engine reads it: synchronously, in a worker, a block at a time. */
import { FileWindow } from '../engine/bolt/window.ts';

/** What only a worker's scope has: reads a blob at once. */
interface SyncReader {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}
type SyncReaderClass = new () => SyncReader;

/**
 * Opens a window onto a file; nothing is read before it is asked for.
 * @param blob a File or another Blob; what it holds must not change meanwhile
 * @param Reader FileReaderSync, from the worker's scope
 * @throws (when reading) NotReadableError of the browser, where the file has changed or is gone
 */
export function openBlobWindow(blob: Blob, Reader: SyncReaderClass): FileWindow {
  const reader = new Reader();
  return new FileWindow(blob.size, (offset, into) => {
    const bytes = new Uint8Array(reader.readAsArrayBuffer(blob.slice(offset, offset + into.length)));
    into.set(bytes);
    return bytes.length;
  });
}
