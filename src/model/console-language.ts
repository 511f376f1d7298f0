/** What the console understands and says. Loaded when it is first needed: the page starts without it. */
import type { ActResult, Result } from '../host/port.ts';
import type { LabAction } from '../sim/types.ts';
import { outLines, type OutputLine } from './etcdctl/answer.ts';
import { commonStart, complete } from './etcdctl/complete.ts';
import { formatFault, formatLineError, formatOutcome } from './etcdctl/format.ts';
import { helpLines, versionLines } from './etcdctl/help.ts';
import { parseLine } from './etcdctl/parse.ts';
import type { ParsedLine } from './etcdctl/parsed-line.ts';

export { parseLine };

export type Act = (command: unknown) => Promise<Result<ActResult>>;

/** Does what a line means and tells what to print for it. */
export async function answerTo(parsed: ParsedLine, act: Act): Promise<readonly OutputLine[]> {
  switch (parsed.kind) {
    case 'empty':
      return [];
    case 'error':
      return formatLineError(parsed);
    case 'help':
      return outLines(helpLines(parsed.topic));
    case 'version':
      return outLines(versionLines());
    case 'lab':
      return doAll(parsed.actions, act);
    case 'command': {
      const done = await act(parsed.command);
      if (!done.ok) return refused(done.message);
      return done.outcome === null ? [] : formatOutcome(done.outcome, parsed);
    }
    default:
      return parsed satisfies never;
  }
}

const refused = (message: string): OutputLine[] => formatLineError({ kind: 'error', message, hint: '' });

async function doAll(actions: readonly LabAction[], act: Act): Promise<readonly OutputLine[]> {
  const lines: OutputLine[] = [];
  for (const action of actions) {
    const done = await act(action);
    lines.push(...(done.ok ? formatFault(action) : refused(done.message)));
  }
  return lines;
}

/** The line with the word at the cursor completed as far as candidates agree, and the cursor after it. */
export function completeLine(line: string, at: number, memberCount: number): { line: string; at: number } {
  const { from, to, candidates } = complete(line, at, memberCount);
  const start = commonStart(candidates);
  if (start === '') return { line, at };
  const word = candidates.length === 1 ? `${start} ` : start;
  return { line: line.slice(0, from) + word + line.slice(to), at: from + word.length };
}
