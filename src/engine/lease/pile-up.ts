/** Spreads leases that would expire together, as when a new leader gives all of them their full time. */

const secondUs = 1_000_000;

/**
 * How much longer each lease should live, so that about three quarters of the revoke rate expire in a second.
 * A window of a second begins with the first lease that is left over by the one before. Of a full window,
 * each further lease moves one share of a second behind the last, and the window grows with it.
 * @param remainingUs what each lease has left, ascending
 * @param revokeRate leases that can be revoked in a second
 * @returns delays in microseconds, in the same order
 * @source etcd v3.4.23 lease/lessor.go Promote
 */
export function spreadPileUp(remainingUs: readonly number[], revokeRate: number): number[] {
  const targetCount = Math.floor((3 * revokeRate) / 4);
  if (remainingUs.length < revokeRate || targetCount === 0) return remainingUs.map(() => 0);
  let baseUs = remainingUs[0];
  let windowEndUs = baseUs + secondUs;
  let expiring = 0;
  return remainingUs.map((remaining) => {
    if (remaining > windowEndUs) {
      baseUs = remaining;
      windowEndUs = baseUs + secondUs;
      expiring = 1;
      return 0;
    }
    expiring++;
    if (expiring <= targetCount) return 0;
    const delayUs = Math.floor((secondUs * expiring) / targetCount) - (remaining - baseUs);
    windowEndUs = baseUs + delayUs;
    return delayUs;
  });
}
