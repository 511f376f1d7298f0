/** A Worker for Node: the real scripts' roles behind real message ports, in this thread. Its end drops its messages. */
import { runLab } from '../../src/host/lab-role.ts';
import { runMember } from '../../src/host/member-role.ts';
import { runTime } from '../../src/host/time-role.ts';
import { labWorkerName, timeWorkerName } from '../../src/host/worker-script.ts';

type Listener = ((event: MessageEvent) => void) | null;

export class WorkerDouble {
  static readonly running = new Set<WorkerDouble>();
  static ended = 0;
  /** Names of workers that this context cannot start, for now. */
  static readonly refused = new Set<string>();
  readonly name: string;
  onerror: ((event: ErrorEvent) => void) | null = null;
  readonly #outer: MessagePort;
  readonly #inner: MessagePort;

  constructor(_url: string, options: { readonly name: string }) {
    const { port1, port2 } = new MessageChannel();
    this.#outer = port1;
    this.#inner = port2;
    this.name = options.name;
    WorkerDouble.running.add(this);
    if (WorkerDouble.refused.has(options.name)) {
      setImmediate(() => this.fail('refused'));
      return;
    }
    const scope = {
      name: options.name,
      set onmessage(listener: Listener) {
        port2.onmessage = listener;
      },
      postMessage: (message: unknown, transfer: readonly Transferable[] = []) =>
        port2.postMessage(message, [...transfer]),
      onfailure: () => {},
    };
    if (options.name === labWorkerName) runLab(scope);
    else if (options.name === timeWorkerName) runTime(scope);
    else runMember(scope);
  }

  set onmessage(listener: Listener) {
    this.#outer.onmessage = listener;
  }

  postMessage(message: unknown, transfer: readonly Transferable[] = []): void {
    this.#outer.postMessage(message, [...transfer]);
  }

  terminate(): void {
    if (WorkerDouble.running.delete(this)) WorkerDouble.ended++;
    this.#outer.close();
    this.#inner.close();
  }

  /** An error that nothing in it caught. */
  fail(message: string): void {
    this.onerror?.(Object.assign(new Event('error'), { message }) as ErrorEvent);
  }

  static newest(name: string): WorkerDouble {
    const found = [...this.running].findLast((worker) => worker.name === name);
    if (found === undefined) throw new Error(`no worker is called ${name}`);
    return found;
  }

  addEventListener(): void {}

  /** Ends all that a test left running. */
  static endAll(): void {
    for (const worker of WorkerDouble.running) worker.terminate();
  }
}
