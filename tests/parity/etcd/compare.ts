/** Whether two answers are the same, and if not, where they differ. */
import type { Json, JsonObject } from './transcript.ts';

function canonical(value: Json): Json {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const object = value as JsonObject;
  return Object.fromEntries(
    Object.keys(object)
      .sort()
      .map((key) => [key, canonical(object[key])]),
  );
}

const textOf = (value: Json): string => JSON.stringify(canonical(value));

export function same(a: Json, b: Json): boolean {
  return textOf(a) === textOf(b);
}

const sortField: Readonly<Record<string, string>> = {
  VERSION: 'version',
  CREATE: 'create_revision',
  MOD: 'mod_revision',
  VALUE: 'value',
};

/**
 * Compares answers of a range that was sorted by a field with equal values, where Go's sort leaves the order
 * among equals (and with a limit the choice) to chance: all but that must be the same.
 */
export function sameTie(request: JsonObject, a: JsonObject, b: JsonObject): boolean {
  const { kvs: kvsA = [], ...restA } = a;
  const { kvs: kvsB = [], ...restB } = b;
  const [listA, listB] = [kvsA as readonly JsonObject[], kvsB as readonly JsonObject[]];
  if (!same(restA, restB) || listA.length !== listB.length) return false;
  const field = sortField[String(request['sort_target'])] ?? 'key';
  const fieldOf = (kv: JsonObject): Json => kv[field] ?? null;
  if (!same(listA.map(fieldOf), listB.map(fieldOf))) return false;
  if (Number(request['limit'] ?? 0) > 0 && a['more'] === true) return true;
  return same(listA.map(textOf).sort(), listB.map(textOf).sort());
}

/** One line for each field that differs: `res.kvs[2].value: expected "Yg==", got "Yw=="`. */
export function differences(expected: Json, got: Json, path = ''): string[] {
  if (same(expected, got)) return [];
  const isBranch = (value: Json): boolean => typeof value === 'object' && value !== null;
  if (!isBranch(expected) || !isBranch(got) || Array.isArray(expected) !== Array.isArray(got)) {
    return [`${path}: expected ${clip(expected)}, got ${clip(got)}`];
  }
  const [left, right] = [expected as JsonObject, got as JsonObject];
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return keys.flatMap((key) => {
    const at = Array.isArray(expected) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
    if (!(key in left)) return [`${at}: expected nothing, got ${clip(right[key])}`];
    if (!(key in right)) return [`${at}: expected ${clip(left[key])}, got nothing`];
    return differences(left[key], right[key], at);
  });
}

function clip(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > 160 ? `${text.slice(0, 160)}...` : text;
}
