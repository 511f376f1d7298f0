// Where this machine's Chromium is: CHROMIUM_PATH, an installed one, or null.
import { accessSync, constants } from 'node:fs';
import { chromium } from '@playwright/test';

const usual = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  chromium.executablePath(),
];

/** The first path that may be executed, or null. */
export function findChromium() {
  for (const path of usual) {
    if (!path) continue;
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not here: try the next place
    }
  }
  return null;
}
