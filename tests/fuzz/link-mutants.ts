/** Runs that somebody else made, damaged: as the text of a link, as the text of a file, or in what they say. */
import { deflateRawSync } from 'node:zlib';
import { crc32c } from '../../src/base/checksum.ts';
import { stream, type Prng } from '../../src/base/prng.ts';
import { mistakes, mistakeActions } from '../../src/sim/mistakes.ts';
import { hostProfileNames, profileActions } from '../../src/sim/host-profiles.ts';
import type { Action } from '../../src/sim/types.ts';

export interface RunMutant {
  readonly kind: 'link' | 'file';
  readonly text: string;
  /** What was done to it. */
  readonly mutations: readonly string[];
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Facts = { [name: string]: Json };

const members = [1, 2, 3];
const actions: readonly Action[] = [
  { type: 'put', key: '__proto__', value: 'constructor' },
  { type: 'get', key: '', prefix: true },
  { type: 'kill', member: 1 },
  { type: 'restart', member: 1 },
  { type: 'cut', from: 2, to: 3 },
  { type: 'load', kind: 'kubernetes', perSecond: 40 },
  { type: 'crashPoint', member: 2, point: 'afterSync', nth: 3, then: 'powerCut', file: 'wal' },
  { type: 'message', message: 17, do: 'delay', delayUs: 5000 },
  { type: 'leaseGrant', ttl: 5, id: 'abc' },
  {
    type: 'txn',
    compares: [{ target: 'value', key: 'a', result: '=', value: 'b' }],
    success: [{ type: 'put', key: 'a', value: 'c' }],
    failure: [{ type: 'get', key: 'a' }],
  },
  ...hostProfileNames.flatMap((profile) => profileActions(profile, 2, members)),
  ...mistakes.flatMap((mistake) => mistakeActions(mistake, { members, member: 3, revision: 4 })),
];

/** From none to some hundred actions. @returns also the moment of the last */
function actionsOf(draws: Prng): { moment: number; interventions: Json[] } {
  const count = draws.chance(1, 50) ? draws.between(500, 3000) : draws.below(40);
  let moment = 0;
  const interventions = Array.from({ length: count }, (): Json => {
    moment += draws.below(200);
    return { moment, action: structuredClone(actions[draws.below(actions.length)]) as unknown as Json };
  });
  return { moment, interventions };
}

/** Boots before the run: usually a few, with some commits that were refused. */
function bootsOf(draws: Prng): Json[] {
  const count = draws.chance(1, 50) ? draws.between(100, 1100) : draws.between(1, 5);
  return Array.from({ length: count }, (_, i): Json => {
    const { moment, interventions } = draws.chance(1, 3)
      ? actionsOf(draws)
      : { moment: 0, interventions: [] };
    const stored = members.map((): Json => {
      const spans = draws.chance(1, 50) ? draws.between(500, 3000) : draws.below(4);
      return Array.from({ length: spans * 2 }, (_, at) => at * 10 + 1);
    });
    const end = { moment: moment + draws.below(50), chainHash: '0123456789abcdef', stored };
    return { boot: i + 1, startUs: i * 1000, files: draws.below(1e9), interventions, end };
  });
}

/** Members' files as a run file holds them; some with lengths and names that do not fit, and a checksum that does. */
function imagesOf(draws: Prng): string {
  const parts: Buffer[] = [];
  const word = (value: number): void => void parts.push(Buffer.from(Uint32Array.of(value).buffer));
  const count = draws.chance(1, 40) ? draws.between(100, 5000) : draws.below(9);
  word(draws.chance(1, 10) ? draws.below(2 ** 31) : count);
  for (let i = 0; i < count; i++) {
    const name = Buffer.from(draws.chance(1, 20) ? 'db' : `member/wal/${i}.wal`);
    const data = Buffer.alloc(draws.below(draws.chance(1, 20) ? 300_000 : 300), draws.below(256));
    word(draws.chance(1, 20) ? draws.below(20) : draws.between(1, 9));
    for (const part of [name, data]) {
      word(draws.chance(1, 40) ? draws.below(2 ** 31) * 2 : part.length);
      parts.push(part);
    }
  }
  if (draws.chance(1, 400)) parts.push(Buffer.alloc(80 * 1024 * 1024));
  const body = Buffer.concat(parts);
  const head = Buffer.from(Uint32Array.of(0x31444c51, crc32c(body)).buffer);
  return deflateRawSync(Buffer.concat([head, body])).toString('base64url');
}

/** A run as it could have been: from the first boot, or a later one, or from files. */
function runOf(draws: Prng): Facts {
  const { moment, interventions } = actionsOf(draws);
  const kind = draws.below(4);
  const earlier = kind === 0 ? bootsOf(draws) : [];
  const files = kind === 1 ? { images: imagesOf(draws), startUs: draws.below(1e9) } : {};
  return {
    ...{ format: 'qlrun', version: 1, engine: 'quorum-lab 0.1.0', seed: draws.below(1000), members: 3 },
    ...{ preVote: true, boot: earlier.length + 1, startedFromStore: kind === 1, origin: null, error: null },
    ...{ moment: moment + 10, chainHash: draws.chance(1, 2) ? null : '0123456789abcdef', interventions },
    ...(earlier.length > 0 && { earlier }),
    ...files,
  };
}

const strange: readonly Json[] = [
  ...[null, true, '', 'x', '__proto__', '\u0000', '\ud800', [], {}, [[]], { toString: 1 }],
  ...[0, -1, 0.5, 1e308, -1e308, 9007199254740993, 2 ** 31, 2 ** 32, 4294967295, 20_000_001],
  ...['9'.repeat(400), 'aaaaaaaaaaaaaaaa!', '-'.repeat(3000), { __proto__: null, length: 1e9 }],
];
const anyStrange = (draws: Prng): Json => structuredClone(strange[draws.below(strange.length)]);
const names = ['__proto__', 'constructor', 'toString', 'length', 'moment', 'action', 'type', 'seed', 'x', ''];

/** One of the values inside, with what holds it. */
function place(facts: Facts, draws: Prng): { holder: Facts | Json[]; name: string } {
  let holder: Facts | Json[] = facts;
  for (let depth = 0; ; depth++) {
    const keys: readonly string[] = Object.keys(holder);
    const name: string = keys[draws.below(keys.length)] ?? 'x';
    const inner: Json | undefined = (holder as Facts)[name];
    const isEmpty = typeof inner !== 'object' || inner === null || Object.keys(inner).length === 0;
    if (isEmpty || depth === 6 || draws.chance(1, 4)) return { holder, name };
    holder = inner as Facts;
  }
}

const nested = (depth: number): Json => {
  let value: Json = 0;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
};

/** What is done to a run's facts. */
const inside: Readonly<Record<string, (facts: Facts, draws: Prng) => void>> = {
  strangeValue: (facts, draws) => {
    const { holder, name } = place(facts, draws);
    (holder as Facts)[name] = anyStrange(draws);
  },
  newField: (facts, draws) => {
    const { holder } = place(facts, draws);
    const value = anyStrange(draws);
    if (Array.isArray(holder)) return void holder.push(value);
    const name = names[draws.below(names.length)];
    Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
  },
  lessField: (facts, draws) => {
    const { holder, name } = place(facts, draws);
    if (Array.isArray(holder)) holder.splice(Number(name), 1);
    else delete holder[name];
  },
  repeated: (facts, draws) => {
    const { interventions } = facts;
    if (!Array.isArray(interventions) || interventions.length === 0) return;
    const times = draws.chance(1, 20) ? draws.between(2000, 11_000) : draws.below(30);
    const one = interventions[draws.below(interventions.length)];
    facts.interventions = [...interventions, ...Array.from({ length: times }, () => one)];
  },
  turned: (facts) => {
    if (Array.isArray(facts.interventions)) facts.interventions.reverse();
  },
  nested: (facts, draws) => {
    const { holder, name } = place(facts, draws);
    (holder as Facts)[name] = nested(draws.between(2, draws.chance(1, 20) ? 4000 : 60));
  },
  long: (facts, draws) => {
    const { holder, name } = place(facts, draws);
    (holder as Facts)[name] = 'long '.repeat(draws.below(draws.chance(1, 20) ? 200_000 : 2000));
  },
};

const letters = 'ABCXYZabcxyz0123456789-_%=/+ é{}[]":,\\\u0000\u202e';

/** What is done to a text. */
const outside: Readonly<Record<string, (text: string, draws: Prng) => string>> = {
  letter: (text, draws) => {
    const at = draws.below(text.length + 1);
    return text.slice(0, at) + letters.charAt(draws.below(letters.length)) + text.slice(at + draws.below(2));
  },
  cut: (text, draws) => text.slice(0, draws.below(text.length + 1)),
  hole: (text, draws) => {
    const at = draws.below(text.length + 1);
    return text.slice(0, at) + text.slice(at + draws.below(40));
  },
  doubled: (text, draws) => {
    const [from, to] = [draws.below(text.length + 1), draws.below(text.length + 1)].sort((a, b) => a - b);
    return text.slice(0, to) + text.slice(from);
  },
  swollen: (text, draws) => {
    const part = ['[', '{"a":', '0,', '"', '\\', '{},', 'A'][draws.below(7)];
    const at = draws.below(text.length + 1);
    return (
      text.slice(0, at) + part.repeat(draws.below(draws.chance(1, 20) ? 300_000 : 3000)) + text.slice(at)
    );
  },
};

const anyOf = <Value>(all: Readonly<Record<string, Value>>, draws: Prng): [string, Value] => {
  const entries = Object.entries(all);
  return entries[draws.below(entries.length)];
};

/** The mutant of a seed. */
export function linkMutant(seed: number): RunMutant {
  const draws = stream(seed, 'links');
  const mutations: string[] = [];
  const facts = runOf(draws);
  const kind = draws.chance(1, 2) ? 'link' : 'file';
  for (let count = draws.below(4); count > 0; count--) {
    const [name, change] = anyOf(inside, draws);
    change(facts, draws);
    mutations.push(name);
  }
  let text = JSON.stringify(facts);
  const change = (): void => {
    const [name, done] = anyOf(outside, draws);
    text = done(text, draws);
    mutations.push(name);
  };
  if (draws.chance(1, 3)) change();
  if (kind === 'link') {
    text = `#run=${deflateRawSync(text).toString('base64url')}`;
    if (draws.chance(1, 2)) change();
  }
  return { kind, text, mutations };
}
