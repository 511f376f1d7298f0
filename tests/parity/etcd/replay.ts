/** Replays a transcript against a fresh engine and compares every answer. */
import { differences, same, sameTie } from './compare.ts';
import { decodeToJson, encodeJson, hashKvRoute, httpOf, routes, watchRoute } from './gateway.ts';
import { LoneMember } from './lone-member.ts';
import type { ServerOptions } from './lone-member.ts';
import { NormalForm, shortened, sorted } from './normal-form.ts';
import type { Json, JsonObject, ServerSettings, Step, Transcript } from './transcript.ts';
import { foldFrames } from './watch-fold.ts';

export interface Replay {
  readonly passed: number;
  readonly failed: number;
  /** The first step whose answer differs, as lines. */
  readonly first: readonly string[];
}

/** Watchers that start in the past get their events at the next pass of a loop of 100 ms. */
const quietUs = 300_000;
const patienceUs = 150_000;
const patienceCount = 20;

function optionsOf(server: ServerSettings): ServerOptions {
  return {
    // the recordings were made with --bcrypt-cost 4
    bcryptCost: 4,
    ...(server.max_txn_ops === undefined ? {} : { maxTxnOps: server.max_txn_ops }),
    ...(server.max_request_bytes === undefined ? {} : { maxRequestBytes: server.max_request_bytes }),
    ...(server.quota_backend_bytes === undefined ? {} : { quotaBytes: server.quota_backend_bytes }),
    ...(server.progress_ms === undefined ? {} : { progressIntervalUs: server.progress_ms * 1000 }),
  };
}

interface OpenWatch {
  readonly request: number;
  /** How many of its frames were collected. */
  taken: number;
}

class Conversation {
  readonly #member: LoneMember;
  readonly #norm = new NormalForm();
  readonly #watches = new Map<string, OpenWatch>();

  constructor({ meta }: Transcript) {
    this.#member = new LoneMember(meta.seed, optionsOf(meta.server));
  }

  /** @returns what was expected and what came; null for a step without an answer */
  step(step: Step): { readonly expected: Json; readonly got: Json } | null {
    switch (step.type) {
      case 'call':
        return this.#call(step);
      case 'hashkv':
        return step.volatile === true ? null : this.#hashKv(step);
      case 'watch_open':
        return this.#openWatch(step);
      case 'watch_collect':
        return this.#collect(step);
      case 'watch_close':
        this.#member.close(this.#watch(step.id).request);
        this.#watches.delete(step.id);
        return null;
      case 'sleep':
        this.#member.advance(step.ms * 1000);
        return null;
      case 'restart':
        this.#watches.clear();
        this.#member.stop(step.how);
        this.#member.start();
        return null;
    }
  }

