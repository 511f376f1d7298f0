/** A client's answer as the printers take it, and the lines they make. */
import type { HeaderView } from '../../sim/etcd-actions.ts';
import type { ClientOutcome, EndpointStatus } from '../../sim/types.ts';

export type { HeaderView } from '../../sim/etcd-actions.ts';

/** An endpoint's status with the header of its own response. */
export type EndpointView = EndpointStatus & { readonly header?: HeaderView };

type Headed<Outcome> = Outcome extends { readonly type: 'endpointStatus' }
  ? { readonly ok: true; readonly type: 'endpointStatus'; readonly endpoints: readonly EndpointView[] }
  : Outcome & { readonly header?: HeaderView };

/** A successful outcome; the fields of its header that the outcome does not name come in `header`. */
export type Answer = Headed<Extract<ClientOutcome, { readonly ok: true }>>;
export type Failure = Extract<ClientOutcome, { readonly ok: false }>;

/** One line of output: plain text, never markup. `hint`: the lab's own advice, which etcdctl has not. */
export interface OutputLine {
  readonly stream: 'out' | 'error' | 'hint';
  readonly text: string;
}

export function outLines(texts: readonly string[]): OutputLine[] {
  return texts.map((text) => ({ stream: 'out', text }));
}
