/** Simple tokens: sixteen letters, a dot and a log index; known to a process, and gone with it. */
import type { Prng } from '../../base/prng.ts';

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const prefixLength = 16;
/**
 * A token lives so long after its last use.
 * @source etcd v3.4.23 auth/simple_token.go simpleTokenTTLDefault
 */
const lifeUs = 300_000_000;

interface Held {
  readonly username: string;
  endUs: number;
}

/** Letters for a new token. */
export function drawTokenPrefix(random: Prng): string {
  return Array.from({ length: prefixLength }, () => letters[random.below(letters.length)]).join('');
}

/** @source etcd v3.4.23 auth/simple_token.go tokenSimple */
export class SimpleTokens {
  private readonly tokens = new Map<string, Held>();
  private enabled = false;

  get size(): number {
    return this.tokens.size;
  }

  enable(): void {
    this.enabled = true;
  }

  /** All tokens are void. */
  disable(): void {
    this.enabled = false;
    this.tokens.clear();
  }

  /** @param index of the log's entry that gave it: so a token is never given twice */
  assign(username: string, prefix: string, index: number, nowUs: number): string {
    const token = `${prefix}.${index}`;
    if (this.enabled) this.tokens.set(token, { username, endUs: nowUs + lifeUs });
    return token;
  }

  invalidateUser(username: string): void {
    for (const [token, held] of this.tokens) if (held.username === username) this.tokens.delete(token);
  }

  /** The user of a token, whose life begins anew; null for a token that is not known, or too old. */
  userOf(token: string, nowUs: number): string | null {
    const held = this.tokens.get(token);
    if (held === undefined) return null;
    if (nowUs > held.endUs) {
      this.tokens.delete(token);
      return null;
    }
    held.endUs = nowUs + lifeUs;
    return held.username;
  }
}