  #token(token: string | undefined): string | undefined {
    return token === undefined ? undefined : this.#norm.text(token);
  }

  #call(step: Extract<Step, { type: 'call' }>): { expected: Json; got: Json } {
    const expected =
      step.err === undefined
        ? { http: step.http, res: sorted(step.res ?? {}) }
        : { http: step.http, err: step.err };
    const route = routes[step.path];
    if (route === undefined) throw new Error(`${step.path} is no path of the gateway`);
    const bytes = encodeJson(route.request, this.#norm.request(step.req));
    const reply = this.#member.call(route.method, bytes, this.#token(step.token));
    if (reply.code !== 0) {
      return {
        expected,
        got: { http: httpOf(reply.code), err: { code: reply.code, message: reply.message } },
      };
    }
    const namesLeases = String(step.res?.['ID'] ?? '').startsWith('$lease:');
    const res = this.#norm.answer(decodeToJson(route.response, reply.bytes), step.path, namesLeases);
    if (step.tie === true && step.res !== undefined && sameTie(step.req, step.res, res))
      return { expected, got: expected };
    return { expected, got: { http: 200, res } };
  }

  #hashKv(step: Extract<Step, { type: 'hashkv' }>): { expected: Json; got: Json } {
    const expected = step.err === undefined ? { res: step.res ?? {} } : { err: step.err };
    const reply = this.#member.call(hashKvRoute.method, encodeJson(hashKvRoute.request, step.req));
    if (reply.code !== 0)
      return { expected, got: { err: `rpc error: code = ${codeName(reply.code)} desc = ${reply.message}` } };
    const answer = decodeToJson(hashKvRoute.response, reply.bytes);
    return {
      expected,
      got: { res: { hash: answer['hash'] ?? 0, compact_revision: String(answer['compact_revision']) } },
    };
  }

  #openWatch(step: Extract<Step, { type: 'watch_open' }>): null {
    const [first, ...rest] = step.req.map((request) =>
      encodeJson(watchRoute.request, this.#norm.request(request)),
    );
    const request = this.#member.open(watchRoute.method, first ?? new Uint8Array(0), this.#token(step.token));
    for (const bytes of rest) this.#member.send(request, bytes);
    this.#watches.set(step.id, { request, taken: 0 });
    return null;
  }

  #collect(step: Extract<Step, { type: 'watch_collect' }>): { expected: Json; got: Json } {
    const watch = this.#watch(step.id);
    this.#member.advance(quietUs);
    const expected = shortened(step.got);
    let got = this.#frames(watch);
    for (let i = 0; i < patienceCount && !same(got, expected); i++) {
      this.#member.advance(patienceUs);
      got = this.#frames(watch);
    }
    watch.taken = this.#member.repliesTo(watch.request).length;
    return { expected, got };
  }

  #frames({ request, taken }: OpenWatch): JsonObject {
    const frames = this.#member.repliesTo(request).slice(taken);
    const failed = frames.find(({ code }) => code !== 0);
    const folded = foldFrames(
      frames
        .filter(({ code, bytes }) => code === 0 && bytes.length > 0)
        .map(({ bytes }) => decodeToJson(watchRoute.response, bytes)),
      this.#norm,
    );
    if (failed === undefined) return folded;
    return { ...folded, stream: [{ t: 'error', code: failed.code, message: failed.message }] };
  }

  #watch(id: string): OpenWatch {
    const watch = this.#watches.get(id);
    if (watch === undefined) throw new Error(`${id} is no open stream`);
    return watch;
  }
}

const codeNames: Readonly<Record<number, string>> = {
  2: 'Unknown',
  3: 'InvalidArgument',
  7: 'PermissionDenied',
  11: 'OutOfRange',
  12: 'Unimplemented',
  16: 'Unauthenticated',
};

const codeName = (code: number): string => codeNames[code] ?? String(code);

/** Runs all steps; a failure of ours counts as the difference of its step. */
export function replay(transcript: Transcript): Replay {
  let conversation: Conversation;
  let [passed, failed] = [0, 0];
  let first: readonly string[] = [];
  const fail = (step: Step, lines: readonly string[]): void => {
    failed++;
    if (first.length === 0) first = [`step ${step.n} ${JSON.stringify(step).slice(0, 400)}`, ...lines];
  };
  const isAnswered = (step: Step): boolean =>
    step.type === 'call' ||
    step.type === 'watch_collect' ||
    (step.type === 'hashkv' && step.volatile !== true);
  let dead: string | null = null;
  try {
    conversation = new Conversation(transcript);
  } catch (error) {
    dead = reasonOf(error);
  }
  for (const step of transcript.steps) {
    if (dead !== null) {
      if (isAnswered(step)) fail(step, [dead]);
      continue;
    }
    try {
      const answer = conversation!.step(step);
      if (answer === null) continue;
      if (same(answer.expected, answer.got)) passed++;
      else fail(step, differences(answer.expected, answer.got).slice(0, 12));
    } catch (error) {
      const reason = reasonOf(error);
      if (reason.includes('has halted')) dead = reason;
      if (isAnswered(step)) fail(step, [reason]);
      else if (first.length === 0) first = [`step ${step.n} ${JSON.stringify(step).slice(0, 400)}`, reason];
    }
  }
  return { passed, failed, first };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
