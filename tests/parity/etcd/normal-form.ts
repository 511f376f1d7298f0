/** The form in which answers are compared: ids by the order in which they came, volatile fields as `*`. */
import type { Json, JsonObject } from './transcript.ts';

const volatileStatus = new Set([
  'dbSize',
  'dbSizeInUse',
  'raftIndex',
  'raftTerm',
  'raftAppliedIndex',
  'leader',
]);
const statusPath = '/v3/maintenance/status';

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Names for ids that the server chose: `$lease:1`, `$lease:2`... in the order first seen. */
class Aliases {
  readonly #prefix: string;
  readonly #aliasOf = new Map<string, string>();
  readonly #valueOf = new Map<string, string>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  name(value: string): string {
    const known = this.#aliasOf.get(value);
    if (known !== undefined) return known;
    const alias = `${this.#prefix}${this.#aliasOf.size + 1}`;
    this.#aliasOf.set(value, alias);
    this.#valueOf.set(alias, value);
    return alias;
  }

  known(value: string): string {
    return this.#aliasOf.get(value) ?? value;
  }

  value(alias: string): string | undefined {
    return this.#valueOf.get(alias);
  }
}

/** Normalises the answers of one conversation, and puts real ids into its requests. */
export class NormalForm {
  readonly #leases = new Aliases('$lease:');
  readonly #tokens = new Aliases('$token:');
  readonly #members = new Aliases('$member:');

  /** @param namesLeases whether a lease id in this answer was chosen by the server */
  answer(answer: JsonObject, path: string, namesLeases: boolean): JsonObject {
    return sorted(shortened(this.#object(answer, path, namesLeases)) as JsonObject);
  }

  /** A request with its aliases replaced. */
  request<Value extends Json>(value: Value): Value {
    if (Array.isArray(value)) return value.map((item: Json) => this.request(item)) as unknown as Value;
    if (isObject(value)) {
      const pairs = Object.entries(value).map(([key, item]) => [key, this.request(item)]);
      return Object.fromEntries(pairs) as unknown as Value;
    }
    return typeof value === 'string' && value.startsWith('$') ? (this.text(value) as Value) : value;
  }

  /** What an alias or an abbreviation stands for. */
  text(alias: string): string {
    if (alias.startsWith('$rep:')) return btoa(alias[5].repeat(Number(alias.slice(7))));
    return this.#leases.value(alias) ?? this.#members.value(alias) ?? this.#tokens.value(alias) ?? alias;
  }

  #value(value: Json, path: string, namesLeases: boolean): Json {
    if (Array.isArray(value)) return value.map((item: Json) => this.#value(item, path, namesLeases));
    return isObject(value) ? this.#object(value, path, namesLeases) : value;
  }

  #object(value: JsonObject, path: string, namesLeases: boolean): JsonObject {
    const pairs = Object.entries(value).map(([key, field]) => [
      key,
      this.#field(key, field, path, namesLeases),
    ]);
    return Object.fromEntries(pairs) as JsonObject;
  }

  #field(key: string, value: Json, path: string, namesLeases: boolean): Json {
    if (key === 'header' && isObject(value))
      return 'revision' in value ? { revision: value['revision'] } : {};
    if (path === statusPath && volatileStatus.has(key)) return '*';
    if (path === statusPath && key === 'errors')
      return (value as string[]).map((text) => text.replace(/memberID:\d+/g, 'memberID:$$member:1'));
    if (path === '/v3/maintenance/hash' && key === 'hash') return '*';
    if (path === '/v3/lease/timetolive' && key === 'TTL' && !String(value).startsWith('-')) return '*';
    if (key === 'peerURLs' || key === 'clientURLs') return (value as string[]).map(() => '*');
    if (key === 'token') return this.#tokens.name(String(value));
    if (key === 'memberID' && value !== '0') return this.#members.name(String(value));
    if (key === 'ID' && path.startsWith('/v3/cluster/member')) return this.#members.name(String(value));
    if (key === 'ID' || key === 'lease')
      return namesLeases ? this.#leases.name(String(value)) : this.#leases.known(String(value));
    return this.#value(value, path, namesLeases);
  }
}

/** A long run of one character is written `$rep:CHAR:COUNT`. */
export function shortened(value: Json): Json {
  if (Array.isArray(value)) return value.map(shortened);
  if (isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shortened(item)]));
  }
  if (typeof value !== 'string' || value.length <= 400 || !/^[A-Za-z0-9+/]*=*$/.test(value)) return value;
  const text = atob(value);
  return text === text[0].repeat(text.length) ? `$rep:${text[0]}:${text.length}` : value;
}

/** Lists whose order a real server takes from a map. */
export function sorted(answer: JsonObject): JsonObject {
  const { leases, keys, alarms } = answer;
  const textOf = (value: Json): string => JSON.stringify(value);
  const idOf = (lease: Json): string => String((lease as JsonObject)['ID']);
  const byId = (a: Json, b: Json): number => idOf(a).length - idOf(b).length || (idOf(a) < idOf(b) ? -1 : 1);
  return {
    ...answer,
    ...(Array.isArray(leases) ? { leases: [...leases].sort(byId) } : {}),
    ...(Array.isArray(alarms)
      ? { alarms: [...alarms].sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1)) }
      : {}),
    ...(Array.isArray(keys) ? { keys: [...keys].sort() } : {}),
  };
}
