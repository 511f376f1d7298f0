// Names what decides chain hashes: equal sources of base, engine and sim have the same name, on every machine.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));

/**
 * Sixteen hex digits over the paths and texts of all sources, whatever their line ends.
 * @param {readonly string[]} folders relative to the project
 * @param {string} base the project's folder
 * @returns {string}
 */
export function fingerprintOf(folders = ['src/base', 'src/engine', 'src/sim'], base = root) {
  const hash = createHash('sha256');
  for (const folder of folders) {
    const names = readdirSync(join(base, folder), { recursive: true, encoding: 'utf8' });
    const paths = names.filter((name) => name.endsWith('.ts')).map((name) => name.replaceAll('\\', '/'));
    for (const path of paths.sort()) {
      const text = readFileSync(join(base, folder, path), 'utf8').replaceAll('\r\n', '\n');
      hash.update(`${folder}/${path}\n${text.length}\n${text}`);
    }
  }
  return hash.digest('hex').slice(0, 16);
}

/** For a build's `define`. */
export const engineDefine = { engineFingerprint: JSON.stringify(fingerprintOf()) };
