/** The world of an interaction script: nodes, one network in send order, the directives that drive them. */
import { InvariantError } from '../../../../src/base/assert.ts';
import { encodeUtf8 } from '../../../../src/base/utf8.ts';
import type { Defects } from '../../../../src/engine/defects.ts';
import {
  describeConfig,
  describeEntries,
  describeMessage,
  describeProgressMap,
  describeReady,
} from '../../../../src/engine/raft/describe.ts';
import { RaftError } from '../../../../src/engine/raft/errors.ts';
import { isLocalThread, newMessage } from '../../../../src/engine/raft/message.ts';
import { isJointVoter } from '../../../../src/engine/raft/quorum/joint.ts';
import type { StateTrace } from '../../../../src/engine/raft/state-trace.ts';
import type { Message, NodeId, Snapshot } from '../../../../src/engine/raft/types.ts';
import { localAppendThread, localApplyThread, logIndex, nodeId } from '../../../../src/engine/raft/types.ts';
import { nodeArguments, parseChange, parseNodeOptions, parseUnsigned, ScriptError } from './arguments.ts';
import type { Block } from './datadriven.ts';
import { HarnessNode } from './harness-node.ts';

const levels = ['DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL', 'NONE'];

interface Recipient {
  readonly id: NodeId;
  readonly drop: boolean;
}

type Handler = (block: Block) => void;

export class Environment {
  readonly nodes: HarnessNode[] = [];
  #messages: Message[] = [];
  #output: string[] = [];
  #quiet = false;
  readonly #defects: Defects;
  readonly #stateTrace: StateTrace | null;

  /** @param stateTrace receives upstream's state trace of all nodes */
  constructor(defects: Defects, stateTrace: StateTrace | null = null) {
    this.#defects = defects;
    this.#stateTrace = stateTrace;
  }

  /** Runs one block. @returns its output in lines; a broken invariant is printed as `panic: ...` */
  handle(block: Block): string[] {
    this.#output = [];
    const handler = this.#handlers[block.command];
    try {
      if (handler === undefined) throw new ScriptError('unknown command');
      handler(block);
    } catch (error) {
      if (error instanceof InvariantError) this.#output.push(`panic: ${error.message}`);
      else if (error instanceof RaftError || error instanceof ScriptError)
        this.#output.push(...error.message.split('\n'));
      else throw error;
    }
    return this.#output;
  }

  readonly #handlers: Readonly<Record<string, Handler>> = {
    _breakpoint: () => {},
    'add-nodes': (block) => this.#addNodes(block),
    campaign: (block) => this.#node(block).raw.campaign(),
    compact: (block) => {
      this.#node(block).storage.memory.compact(logIndex(parseUnsigned(block.args[1].key)));
      this.#raftLog(this.#node(block));
    },
    'deliver-msgs': (block) => this.#deliverDirective(block),
    'forget-leader': (block) => this.#node(block).raw.forgetLeader(),
    'log-level': (block) => this.#setLevel(block.args[0].key),
    'node-state': (block) => this.#nodeState(this.#node(block)),
    'process-append-thread': (block) =>
      this.#each(block, 'processing append thread', (node) => this.#appendThread(node)),
    'process-apply-thread': (block) =>
      this.#each(block, 'processing apply thread', (node) => this.#applyThread(node)),
    'process-ready': (block) => this.#each(block, 'handling Ready', (node) => this.#processReady(node)),
    propose: (block) => this.#node(block).raw.propose(encodeUtf8(block.args[1].key)),
    'propose-conf-change': (block) => this.#proposeConfChange(block),
    'raft-log': (block) => this.#raftLog(this.#node(block)),
    'raft-state': () => this.#raftState(),
    'read-index': (block) => this.#node(block).raw.readIndex(encodeUtf8(block.args[1].key)),
    'report-snapshot': (block) => {
      const failed = block.args.some(({ key, values }) => key === 'status' && values[0] === 'failure');
      this.#node(block).raw.reportSnapshot(this.#node(block, 1).id, !failed);
    },
    'report-unreachable': (block) => this.#reportUnreachable(block),
    restart: (block) => this.#restart(this.#node(block)),
    'send-snapshot': (block) => this.#sendSnapshot(this.#node(block), this.#node(block, 1)),
    'set-randomized-election-timeout': (block) =>
      this.#node(block).raw.setRandomizedElectionTimeout(Number(valueOf(block, 'timeout'))),
    stabilize: (block) => this.#stabilizeDirective(block),
    status: (block) => this.#print(describeProgressMap(this.#node(block).raw.status().progress)),
    'tick-election': (block) => this.#tick(this.#node(block), 'electionTick'),
    'tick-heartbeat': (block) => this.#tick(this.#node(block), 'heartbeatTick'),
    'transfer-leadership': (block) => {
      const from = this.#at(valueOf(block, 'from'));
      from.raw.transferLeader(this.#at(valueOf(block, 'to')).id);
    },
  };

