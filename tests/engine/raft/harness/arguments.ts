/** Arguments and inputs of the directives. */
import { emptyBytes } from '../../../../src/base/bytes.ts';
import { encodeUtf8 } from '../../../../src/base/utf8.ts';
import type { ReadOnlyOption } from '../../../../src/engine/raft/config.ts';
import { quoteGo } from '../../../../src/engine/raft/describe.ts';
import type {
  ConfChange,
  ConfChangeSingle,
  ConfChangeTransition,
  ConfChangeType,
  ConfChangeV2,
  Snapshot,
} from '../../../../src/engine/raft/types.ts';
import { logIndex, nodeId, term } from '../../../../src/engine/raft/types.ts';
import type { Argument, Block } from './datadriven.ts';
import type { NodeOptions } from './harness-node.ts';

/** A failure whose text the script prints. */
export class ScriptError extends Error {}

const truths: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true])),
  ...Object.fromEntries(['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false])),
};

/** As Go's strconv.ParseBool. @throws ScriptError with its text */
export function parseBoolean(text: string): boolean {
  if (!Object.hasOwn(truths, text))
    throw new ScriptError(`strconv.ParseBool: parsing ${quote(text)}: invalid syntax`);
  return truths[text];
}

/** As Go's strconv.ParseUint with 64 bits. @throws ScriptError with its text */
export function parseUnsigned(text: string): number {
  const failed = (why: string) => new ScriptError(`strconv.ParseUint: parsing ${quote(text)}: ${why}`);
  if (!/^[0-9]+$/.test(text)) throw failed('invalid syntax');
  if (BigInt(text) > 0xffffffffffffffffn) throw failed('value out of range');
  return Number(text);
}

const quote = (text: string): string => quoteGo(encodeUtf8(text));

/** The arguments that are no `key=value`: node ids. */
export function nodeArguments(block: Block): string[] {
  return block.args.filter(({ values }) => values.length === 0).map(({ key }) => key);
}

/** Which field of the configuration an argument of add-nodes sets, and how it is read. */
const optionFields: Readonly<Record<string, readonly [keyof NodeOptions, 'number' | 'boolean']>> = {
  inflight: ['maxInflightMsgs', 'number'],
  'async-storage-writes': ['asyncStorageWrites', 'boolean'],
  prevote: ['preVote', 'boolean'],
  checkquorum: ['checkQuorum', 'boolean'],
  'max-committed-size-per-ready': ['maxCommittedSizePerReady', 'number'],
  'disable-conf-change-validation': ['disableConfChangeValidation', 'boolean'],
  'step-down-on-removal': ['stepDownOnRemoval', 'boolean'],
  'max-size-per-msg': ['maxSizePerMsg', 'number'],
  'max-inflight-bytes': ['maxInflightBytes', 'number'],
  'max-uncommitted-size': ['maxUncommittedEntriesSize', 'number'],
  'disable-proposal-forwarding': ['disableProposalForwarding', 'boolean'],
};

/** MaxUint64 and its neighbours stand for no limit. */
function readNumber(text: string): number {
  const value = parseUnsigned(text);
  return value > Number.MAX_SAFE_INTEGER ? Infinity : value;
}

function parseReadOnly(text: string): ReadOnlyOption {
  if (text === 'safe') return 'ReadOnlySafe';
  if (text === 'lease-based') return 'ReadOnlyLeaseBased';
  throw new ScriptError(`invalid read-only option ${quote(text)}`);
}

/** The configuration and the first snapshot that `add-nodes` asks for. */
export function parseNodeOptions(args: readonly Argument[]): { options: NodeOptions; snapshot: Snapshot } {
  const options: Record<string, unknown> = {
    electionTick: 3,
    heartbeatTick: 1,
    maxSizePerMsg: Infinity,
    maxInflightMsgs: 2147483647,
  };
  let index = 0;
  let voters: readonly string[] = [];
  let learners: readonly string[] = [];
  for (const { key, values } of args) {
    const field = optionFields[key];
    if (field !== undefined)
      for (const value of values)
        options[field[0]] = field[1] === 'number' ? readNumber(value) : parseBoolean(value);
    else if (key === 'voters') voters = values;
    else if (key === 'learners') learners = values;
    else if (key === 'index') index = parseUnsigned(values[0]);
    else if (key === 'read-only') options.readOnlyOption = parseReadOnly(values[0]);
  }
  if (index > 0) options.applied = logIndex(index);
  const ids = (texts: readonly string[]) => texts.map((text) => nodeId(Number(text)));
  const confState = {
    voters: ids(voters),
    learners: ids(learners),
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
  return {
    options: options as unknown as NodeOptions,
    snapshot: { data: emptyBytes, confState, index: logIndex(index), term: term(index > 0 ? 1 : 0) },
  };
}

const letters: Readonly<Record<string, ConfChangeType>> = {
  v: 'ConfChangeAddNode',
  l: 'ConfChangeAddLearnerNode',
  r: 'ConfChangeRemoveNode',
  u: 'ConfChangeUpdateNode',
};

/** Reads `v1 l2 r3 u4`, parted by single blanks. @throws ScriptError */
export function parseChanges(input: string): ConfChangeSingle[] {
  return (input === '' ? [] : input.split(' ')).map((token) => {
    if (token.length < 2) throw new ScriptError(`unknown token ${token}`);
    const type = letters[token[0]];
    if (type === undefined) throw new ScriptError(`unknown input: ${token}`);
    return { type, nodeId: nodeId(parseUnsigned(token.slice(1))) };
  });
}

const transitions: Readonly<Record<string, ConfChangeTransition>> = {
  auto: 'ConfChangeTransitionAuto',
  implicit: 'ConfChangeTransitionJointImplicit',
  explicit: 'ConfChangeTransitionJointExplicit',
};

/** The change that `propose-conf-change` proposes. @throws ScriptError */
export function parseChange(block: Block): ConfChange | ConfChangeV2 {
  let v1 = false;
  let transition: ConfChangeTransition = 'ConfChangeTransitionAuto';
  for (const { key, values } of block.args.slice(1)) {
    for (const value of values) {
      if (key === 'v1') v1 = parseBoolean(value);
      else if (key !== 'transition') throw new ScriptError(`unknown command ${key}`);
      else if (transitions[value] === undefined) throw new ScriptError(`unknown transition ${value}`);
      else transition = transitions[value];
    }
  }
  const changes = parseChanges(block.input);
  if (!v1) return { transition, changes, context: emptyBytes };
  if (changes.length > 1 || transition !== 'ConfChangeTransitionAuto') {
    throw new ScriptError('v1 conf change can only have one operation and no transition');
  }
  if (changes.length === 0) throw new ScriptError('v1 conf change needs an operation');
  return { id: 0n, ...changes[0], context: emptyBytes };
}
