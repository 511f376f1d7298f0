/** A thousand random steps back and forth, by every unit, in a run and in a branch of it. */
import { expect, test } from 'vitest';
import { stream } from '../../src/base/prng.ts';
import { openInProcess } from '../../src/host/in-process.ts';
import type { StepUnit } from '../../src/host/port.ts';
import { timeInProcess } from '../../src/host/time-in-process.ts';
import type { Action } from '../../src/sim/types.ts';
import { Lab } from '../../src/model/lab.svelte.ts';

const units: readonly StepUnit[] = ['input', 'tick', 'message', 'raft', 'commit', 'page', 'command'];
const options = { seed: 5, members: 3, storage: 'memory', layout: 'one', workspace: 'walk' } as const;

class Walk {
  readonly lab = new Lab(openInProcess(), timeInProcess);
  /** By timeline and moment, what the run's hash was when it first came there. */
  readonly #noted = new Map<string, string>();
  readonly #draws = stream(1, 'walk');
  /** How many steps were compared, and at how many places. */
  compared = 0;
  readonly places = new Set<string>();

  async open(): Promise<void> {
    this.lab.listen(({ place }) => {
      if (place !== null) this.#noted.set(`${this.lab.timelines.shown} ${place.moment}`, place.chainHash);
    });
    await this.lab.open({ ...options, lookOnly: false, preVote: true, startPaused: true });
  }

  /** Input by input, so that each place between two plans is told. */
  async live(inputs: number, actions: readonly Action[]): Promise<void> {
    for (const action of actions) {
      void this.lab.act(action);
      for (let i = 0; i < inputs; i++) await this.lab.step('input', 1);
    }
  }

  async steps(count: number): Promise<void> {
    const { lab } = this;
    for (let i = 0; i < count; i++) {
      const unit = units[this.#draws.below(units.length)];
      // now and then far away, so that it does not stay near the end
      if (this.#draws.below(20) === 0) await lab.goTo(this.#draws.below(lab.playback.trail.stepCount));
      else await lab.move(unit, this.#draws.below(2) === 0 ? -1 : 1);
      await this.#isAsItWas();
    }
  }

  async #isAsItWas(): Promise<void> {
    const { timelines, shownMoment } = this.lab;
    const sought = await timelines.seek(timelines.shown, shownMoment);
    if (!sought.ok) throw new Error(sought.message);
    const { moment, chainHash, proven } = sought;
    const key = (id: number): string => `${id} ${moment}`;
    // before it parts, a branch is what its parent was
    const noted = this.#noted.get(key(timelines.shown)) ?? this.#noted.get(key(0));
    expect(proven).not.toBe(false);
    if (noted === undefined) return;
    expect(chainHash).toBe(noted);
    this.compared += 1;
    this.places.add(key(timelines.shown));
  }
}

test('1,000 random steps back and forth, by every unit, come to the hashes that the run had there', async () => {
  const walk = new Walk();
  await walk.open();
  const { lab } = walk;
  const put = (key: string): Action => ({ type: 'put', key, value: 'v' });
  await walk.live(60, [put('a'), { type: 'kill', member: 1 }, put('b'), { type: 'start', member: 1 }]);
  await walk.steps(500);
  await lab.goTo(Math.floor(lab.playback.trail.stepCount * 0.6));
  expect(await lab.act({ type: 'cut', from: 2, to: 3 })).toMatchObject({ ok: true });
  await walk.live(60, [put('c'), { type: 'kill', member: 3 }]);
  expect(lab.timelines.shown).toBe(1);
  await walk.steps(500);
  expect(walk.compared).toBeGreaterThan(600);
  expect(walk.places.size).toBeGreaterThan(120);
}, 120_000);
