/// <reference types="vitest/config" />
import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import { engineDefine } from './engine-fingerprint.mjs';

const page = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** What the page may do: only its own files, no inline code, no third party. Workers start from blobs of our own files. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "object-src 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types svelte-trusted-html quorum-worker',
];

/** Hosts that set no headers still get the policy, as a meta element (frame-ancestors has no effect there). */
function policyInPage(): Plugin {
  return {
    name: 'policy-in-page',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: policy.join('; ') },
        injectTo: 'head-prepend',
      },
    ],
  };
}

/** Both pages begin with the same picture, which stands in one file. */
function stillPicture(): Plugin {
  return {
    name: 'still-picture',
    transformIndexHtml: {
      order: 'pre',
      handler: (html) =>
        html.replace('<!-- still picture -->', readFileSync(page('src/app/still.html'), 'utf8')),
    },
  };
}

/** What a page's entry asks for once it runs: the page's own parts, and the worker's script. Asked for at once. */
function preloads(): Plugin {
  const parts = ['/src/app/start.ts', '/src/app/App.svelte', '/src/app/Embed.svelte'];
  return {
    name: 'preloads',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler: (html, { bundle = {}, chunk: entry }) => {
        const scripts = new Set<string>();
        const styles = new Set<string>();
        const add = (name: string): void => {
          const chunk = bundle[name];
          if (chunk?.type !== 'chunk' || scripts.has(name)) return;
          scripts.add(name);
          for (const style of chunk.viteMetadata?.importedCss ?? []) styles.add(style);
          for (const imported of chunk.imports) add(imported);
        };
        const isPart = (name: string): boolean => {
          const chunk = bundle[name];
          return chunk?.type === 'chunk' && parts.some((part) => chunk.facadeModuleId?.endsWith(part));
        };
        for (const name of entry?.dynamicImports ?? []) if (isPart(name)) add(name);
        const link = (rel: string, name: string, more = {}) => ({
          tag: 'link',
          attrs: { rel, crossorigin: true, href: `./${name}`, ...more },
          injectTo: 'head' as const,
        });
        const isNew = (name: string): boolean => !html.includes(`./${name}"`);
        const worker = Object.keys(bundle).filter((name) => /lab\.worker-[^/]*\.js$/.test(name));
        return [
          ...worker.map((name) => link('preload', name, { as: 'fetch' })),
          ...[...scripts].filter(isNew).map((name) => link('modulepreload', name)),
          ...[...styles].filter(isNew).map((name) => link('stylesheet', name)),
        ];
      },
    },
  };
}

/** A sandboxed frame has an opaque origin: it may load the site's files only where the server says so. */
const headers = {
  'Content-Security-Policy': [...policy, 'frame-ancestors *'].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
  'Access-Control-Allow-Origin': '*',
};

export default defineConfig({
  base: './',
  define: engineDefine,
  plugins: [
    paraglideVitePlugin({ project: './project.inlang', outdir: './src/paraglide', strategy: ['baseLocale'] }),
    svelte(),
    stillPicture(),
    policyInPage(),
    preloads(),
  ],
  worker: { format: 'iife' },
  build: {
    target: 'es2022',
    cssTarget: ['chrome114', 'firefox125', 'safari17'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: { index: page('index.html'), embed: page('embed.html') } },
  },
  preview: { host: '127.0.0.1', port: 4173, headers, cors: false },
  server: { host: '127.0.0.1', port: 5173 },
  // The workers' packages: named here, or the first visit would find them one by one and reload.
  optimizeDeps: {
    include: [
      '@bufbuild/protobuf',
      '@bufbuild/protobuf/codegenv2',
      '@noble/hashes/legacy.js',
      'comlink',
      'idb',
      'valibot',
    ],
  },
  test: {
    include: ['tests/**/*.test.ts'],
    exclude: ['tests/e2e/**', 'node_modules/**'],
    testTimeout: 60_000,
  },
});
