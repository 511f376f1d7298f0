/** The corpus of histories: known good ones and known bad ones, as text. */
import corpus from '../testdata/histories/corpus.txt?raw';
import type { KvRequest } from '../../src/sim/checkers/kv-request.ts';
import type { Operation } from '../../src/sim/checkers/history.ts';

export interface KnownHistory {
  readonly title: string;
  readonly isGood: boolean;
  readonly history: readonly Operation[];
}

const put = (key: string, value: string): KvRequest => ({
  ...{ kind: 'put', key, value, lease: 0n },
  ...{ prevKv: false, keepsValue: false, keepsLease: false },
});

const get = (key: string): KvRequest => ({
  ...{ kind: 'range', key, end: null, revision: 0, limit: 0 },
  ...{ countOnly: false, keysOnly: false, serializable: false },
});

/** A request and, where its answer is known, the model's words for it. */
function parseWhat(
  words: readonly string[],
  said: string | null,
): { request: KvRequest; answer: string | null } {
  const [kind, key, first, second] = words;
  switch (kind) {
    case 'put':
      return { request: put(key, first), answer: said === null ? null : 'put ' };
    case 'get': {
      const [value, numbers] = (said ?? '').split(' ');
      const found = said === 'none' ? 'get 0 ' : `get 1 ${key}=${value} ${numbers}`;
      return { request: get(key), answer: said === null ? null : found };
    }
    case 'del':
      return {
        request: { kind: 'delete', key, end: null, prevKv: false },
        answer: said === null ? null : `del ${said} `,
      };
    case 'cas': {
      const compares = [{ key, end: null, target: 'value', result: '=', operand: first }] as const;
      const request: KvRequest = { kind: 'txn', compares, success: [put(key, second) as never], failure: [] };
      return { request, answer: said === null ? null : `${said} [${said === 'true' ? 'put ' : ''}]` };
    }
    default:
      throw new Error(`the corpus has no ${kind}`);
  }
}

function parseLine(line: string, id: number): Operation {
  const [asked, answer] = line.split(' = ');
  const [call, end, ...words] = asked.split(' ');
  const [said = null, revision = null] = answer === undefined ? [] : answer.split(' @');
  return {
    id,
    callUs: Number(call),
    returnUs: end === '?' ? Infinity : Number(end),
    revision: revision === null ? null : Number(revision),
    ...parseWhat(words, said),
  };
}

export const histories: readonly KnownHistory[] = corpus
  .split(/\n\n+/)
  .filter((block: string) => /^(good|bad): /.test(block))
  .map((block: string): KnownHistory => {
    const [head, ...lines] = block.trim().split('\n');
    const [kind, title] = head.split(': ');
    return { title, isGood: kind === 'good', history: lines.map((line, i) => parseLine(line, i + 1)) };
  });

export const badHistories = histories.filter(({ isGood }) => !isGood);
