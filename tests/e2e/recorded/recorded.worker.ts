/** A lab's worker without an engine: it tells the run that stands in front of its script, and can do nothing. */
import { expose } from 'comlink';
import { callsOf, type Connect } from '../../../src/host/lab-protocol.ts';
import type { Lab } from '../../../src/host/lab.ts';
import type { LabMessage } from '../../../src/host/lab-message.ts';
import type { LabState } from '../../../src/host/port.ts';
import { TraceEncoder } from '../../../src/host/trace-codec.ts';
import type { SeenEvent } from '../lab.ts';

export interface RecordedRun {
  readonly events: readonly SeenEvent[];
  readonly state: LabState;
}

const scope = self as unknown as { recordedRun: RecordedRun; postMessage(message: unknown): void };

addEventListener('message', ({ data }: MessageEvent<Connect>) => {
  const { events, state } = scope.recordedRun;
  const tell = (): LabMessage => {
    const encoder = new TraceEncoder(0);
    for (const { at, event } of events) encoder.add(at, event);
    const chunk = encoder.take();
    return { chunks: chunk === null ? [] : [chunk], state, place: null, interventions: [] };
  };
  const lab = {
    open: () => {
      data.trace.postMessage(tell());
      return { ok: true, state };
    },
    state: () => state,
    pause: () => {},
    setSpeed: () => {},
    attend: () => {},
  };
  expose(callsOf(lab as unknown as Lab), data.calls);
  scope.postMessage({ kind: 'ready' });
});
