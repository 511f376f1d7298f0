/** Runs script files of any kind and tells which blocks differ. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Defects } from '../../../../src/engine/defects.ts';
import { noDefects } from '../../../../src/engine/defects.ts';
import { ConfChangeScript } from './confchange-script.ts';
import type { Block } from './datadriven.ts';
import { parseScript, structure } from './datadriven.ts';
import { Environment } from './environment.ts';
import { handleQuorum } from './quorum-script.ts';

export interface ScriptResult {
  readonly passed: number;
  readonly failed: number;
  /** The failing blocks, expected against actual. */
  readonly report: string;
}

/** The switch that each museum script needs; a `.broken.txt` holds the output with the bug. */
const museum: Readonly<Record<string, Partial<Defects>>> = {
  'two-leaders': { campaignWithUnappliedConfChanges: true },
  figure8: { commitOlderTerms: true },
  'stale-read': { readBeforeCommitInTerm: true },
  'read-retry': { readKeyedByContext: true },
  'prevote-deadlock': { dropLowerTermPreVotes: true },
};

function handlerOf(blocks: readonly Block[], defects: Defects): (block: Block) => string[] {
  const commands = new Set(blocks.map(({ command }) => command));
  if (commands.has('committed') || commands.has('vote')) return handleQuorum;
  if (['simple', 'enter-joint', 'leave-joint'].some((command) => commands.has(command))) {
    const script = new ConfChangeScript();
    return (block) => script.handle(block);
  }
  const environment = new Environment(defects);
  return (block) => environment.handle(block);
}

/**
 * Lines of two texts side by side: ` ` common, `-` expected, `+` actual; by the longest common subsequence.
 */
function difference(expected: readonly string[], actual: readonly string[]): string {
  const lengths = Array.from({ length: expected.length + 1 }, () =>
    new Array<number>(actual.length + 1).fill(0),
  );
  for (let i = expected.length - 1; i >= 0; i--) {
    for (let j = actual.length - 1; j >= 0; j--) {
      const skip = Math.max(lengths[i + 1][j], lengths[i][j + 1]);
      lengths[i][j] = expected[i] === actual[j] ? lengths[i + 1][j + 1] + 1 : skip;
    }
  }
  const lines: string[] = [];
  let i = 0;
  let j = 0;
  while (i < expected.length || j < actual.length) {
    if (i < expected.length && j < actual.length && expected[i] === actual[j]) {
      lines.push(`  ${expected[i++]}`);
      j++;
    } else if (j >= actual.length || (i < expected.length && lengths[i + 1][j] >= lengths[i][j + 1])) {
      lines.push(`- ${expected[i++]}`);
    } else {
      lines.push(`+ ${actual[j++]}`);
    }
  }
  return lines.join('\n');
}

function runBlocks(path: string, blocks: readonly Block[], defects: Defects): ScriptResult {
  const handle = handlerOf(blocks, defects);
  let failed = 0;
  let report = '';
  for (const block of blocks) {
    let output: string[];
    try {
      output = handle(block);
    } catch (error) {
      output = [`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`];
    }
    const expected = structure(block.expected);
    const actual = structure(output);
    if (expected.join('\n') === actual.join('\n')) continue;
    failed++;
    report += `${path}:${block.line}: ${block.command}\n${difference(expected, actual)}\n\n`;
  }
  return { passed: blocks.length - failed, failed, report };
}

/** Runs one file. A `.broken.txt` of an unknown name gets the switch under which most of its blocks pass. */
export function runScript(path: string): ScriptResult {
  let blocks: Block[];
  try {
    blocks = parseScript(readFileSync(path, 'utf8'));
  } catch (error) {
    return { passed: 0, failed: 1, report: `${path}: ${String(error)}\n\n` };
  }
  const name = basename(path);
  if (!name.endsWith('.broken.txt')) return runBlocks(path, blocks, noDefects);
  const known = museum[name.slice(0, -'.broken.txt'.length)];
  if (known !== undefined) return runBlocks(path, blocks, { ...noDefects, ...known });
  const tried = Object.keys(noDefects).map((key) => runBlocks(path, blocks, { ...noDefects, [key]: true }));
  return tried.reduce((best, each) => (each.failed < best.failed ? each : best));
}

/** All `*.txt` below a folder, in order of their names. */
export function scriptsBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.txt'))
    .sort()
    .map((name) => join(dir, name));
}

export function runScripts(dir: string): ScriptResult {
  const results = scriptsBelow(dir).map(runScript);
  return {
    passed: results.reduce((sum, { passed }) => sum + passed, 0),
    failed: results.reduce((sum, { failed }) => sum + failed, 0),
    report: results.map(({ report }) => report).join(''),
  };
}
