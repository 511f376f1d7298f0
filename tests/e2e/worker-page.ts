/** A bare page that serves one worker: a page of the lab would bring its policy and its own stores. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'vite';
import { engineDefine } from '../../engine-fingerprint.mjs';

export interface WorkerPage {
  /** The page's address; its worker is at /suite.js. */
  readonly origin: string;
  close(): void;
}

/** A page may measure its memory where it shares its process with no other origin. */
const isolated = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** A worker as the text of one classic script. */
export async function buildWorker(entry: string): Promise<string> {
  const [built] = [
    await build({
      configFile: false,
      define: engineDefine,
      logLevel: 'error',
      build: { write: false, target: 'es2022', lib: { entry, formats: ['iife'], name: 'suite' } },
    }),
  ].flat();
  if (!('output' in built)) throw new Error(`${entry} was not built`);
  return built.output[0].code;
}

/** Builds a worker and serves it beside an empty page. */
export async function serveWorker(entry: string, title: string): Promise<WorkerPage> {
  const script = await buildWorker(entry);
  const html = `<!doctype html><link rel="icon" href="data:,"><title>${title}</title>`;
  const server = createServer((request, response) => {
    const isScript = request.url === '/suite.js';
    response.writeHead(200, { ...isolated, 'Content-Type': isScript ? 'text/javascript' : 'text/html' });
    response.end(isScript ? script : html);
  });
  return listening(server);
}

async function listening(server: Server): Promise<WorkerPage> {
  await new Promise<void>((heard) => server.listen(0, '127.0.0.1', heard));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin, close: () => server.close() };
}

/** Builds a page's script with the workers that it starts, and serves them beside an empty page. */
export async function servePage(entry: string, title: string): Promise<WorkerPage> {
  const [built] = [
    await build({
      configFile: false,
      define: engineDefine,
      logLevel: 'error',
      worker: { format: 'iife' },
      build: { write: false, target: 'es2022', rollupOptions: { input: entry } },
    }),
  ].flat();
  if (!('output' in built)) throw new Error(`${entry} was not built`);
  const files = new Map(
    built.output.map((file) => [`/${file.fileName}`, file.type === 'chunk' ? file.code : file.source]),
  );
  const script = `<script type="module" src="/${built.output[0].fileName}"></script>`;
  const html = `<!doctype html><link rel="icon" href="data:,"><title>${title}</title>${script}`;
  const server = createServer((request, response) => {
    const file = files.get(request.url ?? '');
    const type = file === undefined ? 'text/html' : 'text/javascript';
    response.writeHead(200, { ...isolated, 'Content-Type': type });
    response.end(file ?? html);
  });
  return listening(server);
}
