/** A lab behind a port of this process, as the contract's cases drive it. */
import type { Envelope } from '../../src/engine/events.ts';
import type { LabOptions, LabPort, LabState } from '../../src/host/port.ts';
import type { LabEvent } from '../../src/sim/types.ts';
import type { LabUnderTest } from './lab-port.ts';

export class PortUnderTest implements LabUnderTest {
  readonly #connect: () => LabPort;
  readonly #layout: LabOptions['layout'];
  #port: LabPort | null = null;
  #options: LabOptions | null = null;
  #events: { readonly at: Envelope; readonly event: LabEvent }[] = [];

  constructor(connect: () => LabPort, layout: LabOptions['layout']) {
    this.#connect = connect;
    this.#layout = layout;
  }

  async open({ seed, workspace, stored }: Parameters<LabUnderTest['open']>[0]): Promise<LabState> {
    this.#options = {
      seed,
      workspace,
      members: 3,
      storage: stored ? 'auto' : 'memory',
      layout: this.#layout,
      lookOnly: false,
      preVote: true,
      startPaused: true,
    };
    return this.reload();
  }

  async reload(): Promise<LabState> {
    if (this.#options === null) throw new Error('reloaded before it was open');
    this.#events = [];
    this.#port = this.#connect();
    this.#port.subscribe(({ events }) => this.#events.push(...events));
    const opened = await this.#port.open(this.#options);
    if (!opened.ok) throw new Error(opened.message);
    return opened.state;
  }

  async actAndRun(
    ...[action, virtualMs]: Parameters<LabUnderTest['actAndRun']>
  ): ReturnType<LabUnderTest['actAndRun']> {
    let result: Awaited<ReturnType<LabPort['act']>> | null = null;
    void this.port.act(action).then((settled) => {
      result = settled;
    });
    await this.run(virtualMs);
    // what was settled during the run has its message on the way
    await this.port.state();
    return result;
  }

  async run(virtualMs: number): Promise<void> {
    await this.port.run(virtualMs * 1000);
  }

  step(...args: Parameters<LabUnderTest['step']>): ReturnType<LabUnderTest['step']> {
    return this.port.step(...args);
  }

  state(): Promise<LabState> {
    return this.port.state();
  }

  compareStore(): Promise<readonly string[]> {
    return this.port.compareStore();
  }

  async events(type: LabEvent['type']): ReturnType<LabUnderTest['events']> {
    await this.port.state();
    return this.#events.filter(({ event }) => event.type === type);
  }

  get port(): LabPort {
    if (this.#port === null) throw new Error('used before it was open');
    return this.#port;
  }
}
