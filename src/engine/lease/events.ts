/** What the lessor did. Ids are hexadecimal; `key` is printable text, clipped; times are virtual. */
export type LeaseEvent =
  /** The leases found in the store, as parallel lists; their keys follow as `lease.attach`. */
  | {
      readonly type: 'lease.open';
      readonly expiry: 'scan' | 'heap' | 'heapMap';
      readonly ids: readonly string[];
      readonly ttlsSeconds: readonly number[];
    }
  /** `expiryUs` -1: not before this member leads. */
  | {
      readonly type: 'lease.grant';
      readonly id: string;
      readonly ttlSeconds: number;
      readonly expiryUs: number;
    }
  /** The keys went with it, at this revision of the store; a lease without keys changes no revision. */
  | {
      readonly type: 'lease.revoke';
      readonly id: string;
      readonly keyCount: number;
      readonly revision: number;
    }
  | {
      readonly type: 'lease.renew';
      readonly id: string;
      readonly ttlSeconds: number;
      readonly expiryUs: number;
    }
  | { readonly type: 'lease.attach'; readonly id: string; readonly key: string; readonly keyCount: number }
  | { readonly type: 'lease.detach'; readonly id: string; readonly key: string; readonly keyCount: number }
  /** Its time is over: it was handed out to be revoked, for the first time or again. */
  | { readonly type: 'lease.expire'; readonly id: string; readonly expiryUs: number }
  /** This member's clock counts from now on: all leases with their new times, as parallel lists. */
  | {
      readonly type: 'lease.promote';
      readonly extendUs: number;
      readonly ids: readonly string[];
      readonly expiriesUs: readonly number[];
      /** How many got more time, so that they do not all expire at once. */
      readonly spreadCount: number;
    }
  /** The log told what is left of it; 0: its whole time again. */
  | { readonly type: 'lease.checkpoint'; readonly id: string; readonly remainingSeconds: number }
  | { readonly type: 'lease.demote'; readonly leaseCount: number }
  /**
   * The work of finding what has expired. `push`, `pop` and `update` move one entry from a place of the
   * heap's array to another (-1: outside; a push begins behind the last place, a pop moves the last entry to
   * the top and down). `scan` and `peek` close a pass, with its totals; `id` is then empty.
   */
  | {
      readonly type: 'lease.heap';
      readonly op: 'push' | 'pop' | 'update' | 'peek' | 'scan';
      readonly id: string;
      readonly timeUs: number;
      readonly from: number;
      readonly to: number;
      readonly size: number;
      readonly touched: number;
      readonly compared: number;
    };
