/** Passwords wait to be hashed, one at a time, each in a step of its own: a hash takes its time. */
import { hashPassword, isPassword, validCost } from '../auth/password.ts';
import type { AuthEvent } from '../auth/events.ts';
import type { Prng } from '../../base/prng.ts';
import type { Trace } from '../../base/trace.ts';
import type { Outbox } from './outbox.ts';

/** About what a round costs; a password at cost 10 takes 61 ms. */
const roundUs = 60;

/** Of a request: what is to be done with its password. Null once nobody waits for it. */
interface Job {
  readonly request: number;
  readonly run: PasswordWork | null;
}

type PasswordWork =
  | { readonly kind: 'hash'; readonly password: string; readonly then: (hash: string) => void }
  | {
      readonly kind: 'compare';
      readonly password: string;
      readonly hash: string;
      readonly then: (isRight: boolean) => void;
    };

/** Work for the member's `password` timer. */
export class PasswordJobs {
  private readonly cost: number;
  private readonly random: Prng;
  private readonly trace: Trace<AuthEvent>;
  private readonly outbox: Pick<Outbox, 'timer'>;
  private jobs: Job[] = [];

  constructor(cost: number, random: Prng, trace: Trace<AuthEvent>, outbox: Pick<Outbox, 'timer'>) {
    this.cost = validCost(cost);
    this.random = random;
    this.trace = trace;
    this.outbox = outbox;
  }

  /** Hashes a password for a request, with a salt of the member's stream. */
  hash(request: number, password: string, then: (hash: string) => void): void {
    this.add(request, { kind: 'hash', password, then });
  }

  /** Compares a password with a hash for a request. */
  compare(request: number, password: string, hash: string, then: (isRight: boolean) => void): void {
    this.add(request, { kind: 'compare', password, hash, then });
  }

  cancel(request: number): void {
    const [first, ...rest] = this.jobs;
    // the first keeps its place, for the timer is set for it
    const left = rest.filter((job) => job.request !== request);
    if (first !== undefined)
      this.jobs = [first.request === request ? { request, run: null } : first, ...left];
  }

  /** The timer has fired: the first job is done. */
  run(): void {
    const job = this.jobs.shift();
    if (job === undefined) return;
    this.do(job.run);
    if (this.trace.on) this.trace.emit({ type: 'auth.hash', cost: this.cost });
    if (this.jobs.length > 0) this.setTimer();
  }

  private do(work: PasswordWork | null): void {
    if (work?.kind === 'hash') work.then(hashPassword(work.password, this.cost, this.random));
    else if (work?.kind === 'compare') work.then(isPassword(work.password, work.hash));
  }

  private setTimer(): void {
    this.outbox.timer('password', roundUs * 2 ** this.cost);
  }

  private add(request: number, run: PasswordWork): void {
    this.jobs.push({ request, run });
    if (this.jobs.length === 1) this.setTimer();
  }
}
