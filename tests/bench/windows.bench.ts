/**
 * What the windowed views cost as a run grows: Spacetime's layout of the visible window, with what is drawn of it and
 * the rows of its table, and the Checks view's rows, after 10,000 and 100,000 events of a cluster under load.
 * One JSON object a line. `--events 10000,100000 --rate 100 --repeats 20`
 */
import { Member } from '../../src/engine/server/member.ts';
import { History } from '../../src/model/history.ts';
import { drawable, filtered, lookBackUs, signs, spacetimeOf } from '../../src/model/spacetime.ts';
import type { Told } from '../../src/model/told.ts';
import { emptyView } from '../../src/model/view-state.ts';
import { Cluster } from '../../src/sim/cluster.ts';
import { Members } from '../../src/sim/run.ts';
import type { LabTrace } from '../../src/sim/types.ts';
import { faultRows } from '../../src/views/checks/words.ts';
import { cpuMs, loadAverage, Options } from './measure.ts';

const second = 1_000_000;
const memberCount = 3;
const windowsUs = [200_000, 2 * second, 10 * second];
const [mostDrawn, mostSigns, mostRows] = [400, 200, 200];

/** The events of a run, so many at least. */
class Source {
  readonly #told: Told[] = [];
  readonly #cluster: Cluster;
  readonly #members = new Members(Member.boot);

  constructor(rate: number) {
    const trace: LabTrace = { on: true, emit: (at, event) => this.#told.push({ at, event } as Told) };
    this.#cluster = new Cluster({
      ...{ seed: 1, memberCount, boot: 1, startUs: 0, preVote: true, trace },
      images: Array.from({ length: memberCount }, () => new Map<string, Uint8Array>()),
    });
    this.#cluster.act({ type: 'load', kind: 'kubernetes', perSecond: rate });
  }

  get reach(): Cluster['reach'] {
    return this.#cluster.reach;
  }

  take(count: number): readonly Told[] {
    while (this.#told.length < count) {
      const plan = this.#cluster.plan();
      if (plan === null) throw new Error('nothing is left to happen');
      this.#cluster.merge(plan, this.#members.perform(plan));
      this.#cluster.takeStoreCommits();
      this.#cluster.takeOutcomes();
    }
    return this.#told.splice(0).sort((a, b) => a.at.moment - b.at.moment || a.at.ordinal - b.at.ordinal);
  }
}

function median(repeats: number, work: () => void): number {
  const times = Array.from({ length: repeats }, () => {
    const from = cpuMs();
    work();
    return cpuMs() - from;
  }).toSorted((a, b) => a - b);
  return Math.round((times[repeats >> 1] ?? 0) * 100) / 100;
}

/** As Spacetime.svelte and its table do it, at the present. */
function measureWindow(history: History, spanUs: number, repeats: number): object {
  const { cluster, lanes } = history.now;
  const toUs = Math.max(cluster.timeUs, spanUs);
  const fromUs = toUs - spanUs;
  const all = { hidden: new Set<never>(), collapsed: new Set<number>(), text: '' };
  let counts = {};
  const layoutMs = median(repeats, () => {
    const events = history.between(fromUs - lookBackUs, history.stepCount);
    const shown = spacetimeOf({ fromUs, toUs }, events, lanes, cluster.messages);
    const flights = drawable(
      filtered(shown.flights, all, () => ''),
      mostDrawn,
    );
    const drawn = cluster.members.flatMap(({ id }) =>
      signs(
        shown.happenings.filter(({ member }) => member === id),
        mostSigns,
      ),
    );
    const rows = shown.flights.slice(-mostRows).reverse();
    counts = {
      ...{ eventsRead: events.length, flights: shown.flights.length, happenings: shown.happenings.length },
      ...{ flightsDrawn: flights.length, signsDrawn: drawn.length, rows: rows.length },
    };
  });
  return { layoutMs, ...counts };
}

export function bench(args: readonly string[]): void {
  const options = new Options(args);
  const repeats = options.number('repeats', 20);
  const source = new Source(options.number('rate', 100));
  const history = new History(emptyView(memberCount), () => null);
  let events = 0;
  for (const count of options.text('events', '10000,100000').split(',').map(Number)) {
    while (events < count) {
      const next = source.take(Math.min(2000, count - events));
      history.append(next);
      events += next.length;
    }
    const facts = { bench: 'windows', events, kept: history.size.events };
    for (const spanUs of windowsUs)
      print({ ...facts, view: 'spacetime', spanUs, ...measureWindow(history, spanUs, repeats) });
    const rows = faultRows(source.reach).length;
    print({ ...facts, view: 'checks', rowsMs: median(repeats, () => faultRows(source.reach)), faults: rows });
  }
}

const print = (line: object): void => console.log(JSON.stringify({ ...line, loadAverage: loadAverage() }));
