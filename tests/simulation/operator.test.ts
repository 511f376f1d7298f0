/** The operator of a simulated run changes members so that the faults of the run stay survivable. */
import { expect, test } from 'vitest';
import { stream } from '../../src/base/prng.ts';
import { peersOf } from '../../src/sim/endpoints.ts';
import { Operator } from './operator.ts';
import type { Action, ClientOutcome, MemberView } from '../../src/sim/types.ts';
import type { Site } from './operator.ts';

/** A cluster that does at once what it is asked to, and whose members all run. */
class Willing implements Site {
  readonly voterCounts: number[] = [];
  /** Of those who were added as such. */
  newVoters = 0;
  #members: MemberView[] = peersOf(5).map(({ nodeId, name, peerUrl }) => this.#view(nodeId, name, [peerUrl]));
  readonly #outcomes: ClientOutcome[] = [];
  #nextId = 100;

  #view(id: number, name: string, peerUrls: readonly string[], isLearner = false): MemberView {
    return { id: BigInt(id), name, peerUrls, clientUrls: [], isLearner };
  }

  act(action: Action): number {
    if (action.type === 'memberRemove')
      this.#members = this.#members.filter(({ id }) => id.toString(16) !== action.id);
    if (action.type === 'memberPromote')
      this.#members = this.#members.map((one) =>
        one.id.toString(16) === action.id ? { ...one, isLearner: false } : one,
      );
    let added: MemberView | null = null;
    if (action.type === 'memberAdd') {
      added = this.#view(this.#nextId++, action.name ?? '', action.peerUrls, action.learner === true);
      this.#members = [...this.#members, added];
      if (!added.isLearner) this.newVoters++;
    }
    this.voterCounts.push(this.#members.filter(({ isLearner }) => !isLearner).length);
    const outcome = { ok: true, type: action.type, members: this.#members, id: added?.id ?? 0n };
    return this.#outcomes.push(outcome as unknown as ClientOutcome) - 1;
  }

  outcomeOf(id: number): ClientOutcome | undefined {
    return this.#outcomes[id];
  }

  runsOn(host: number): string | null {
    const { peerUrl } = peersOf(9)[host - 1];
    return this.#members.find(({ peerUrls }) => peerUrls[0] === peerUrl)?.id.toString(16) ?? null;
  }
}

/** What many changes have come to. */
function changed(isDamaged: boolean): Willing {
  const site = new Willing();
  const operator = new Operator(site, stream(1, 'operator'), 5, isDamaged);
  for (let turn = 0; turn < 400; turn++) operator.turn(11_000_000);
  expect(operator.changes.removed).toBeGreaterThan(10);
  return site;
}

test('where files of two of five members may be damaged, five voters stay: three of them are sound', () => {
  expect(Math.min(...changed(true).voterCounts)).toBe(5);
  expect(Math.min(...changed(false).voterCounts)).toBe(4);
});

test('where files may be damaged, who joins has no vote at first: one that never starts would be lost beside theirs', () => {
  expect(changed(true).newVoters).toBe(0);
  expect(changed(false).newVoters).toBeGreaterThan(10);
});

test('a voter that nobody started is asked nothing: there may be nothing at its address', () => {
  const asked: Action[] = [];
  const members = peersOf(4).map(({ nodeId, name, peerUrl }) => ({
    ...{ id: BigInt(nodeId), name: nodeId === 4 ? '' : name, peerUrls: [peerUrl] },
    ...{ clientUrls: [], isLearner: false },
  }));
  const site: Site = {
    act: (action) => asked.push(action) - 1,
    outcomeOf: () => ({ ok: true, type: 'memberList', members }),
    runsOn: (host) => (host === 4 ? null : host.toString(16)),
  };
  const operator = new Operator(site, stream(1, 'operator'), 3, false);
  for (let turn = 0; turn < 4; turn++) operator.tidy();
  expect(asked.slice(0, 2)).toEqual([
    { type: 'memberList' },
    { type: 'memberRemove', id: '4', endpoints: ['m1', 'm2', 'm3'] },
  ]);
});
