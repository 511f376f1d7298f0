/** A small member for tests of the world: it gossips, draws, and logs each write before it answers. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { emptyBytes } from '../../src/base/bytes.ts';
import { stream } from '../../src/base/prng.ts';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import {
  PutRequestSchema,
  PutResponseSchema,
  RangeResponseSchema,
  StatusResponseSchema,
} from '../../src/engine/pb/gen/rpc_pb.ts';
import type { NodeId } from '../../src/engine/raft/types.ts';
import type { DiskImage, MemberConfig, MemberInput, MemberOutput } from '../../src/engine/server/types.ts';
import type { Boot } from '../../src/sim/run.ts';

export interface ToyOptions {
  /** Answers of the members to writes and reads: a gRPC code by member number; absent: success. */
  readonly codes?: Readonly<Record<number, number>>;
  /** Called at each tick; what it returns goes into the digest. For canaries. */
  readonly disturb?: (config: MemberConfig, ticks: number) => number;
}

interface Output extends MemberOutput {
  digest: [number, number];
}

const newOutput = (): Output => ({
  sends: [],
  disk: [],
  replies: [],
  timers: [],
  events: [],
  digest: [0, 0],
  halted: null,
});

export function toyBoot(options: ToyOptions = {}): Boot {
  return (config, files, nowUs) => {
    const member = new ToyMember(config, files, options);
    return { member, output: member.start(nowUs) };
  };
}

class ToyMember {
  readonly #config: MemberConfig;
  readonly #options: ToyOptions;
  readonly #draws;
  readonly #waiting = new Map<number, number>();
  #sizeBytes: number;
  #ticks = 0;
  #heard = 0;
  #puts = 0;
  #lastSync = 0;
  #mixed = 0;

  constructor(config: MemberConfig, files: DiskImage, options: ToyOptions) {
    this.#config = config;
    this.#options = options;
    this.#draws = stream(config.seed, 'toy', config.nodeId, config.epoch);
    this.#sizeBytes = files.get('log')?.length ?? 0;
  }

  start(nowUs: number): MemberOutput {
    const output = newOutput();
    output.timers.push({ timer: 'raftTick', afterUs: this.#config.tickUs });
    return this.#finish(output, nowUs);
  }

  step(input: MemberInput, nowUs: number): MemberOutput {
    const output = newOutput();
    if (input.kind === 'link' || input.kind === 'stop') return this.#finish(output, nowUs);
    if (input.kind === 'timer') this.#tick(output);
    else if (input.kind === 'message') this.#heard++;
    else if (input.kind === 'request') this.#request(input, output);
    else if (input.kind === 'cancel') this.#waiting.delete(input.request);
    else if (input.kind === 'stream' || input.kind === 'flow') return this.#finish(output, nowUs);
    else if (input.error !== null) output.halted = `disk: ${input.error}`;
    else this.#synced(input.id, output);
    return this.#finish(output, nowUs);
  }

  #tick(output: Output): void {
    this.#ticks++;
    this.#mixed ^= this.#options.disturb?.(this.#config, this.#ticks) ?? 0;
    output.timers.push({ timer: 'raftTick', afterUs: this.#config.tickUs });
    const peers = this.#config.peers.filter(({ nodeId }) => nodeId !== this.#config.nodeId);
    if (peers.length === 0) return;
    const { nodeId } = peers[this.#draws.below(peers.length)];
    this.#sendTo(nodeId, this.#ticks % 3 === 0 ? 'MsgHeartbeat' : 'MsgApp', output);
  }

  #sendTo(to: NodeId, messageType: string, output: Output): void {
    const bytes = Uint8Array.of(this.#ticks, this.#draws.below(256));
    output.sends.push({
      to,
      bytes,
      messageType,
      term: this.#ticks,
      index: this.#puts,
      entryCount: 0,
      reject: false,
    });
    if (this.#config.trace) {
      output.events.push({ type: 'raft.commit', term: this.#ticks as never, index: this.#puts as never });
    }
  }

  #request(input: Extract<MemberInput, { kind: 'request' }>, output: Output): void {
    const code = this.#options.codes?.[this.#config.nodeId] ?? 0;
    if (code !== 0) {
      output.replies.push({
        request: input.request,
        code,
        message: `refused by m${this.#config.nodeId}`,
        bytes: emptyBytes,
      });
    } else if (input.method === 'etcdserverpb.KV/Put') {
      const { value } = fromBinary(PutRequestSchema, input.bytes);
      output.disk.push({ kind: 'write', file: 'log', offset: this.#sizeBytes, data: value });
      this.#sizeBytes += value.length;
      this.#lastSync++;
      output.disk.push({ kind: 'sync', file: 'log', id: this.#lastSync, barrier: false });
      this.#waiting.set(input.request, this.#lastSync);
    } else if (input.method === 'etcdserverpb.Maintenance/Status') {
      const status = create(StatusResponseSchema, { version: `toy ${this.#config.nodeId}` });
      output.replies.push({
        request: input.request,
        code: 0,
        message: '',
        bytes: toBinary(StatusResponseSchema, status),
      });
    } else {
      const header = { revision: BigInt(this.#puts), memberId: BigInt(this.#config.nodeId) };
      const key = encodeUtf8(`m${this.#config.nodeId}`);
      const answer = create(RangeResponseSchema, { header, count: 1n, kvs: [{ key }] });
      output.replies.push({
        request: input.request,
        code: 0,
        message: '',
        bytes: toBinary(RangeResponseSchema, answer),
      });
    }
  }

  #synced(id: number, output: Output): void {
    for (const [request, sync] of this.#waiting) {
      if (sync !== id) continue;
      this.#puts++;
      this.#waiting.delete(request);
      const answer = create(PutResponseSchema, { header: { revision: BigInt(this.#puts) } });
      output.replies.push({ request, code: 0, message: '', bytes: toBinary(PutResponseSchema, answer) });
    }
  }

  #finish(output: Output, nowUs: number): MemberOutput {
    output.digest = [
      (this.#ticks * 65536 + this.#heard) ^ this.#mixed,
      (this.#puts * 65536 + this.#sizeBytes + (nowUs % 1000)) >>> 0,
    ];
    return output;
  }
}
