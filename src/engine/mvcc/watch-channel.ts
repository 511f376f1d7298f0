/** The way from the store to one stream: it holds so many responses, and then no more. */
import type { WatchEvent } from './watcher-group.ts';

export interface WatchResponse {
  readonly watchId: bigint;
  readonly events: readonly WatchEvent[];
  /** The store's revision when the response was made; 0 for a cancellation. */
  readonly revision: number;
  /** Not 0: the watcher is cancelled, for what it wants is compacted. */
  readonly compactRevision: number;
}

/** @source etcd v3.4.23 mvcc/watchable_store.go chanBufLen */
const capacity = 128;

export class WatchChannel {
  private responses: WatchResponse[] = [];

  get size(): number {
    return this.responses.length;
  }

  get eventCount(): number {
    return this.responses.reduce((count, { events }) => count + events.length, 0);
  }

  /** @returns false when the channel is full */
  send(response: WatchResponse): boolean {
    if (this.responses.length >= capacity) return false;
    this.responses.push(response);
    return true;
  }

  /** All that is in it, in order. */
  take(): readonly WatchResponse[] {
    const responses = this.responses;
    if (responses.length > 0) this.responses = [];
    return responses;
  }
}
