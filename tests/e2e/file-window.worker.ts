/** Reads one file through a window, as a lab's worker reads what is dropped on it. */
import { openBlobWindow } from '../../src/host/file-window.ts';
import { tell } from '../engine/bolt/file-told.ts';

/** What no library of types has beside the page's. */
declare const FileReaderSync: Parameters<typeof openBlobWindow>[1];

/** Held until the worker ends, so that its memory can be measured. */
const held: unknown[] = [];

onmessage = ({ data }: MessageEvent<File>) => {
  try {
    const window = openBlobWindow(data, FileReaderSync);
    const told = { ...tell(window), reads: window.reads };
    held.push(window, told);
    postMessage({ value: told });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};
