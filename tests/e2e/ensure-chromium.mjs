// Before the browser tests: an installed Chromium, else Debian's where it may be installed, else one line that says what to do.
import { spawnSync } from 'node:child_process';
import { findChromium } from './chromium.mjs';

const mayInstall = process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).status === 0;

if (findChromium() === null && mayInstall) {
  console.log('No Chromium here: installing the Debian package chromium.');
  const options = { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  spawnSync('apt-get', ['update', '-qq'], options);
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], options);
}
if (findChromium() === null) {
  console.error(
    'The browser tests need Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH.',
  );
  process.exit(1);
}
