import { defineConfig } from '@playwright/test';
import { engineDefine } from './engine-fingerprint.mjs';
import { findChromium } from './tests/e2e/chromium.mjs';

// tests that run a lab in Node beside the browser's read the sources as they are: nothing was built in
Object.assign(globalThis, { engineFingerprint: JSON.parse(engineDefine.engineFingerprint) });

const executablePath = findChromium();

export default defineConfig({
  testDir: 'tests/e2e',
  testMatch: '**/*.spec.ts',
  workers: 2,
  // for what hangs; a busy machine may take four times as long as a quiet one
  timeout: 120_000,
  expect: { timeout: 15_000 },
  // whoever passes only the second time is listed as flaky, and is a fault to look into
  retries: 1,
  forbidOnly: true,
  reporter: [['list']],
  use: {
    baseURL: 'http://127.0.0.1:4173/',
    launchOptions: {
      ...(executablePath === null ? {} : { executablePath }),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  webServer: {
    command: 'npx vite preview --strictPort',
    url: 'http://127.0.0.1:4173/',
    reuseExistingServer: false,
    stdout: 'ignore',
  },
});
