/** Passwords as bcrypt hashes. */
import { compareSync, encodeBase64, hashSync } from 'bcryptjs';
import type { Prng } from '../../base/prng.ts';

const saltBytes = 16;
export const defaultCost = 10;
/** @source golang.org/x/crypto/bcrypt MinCost, MaxCost */
const minCost = 4;
const maxCost = 31;

/** etcd falls back to the default where the cost is out of bounds. @source etcd v3.4.23 auth/store.go */
export function validCost(cost: number): number {
  return cost < minCost || cost > maxCost ? defaultCost : cost;
}

/** The hash as it is stored: `$2a$`, cost, salt and hash. The salt is drawn from the stream. */
export function hashPassword(password: string, cost: number, random: Prng): string {
  const salt = Array.from({ length: saltBytes }, () => random.below(256));
  const rounds = String(cost).padStart(2, '0');
  return hashSync(password, `$2a$${rounds}$${encodeBase64(salt, saltBytes)}`);
}

/** Whether the password is the hash's; false for what is no hash. */
export function isPassword(password: string, hash: string): boolean {
  try {
    return compareSync(password, hash);
  } catch {
    return false;
  }
}
