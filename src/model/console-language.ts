/** What the console understands and says. Loaded when it is first needed: the page starts without it. */
import type { ClientOutcome, LabAction } from '../sim/types.ts';
import { outLines, type OutputLine } from './etcdctl/answer.ts';
import { commonStart, complete, completeFirst } from './etcdctl/complete.ts';
import { formatFault, formatLineError, formatOutcome } from './etcdctl/format.ts';
import { helpLines, versionLines } from './etcdctl/help.ts';
import { parseLine } from './etcdctl/parse.ts';
import { statusLines } from './etcdctl/report-format.ts';
import { renewalLines, watchLines, watchOver } from './etcdctl/watch-format.ts';
import { commandLine, type MenuAction } from './command-line.ts';
import { TxnDialogue, WatchDialogue } from './console-dialogues.ts';
import type { ParsedLine } from './etcdctl/parsed-line.ts';
import type { Act, Dialogue, SavedFile, Terminal } from './console-terminal.ts';

export { parseLine };

type Command = Extract<ParsedLine, { kind: 'command' }>;

/** Does what a line means and tells what to print for it. */
export async function answerTo(parsed: ParsedLine, terminal: Terminal): Promise<readonly OutputLine[]> {
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
      return doAll(parsed.actions, terminal.lab.act);
    case 'host':
      return fromShelf(terminal.lab.profileOf?.(parsed.profile, parsed.members), terminal);
    case 'mistake':
      return fromShelf(terminal.lab.mistakeOf?.(parsed.mistake, parsed.member), terminal);
    case 'plant':
      if (terminal.lab.plant === undefined) return refused('this page begins no other labs');
      terminal.lab.plant(parsed.bug);
      return outLines([`a new lab, in which all members have the bug ${parsed.bug}`]);
    case 'command':
      return doCommand(parsed, terminal);
    case 'reads':
      return read(parsed, terminal);
    case 'snapshotStatus': {
      const saved = savedFile(terminal, parsed.file);
      if ('stream' in saved) return [saved, fileHint];
      return outLines(statusLines(saved.status, parsed.format));
    }
    case 'snapshotRestore':
      return restore(parsed.file, terminal);
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

/** What an answer says of a fault that is there: the next step is done all the same. */
const isSoAlready = / already$/;

/** Each step as the line that says it, with its answer; a refusal ends it, but for what is so already. */
async function fromShelf(
  actions: readonly MenuAction[] | undefined,
  { lab }: Terminal,
): Promise<readonly OutputLine[]> {
  if (actions === undefined) return refused('this page has no shelf');
  const lines: OutputLine[] = [];
  for (const action of actions) {
    lines.push({ stream: 'hint', text: `> ${commandLine(action)}` });
    const done = await lab.act(action);
    if (!done.ok) return [...lines, ...refused(done.message)];
    if (done.outcome !== null)
      lines.push(...formatOutcome(done.outcome, { format: 'simple', valueOnly: false }));
    if (done.outcome?.ok === false && !isSoAlready.test(done.outcome.message)) return lines;
  }
  return lines;
}

async function doCommand(parsed: Command, terminal: Terminal): Promise<readonly OutputLine[]> {
  const endpoints = parsed.cluster === true ? await clusterEndpoints(parsed, terminal.lab.act) : null;
  if (endpoints !== null && 'lines' in endpoints) return endpoints.lines;
  const command = { ...parsed.command, ...endpoints };
  const acting = terminal.lab.act(command);
  const done = command.type === 'checkPerf' ? await hurried(acting, terminal) : await acting;
  if (!done.ok) return refused(done.message);
  const { outcome } = done;
  if (outcome === null) return [];
  if (outcome.ok) {
    if (outcome.type === 'userGet' && parsed.detail === true)
      return detailLines(outcome.names, parsed, terminal);
    if (outcome.type === 'snapshotSave') return [keep(parsed.file ?? 'snapshot.db', outcome, terminal)];
    stand(outcome, parsed, terminal);
  }
  return formatOutcome(outcome, { ...parsed, command });
}

/**
 * The addresses of the members, as the first endpoint that answers lists them.
 * @source etcd v3.4.23 etcdctl ep_command.go endpointsFromCluster; it asks as nobody
 */
async function clusterEndpoints(
  { command: { endpoints } }: Command,
  act: Act,
): Promise<{ readonly endpoints: readonly string[] } | { readonly lines: OutputLine[] }> {
  const done = await act({ type: 'memberList', ...(endpoints !== undefined && { endpoints }) });
  const outcome = done.ok ? done.outcome : null;
  if (outcome?.ok === true && outcome.type === 'memberList') {
    return { endpoints: outcome.members.flatMap(({ clientUrls }) => clientUrls) };
  }
  const message = done.ok && outcome?.ok === false ? outcome.message : done.ok ? '' : done.message;
  return { lines: refused(`failed to fetch endpoints from etcd cluster member list: ${message}`) };
}

/** The number under which a check stands: there is one at a time. */
const checkRequest = -1;
const secondsATold = 10;

/** A minute of the cluster's would be hours of the show's: it passes as fast as it can. */
async function hurried<Value>(acting: Promise<Value>, terminal: Terminal): Promise<Value> {
  const { lab, title } = terminal;
  const tell = (text: string): void => terminal.print([{ stream: 'hint', text }]);
  tell('A minute of writes, as fast as this machine can do it. Stop leaves its keys behind.');
  const hear = () => ({ lines: [], isOver: false });
  terminal.stand({ request: checkRequest, title, stoppedBy: { type: 'stop', checks: true }, hear });
  let isOver = false;
  const over = acting.finally(() => (isOver = true));
  for (let seconds = 1; !isOver; seconds++) {
    await Promise.race([over, lab.hurry(1_000_000)]);
    if (!isOver && seconds % secondsATold === 0) tell(`${seconds} of 60 seconds`);
  }
  terminal.ended(checkRequest);
  return over;
}

/** @source etcd v3.4.23 etcdctl user_command.go userGetCommandFunc */
async function detailLines(
  roles: readonly string[],
  { command, format, valueOnly }: Command,
  { lab }: Terminal,
): Promise<readonly OutputLine[]> {
  const lines = outLines([`User: ${command.type === 'userGet' ? command.name : ''}`]);
  const asking = { endpoints: command.endpoints, user: command.user };
  for (const role of roles) {
    const ask = { type: 'roleGet', role, ...defined(asking) } as const;
    const done = await lab.act(ask);
    if (!done.ok) return [...lines, ...refused(done.message)];
    if (done.outcome === null) continue;
    lines.push(...outLines(['']), ...formatOutcome(done.outcome, { format, valueOnly, command: ask }));
    if (!done.outcome.ok) return lines;
  }
  return lines;
}

const defined = (fields: Record<string, unknown>): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

function keep(
  name: string,
  { file, status }: { readonly file: Uint8Array; readonly status: SavedFile['status'] },
  terminal: Terminal,
): OutputLine {
  terminal.keep(name, { bytes: file, status });
  terminal.lab.download(name.split('/').at(-1) ?? name, file);
  return { stream: 'out', text: `Snapshot saved at ${name}` };
}

const fileHint: OutputLine = {
  stream: 'hint',
  text: 'It reads what was saved or opened here: snapshot save backup.db',
};

function savedFile({ files }: Terminal, name: string): SavedFile | OutputLine {
  const saved = files.get(name) ?? (name === 'last' ? [...files.values()].at(-1) : undefined);
  return saved ?? { stream: 'error', text: `Error: stat ${name}: no such file or directory` };
}

async function restore(name: string, terminal: Terminal): Promise<readonly OutputLine[]> {
  const saved = savedFile(terminal, name);
  if ('stream' in saved) return [saved, fileHint];
  if (terminal.lab.restore === undefined) {
    return refused('this page restores no files: drop the file on the page of the lab');
  }
  const done = await terminal.lab.restore(name, saved.bytes);
  return done.ok ? outLines([`restored ${name}: a lab of one member`]) : refused(done.message);
}

/** What goes on by itself prints what comes, until it ends or is stopped. */
function stand(
  outcome: Extract<ClientOutcome, { ok: true }>,
  { command, format, hex = false }: Command,
  terminal: Terminal,
): void {
  const { title } = terminal;
  if (outcome.type === 'watch') {
    terminal.stand({
      request: outcome.watch,
      title,
      hear: (event) => {
        const isOver = event.ended !== '';
        const lines = event.type === 'sim.watch' ? watchLines(event, format, hex) : [];
        return { lines: isOver ? [...lines, watchOver] : lines, isOver };
      },
    });
  }
  if (outcome.type === 'leaseKeepAlive' && outcome.keeps !== undefined && command.type === 'leaseKeepAlive') {
    terminal.stand({
      request: outcome.keeps,
      title,
      hear: (event) => ({
        lines: event.type === 'sim.keepAlive' ? renewalLines(event, command.id, format) : [],
        isOver: event.ended !== '',
      }),
    });
  }
}

/** Begins to read; what came with the line is read at once. */
async function read(
  parsed: Extract<ParsedLine, { kind: 'reads' }>,
  terminal: Terminal,
): Promise<readonly OutputLine[]> {
  const dialogue =
    parsed.what === 'txn' ? new TxnDialogue(terminal, parsed) : new WatchDialogue(terminal, parsed);
  const { input } = parsed;
  if (input === null || 'until' in input) {
    const until = input === null ? null : input.until;
    terminal.read(until === null ? dialogue : bounded(dialogue, until));
    return [];
  }
  const lines = input.text.split('\n');
  for (const line of lines.slice(0, -1)) if ((await dialogue.take(line)) !== 'more') return [];
  dialogue.end();
  return [];
}

/** The lines up to a word that stands alone; what the command does not read of them is passed over. */
function bounded(dialogue: Dialogue, until: string): Dialogue {
  let isOver = false;
  return {
    get prompt() {
      return isOver ? until : dialogue.prompt;
    },
    get words() {
      return isOver ? [until] : dialogue.words;
    },
    take: async (line) => {
      if (line === until) {
        if (!isOver) dialogue.end();
        return 'over';
      }
      const taken = isOver ? 'over' : await dialogue.take(line);
      isOver = taken === 'over';
      return taken === 'refused' ? taken : 'more';
    },
    end: () => (isOver ? undefined : dialogue.end()),
    interrupt: () => dialogue.interrupt(),
  };
}

/** The line with the word at the cursor completed as far as candidates agree, and the cursor after it. */
export function completeLine(
  line: string,
  at: number,
  memberCount: number,
  words: readonly string[] | null,
): { line: string; at: number } {
  const found = words === null ? complete(line, at, memberCount) : completeFirst(line, at, words);
  const { from, to, candidates } = found;
  const start = commonStart(candidates);
  if (start === '') return { line, at };
  const isWhole = candidates.length === 1 && !start.endsWith('(');
  const word = isWhole ? `${start} ` : start;
  return { line: line.slice(0, from) + word + line.slice(to), at: from + word.length };
}