  #at(text: string): HarnessNode {
    const node = this.nodes[Number(text) - 1];
    if (node === undefined) throw new ScriptError(`no node ${text}`);
    return node;
  }

  #node(block: Block, place = 0): HarnessNode {
    return this.#at(block.args[place]?.key ?? '');
  }

  #print(text: string): void {
    if (!this.#quiet && text !== '') this.#output.push(...text.replace(/\n$/, '').split('\n'));
  }

  #indented(run: () => void): void {
    const outer = this.#output;
    this.#output = [];
    try {
      run();
    } finally {
      outer.push(...this.#output.map((line) => `  ${line}`));
      this.#output = outer;
    }
  }

  #setLevel(name: string): void {
    const level = levels.indexOf(name.toUpperCase());
    if (level < 0) throw new ScriptError(`log levels must be either of [${levels.join(' ')}]`);
    this.#quiet = level === levels.length - 1;
  }

  #addNodes(block: Block): void {
    const { options, snapshot } = parseNodeOptions(block.args.slice(1));
    const bootstraps = snapshot.index > 0 || snapshot.confState.voters.length > 0;
    if ((bootstraps || snapshot.confState.learners.length > 0) && snapshot.index <= 1) {
      throw new ScriptError('index must be specified as > 1 due to bootstrap');
    }
    const count = Number(block.args[0].key);
    for (let i = 0; i < count; i++) {
      const id = nodeId(this.nodes.length + 1);
      const more = { defects: this.#defects, stateTrace: this.#stateTrace };
      this.nodes.push(new HarnessNode(id, { ...options, ...more }, snapshot));
    }
  }

  /** Runs for each node named; with several of them under a header each, and indented. */
  #each(block: Block, what: string, run: (node: HarnessNode) => void): void {
    const nodes = nodeArguments(block).map((id) => this.#at(id));
    for (const node of nodes) {
      if (nodes.length === 1) run(node);
      else this.#under(node, what, () => run(node));
    }
  }

  #under(node: HarnessNode, what: string, run: () => void): void {
    this.#print(`> ${node.id} ${what}`);
    this.#indented(run);
  }

  #processReady(node: HarnessNode): void {
    const ready = node.raw.ready();
    this.#print(describeReady(ready));
    const isAsync = node.options.asyncStorageWrites === true;
    if (!isAsync) {
      this.#persist(node, ready.hardState, ready.entries, ready.snapshot);
      node.apply(ready.committedEntries);
    }
    for (const m of ready.messages) {
      if (m.to === localAppendThread) node.appendWork.push(m);
      else if (m.to === localApplyThread) node.applyWork.push(m);
      else this.#messages.push(m);
    }
    if (!isAsync) node.raw.advance();
  }

  #persist(node: HarnessNode, ...work: Parameters<HarnessNode['persist']>): void {
    const error = node.persist(...work);
    if (error !== null) throw new ScriptError(error);
  }

  #appendThread(node: HarnessNode): void {
    this.#work(node.appendWork, 'no append work to perform', (m) => {
      const hardState = { term: m.term, vote: m.vote, commit: m.commit };
      this.#persist(node, hardState, m.entries, m.snapshot);
    });
  }

  #applyThread(node: HarnessNode): void {
    this.#work(node.applyWork, 'no apply work to perform', (m) => node.apply(m.entries));
  }

  #work(queue: Message[], none: string, run: (m: Message) => void): void {
    const m = queue.shift();
    if (m === undefined) {
      this.#print(none);
      return;
    }
    this.#print(`Processing:\n${describeMessage({ ...m, responses: [] })}`);
    run(m);
    this.#print('Responses:');
    for (const response of m.responses) this.#print(describeMessage(response));
    this.#messages.push(...m.responses);
  }

  #deliverDirective(block: Block): void {
    let type: string | null = null;
    const recipients: Recipient[] = [];
    for (const { key, values } of block.args) {
      if (values.length === 0) recipients.push({ id: nodeId(Number(key)), drop: false });
      if (key === 'type') type = values[0];
      if (key === 'drop')
        recipients.push(...values.map((value) => ({ id: nodeId(Number(value)), drop: true })));
    }
    if (this.#deliver(type, recipients) === 0) this.#print('no messages');
  }

  #takeMessages(to: NodeId, type: string | null, drop: boolean): Message[] {
    const isMine = (m: Message): boolean =>
      m.to === to && !(drop && isLocalMessage(m)) && (type === null || m.type === type);
    const taken = this.#messages.filter(isMine);
    this.#messages = this.#messages.filter((m) => !isMine(m));
    return taken;
  }

  /** Delivers or drops the messages to each recipient. @returns how many */
  #deliver(type: string | null, recipients: readonly Recipient[]): number {
    let count = 0;
    for (const { id, drop } of recipients) {
      const messages = this.#takeMessages(id, type, drop);
      count += messages.length;
      for (const m of messages) {
        this.#print(`${drop ? 'dropped: ' : ''}${describeMessage(m)}`);
        if (!drop) this.#step(m);
      }
    }
    return count;
  }

  #step(m: Message): void {
    try {
      this.#at(String(m.to)).raw.step(m);
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      this.#print(error.message);
    }
  }

  #stabilizeDirective(block: Block): void {
    const quietBefore = this.#quiet;
    const level = block.args.find(({ key }) => key === 'log-level');
    if (level !== undefined) this.#setLevel(level.values[0]);
    const named = nodeArguments(block).map((id) => this.#at(id));
    try {
      this.#stabilize(named.length > 0 ? named : this.nodes.slice());
    } finally {
      this.#quiet = quietBefore;
    }
  }

  /** Four phases over all nodes, again and again, until one round finds nothing to do. */
  #stabilize(nodes: readonly HarnessNode[]): void {
    for (let done = false; !done;) {
      done = true;
      for (const node of nodes) {
        if (!node.raw.hasReady()) continue;
        this.#under(node, 'handling Ready', () => this.#processReady(node));
        done = false;
      }
      for (const node of nodes) {
        if (!this.#messages.some((m) => m.to === node.id)) continue;
        this.#under(node, 'receiving messages', () => this.#deliver(null, [{ id: node.id, drop: false }]));
        done = false;
      }
      for (const node of nodes) {
        if (node.appendWork.length === 0) continue;
        this.#print(`> ${node.id} processing append thread`);
        while (node.appendWork.length > 0) this.#indented(() => this.#appendThread(node));
        done = false;
      }
      for (const node of nodes) {
        if (node.applyWork.length === 0) continue;
        this.#print(`> ${node.id} processing apply thread`);
        while (node.applyWork.length > 0) this.#indented(() => this.#applyThread(node));
        done = false;
      }
    }
  }

  #tick(node: HarnessNode, interval: 'electionTick' | 'heartbeatTick'): void {
    for (let i = 0; i < node.options[interval]; i++) node.raw.tick();
  }

  #proposeConfChange(block: Block): void {
    this.#node(block).raw.proposeConfChange(parseChange(block));
  }

  #reportUnreachable(block: Block): void {
    if (nodeArguments(block).length !== 2) {
      throw new ScriptError(
        'must specify exactly two node indexes: node on which to report, and reported node',
      );
    }
    this.#node(block).raw.reportUnreachable(this.#node(block, 1).id);
  }

  #raftLog(node: HarnessNode): void {
    const { memory } = node.storage;
    const first = memory.firstIndex();
    const last = memory.lastIndex();
    if (last < first) this.#print(`log is empty: first index=${first}, last index=${last}`);
    else this.#print(describeEntries(memory.entries(first, logIndex(last + 1), Infinity)));
  }

  #raftState(): void {
    for (const node of this.nodes) {
      const { id, state, term, lead, config } = node.raw.status();
      const voter = isJointVoter(config, id) ? 'Voter' : 'Non-Voter';
      this.#print(`${id}: ${state} (${voter}) Term:${term} Lead:${lead}`);
    }
  }

  #nodeState(node: HarnessNode): void {
    const { term, vote, commit, applied, lead, state, leadTransferee, config } = node.raw.status();
    // Upstream's status copies the configuration without its autoLeave flag, so scripts never show it here.
    const shown = describeConfig({ ...config, autoLeave: false });
    this.#print(
      `Term:${term} Vote:${vote} Commit:${commit} Applied:${applied} Lead:${lead} State:${state} ` +
        `LeadTransferee:${leadTransferee}\nconfig ${shown}`,
    );
  }

  #restart(node: HarnessNode): void {
    const isOwn = (m: Message): boolean => m.to === node.id && (m.from === node.id || isLocalThread(m.from));
    this.#messages = this.#messages.filter((m) => !isOwn(m));
    node.restart();
  }

  #sendSnapshot(from: HarnessNode, to: HarnessNode): void {
    const m = newMessage('MsgSnap', to.id, from.id);
    m.term = from.raw.basicStatus().term;
    m.snapshot = from.storage.snapshot() satisfies Snapshot;
    this.#messages.push(m);
    this.#print(describeMessage(m));
  }
}

/** Local messages are delivered for certain: from a node to itself, from or to its threads. */
function isLocalMessage(m: Message): boolean {
  return m.from === m.to || isLocalThread(m.from) || isLocalThread(m.to);
}

function valueOf(block: Block, name: string): string {
  const found = block.args.find(({ key }) => key === name);
  if (found === undefined || found.values.length === 0) throw new ScriptError(`missing argument: ${name}`);
  return found.values[0];
}
