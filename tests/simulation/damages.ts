/**
 * Members whose files are damaged for good: after a run's faults each is replaced, as an operator does it. Where
 * a store is damaged and looks whole, nobody can.
 */
import { peerUrlOf } from '../../src/base/hosts.ts';
import { memberIdText } from '../../src/sim/mistakes.ts';
import type { Cluster } from '../../src/sim/cluster.ts';
import type { ScheduledAction } from '../../src/sim/swarm.ts';
import type { Action, ClientAction, LabEvent } from '../../src/sim/types.ts';

const damage = /is damaged|cannot start|state\.commit \d+ is out of range/;

export interface Replacement {
  /** Why the member must not be as it is; null where it was to be expected. */
  readonly evidence: string | null;
  readonly out: readonly Action[];
  readonly anew: readonly Action[];
}

/** Whose files an action spoils, at once or later. */
function damagedBy(action: Action): readonly number[] {
  switch (action.type) {
    case 'bitRot':
    case 'misdirect':
    case 'wipe':
    case 'restoreImage':
    case 'loseFiles':
      return [action.member];
    case 'disk':
      return (action.lying ?? 0) > 0 || (action.misdirectPerMille ?? 0) > 0 ? [action.member] : [];
    default:
      return [];
  }
}

export class Damages {
  readonly #rotten: ReadonlySet<number>;
  readonly #reasons = new Map<number, string>();
  /** Of each member: the last transaction that its store began to write. */
  readonly #written = new Map<number, number>();
  /** Members with a rotten meta page that no start has met yet. */
  readonly #rottenMetas = new Set<number>();
  /** Members whose files were beyond use. */
  replaced = 0;
  /**
   * Stores that were opened at a transaction whose pages a later one had written over: the meta page between
   * the two has rotted. A commit takes the pages which only the state before the last one needs, so bbolt's
   * other meta page serves while no commit was begun since, and then names what is left, which bbolt does not
   * notice.
   * @source bbolt v1.3.6 db.go beginRWTx, freePages, meta
   */
  overwritten = 0;

  constructor(schedule: readonly ScheduledAction[]) {
    this.#rotten = new Set(schedule.flatMap(({ action }) => damagedBy(action)));
  }

  /** Whether files are damaged in the run. */
  get isExpected(): boolean {
    return this.#rotten.size > 0;
  }

  hear(member: number, event: LabEvent): void {
    switch (event.type) {
      case 'server.halt':
        return void this.#reasons.set(member, event.reason);
      case 'sim.bitRot':
        if (event.zone === 'meta') this.#rottenMetas.add(member);
        return;
      case 'sim.wipe':
        return void this.#rottenMetas.delete(member);
      case 'bolt.open':
        return this.#opened(member, event.txid);
      case 'bolt.writeMeta':
        return void this.#written.set(member, event.txid);
    }
  }

  #opened(member: number, txid: number): void {
    const lost = (this.#written.get(member) ?? txid) - txid;
    if (this.#rottenMetas.delete(member) && lost > 1) this.overwritten++;
    // what was written of one that is lost stays where it is
    if (lost !== 1) this.#written.set(member, txid);
  }

  /** Those that cannot be started for what is in their files. */
  halted(cluster: Cluster): number[] {
    return cluster.members.filter(
      (member) => cluster.memberStatus(member) === 'halted' && damage.test(this.#reasons.get(member) ?? ''),
    );
  }

  /**
   * Out with the old one, and a new one in its place: on an empty disk, and with an id of its own. Of several all
   * go out before the first is added: a cluster takes nobody in while one of its own is away.
   */
  replace(cluster: Cluster, member: number): Replacement {
    const reason = this.#reasons.get(member) ?? '';
    if (!this.#rotten.has(member))
      return { evidence: `nobody damaged m${member}'s files, and it says: ${reason}`, out: [], anew: [] };
    this.replaced++;
    const others = cluster.members.filter((other) => cluster.memberStatus(other) === 'up');
    const endpoints = others.map((other) => `m${other}`);
    return {
      evidence: null,
      out: [
        { type: 'memberRemove', id: memberIdText(member), endpoints },
        { type: 'wipe', member },
      ],
      anew: [
        { type: 'memberAdd', name: `m${member}`, peerUrls: [peerUrlOf(member)], endpoints },
        { type: 'start', member },
      ],
    };
  }
}

/** An answer that got lost: what was asked has happened already. */
export function isDone({ type }: ClientAction, message: string): boolean {
  return (
    (type === 'memberRemove' && message.includes('member not found')) ||
    (type === 'memberAdd' && message.includes('Peer URLs already exist'))
  );
}
