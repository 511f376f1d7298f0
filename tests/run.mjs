// Runs a TypeScript file of this project under Node, bundled as the site's workers are: node tests/run.mjs FILE [ARGUMENTS].
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'vite';
import { engineDefine } from '../engine-fingerprint.mjs';

const [file, ...rest] = process.argv.slice(2);
process.argv.splice(1, process.argv.length - 1, file, ...rest);
// Below node_modules, so that packages are found from there.
const outDir = mkdtempSync(join('node_modules', '.run-'));
process.on('exit', () => rmSync(outDir, { recursive: true, force: true }));
await build({
  configFile: false,
  define: engineDefine,
  logLevel: 'error',
  publicDir: false,
  build: {
    ssr: file,
    outDir,
    minify: false,
    sourcemap: 'inline',
    rolldownOptions: { output: { entryFileNames: 'main.mjs' } },
  },
});
process.setSourceMapsEnabled(true);
const module = await import(pathToFileURL(join(outDir, 'main.mjs')).href);
process.exitCode = (await module.main?.(rest)) ?? 0;
