// Runs a TypeScript file of this project under Node, through Vite's module runner: node tests/run.mjs FILE [ARGUMENTS].
import { runnerImport } from 'vite';

const [file, ...rest] = process.argv.slice(2);
process.argv.splice(1, process.argv.length - 1, file, ...rest);
const { module } = await runnerImport(`./${file}`, { configFile: false, logLevel: 'error' });
process.exitCode = (await module.main?.(rest)) ?? 0;
