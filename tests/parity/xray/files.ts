/** Finds the file of a manifest: plain, zipped, or in the archive of a whole data directory. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const blockBytes = 512;

/** The files of a tar archive. */
export function untar(archive: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const text = (at: number, length: number): string =>
    Buffer.from(archive.subarray(at, at + length))
      .toString('latin1')
      .replace(/\0.*$/s, '');
  for (let at = 0; at + blockBytes <= archive.length && archive[at] !== 0;) {
    const sizeBytes = parseInt(text(at + 124, 12), 8);
    const from = at + blockBytes;
    const isFile = text(at + 156, 1) === '' || text(at + 156, 1) === '0';
    if (isFile) files.set(text(at, 100).replace(/^\.\//, ''), archive.subarray(from, from + sizeBytes));
    at = from + Math.ceil(sizeBytes / blockBytes) * blockBytes;
  }
  return files;
}

export interface FoundFile {
  readonly bytes: Uint8Array;
  /** The whole data directory, where the file came with it. */
  readonly directory: ReadonlyMap<string, Uint8Array> | null;
}

/** @throws Error where it is nowhere in the folder */
export function findFile(dir: string, name: string): FoundFile {
  const [plain, zipped] = [join(dir, name), join(dir, `${name}.gz`)];
  if (existsSync(plain)) return { bytes: new Uint8Array(readFileSync(plain)), directory: null };
  if (existsSync(zipped)) return { bytes: new Uint8Array(gunzipSync(readFileSync(zipped))), directory: null };
  const archive = join(dir, `${name.replace(/\.db$/, '')}.tar.gz`);
  if (!existsSync(archive)) throw new Error(`neither ${name}, ${name}.gz nor an archive of it is in ${dir}`);
  const directory = untar(new Uint8Array(gunzipSync(readFileSync(archive))));
  const bytes = directory.get('member/snap/db');
  if (bytes === undefined) throw new Error(`${archive} holds no member/snap/db`);
  return { bytes, directory };
}
