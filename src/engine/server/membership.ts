/** Who is in the cluster: what configuration changes and published attributes say, in etcd's JSON. */
import { idToHex } from '../../base/u64.ts';
import { fail } from '../../base/assert.ts';
import type { ConfChangeType } from '../raft/types.ts';
import type { MemberId } from './member-id.ts';
import { compareIds } from './member-id.ts';

export interface ClusterMember {
  readonly id: MemberId;
  readonly peerUrls: readonly string[];
  readonly isLearner: boolean;
  /** Empty until the member has published it (or it was one of the cluster's first members). */
  readonly name: string;
  readonly clientUrls: readonly string[];
}

/** What a member tells of itself once it has a leader. */
export interface MemberAttributes {
  readonly name: string;
  readonly clientUrls: readonly string[];
}

/** JSON text as Go's encoding/json writes it: no spaces, and `<`, `>`, `&` and line separators escaped. */
function goJson(value: string | readonly string[]): string {
  const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escape);
}

function attributeFields(attributes: MemberAttributes): string[] {
  const fields: string[] = [];
  if (attributes.name !== '') fields.push(`"name":${goJson(attributes.name)}`);
  if (attributes.clientUrls.length > 0) fields.push(`"clientURLs":${goJson(attributes.clientUrls)}`);
  return fields;
}

/** @source etcd v3.4.23 etcdserver/api/membership/member.go Attributes */
export function attributesToJson(attributes: MemberAttributes): string {
  return `{${attributeFields(attributes).join(',')}}`;
}

/**
 * A member as a configuration change's context and as the bucket `members` holds it. The id is a JSON number
 * of
 * 64 bits. @source etcd v3.4.23 etcdserver/api/membership/member.go Member
 */
export function memberToJson(member: ClusterMember): string {
  const fields = [`"id":${BigInt.asUintN(64, member.id)}`, `"peerURLs":${goJson(member.peerUrls)}`];
  if (member.isLearner) fields.push('"isLearner":true');
  return `{${[...fields, ...attributeFields(member)].join(',')}}`;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** The object a JSON text holds; null for anything else. */
function jsonObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Null where the text is no attributes in JSON. */
export function attributesFromJson(text: string): MemberAttributes | null {
  const fields = jsonObject(text);
  return fields === null ? null : { name: textOf(fields['name']), clientUrls: textsOf(fields['clientURLs']) };
}

/** Null where the text is no member in JSON. The id is read without loss: it may be past 2^53. */
export function memberFromJson(text: string): ClusterMember | null {
  const fields = jsonObject(text.replace(/^\{"id":(\d{1,20})/, '{"id":"$1"'));
  if (fields === null || textOf(fields['id']) === '') return null;
  return {
    id: BigInt(textOf(fields['id'])) as MemberId,
    peerUrls: textsOf(fields['peerURLs']),
    isLearner: fields['isLearner'] === true,
    name: textOf(fields['name']),
    clientUrls: textsOf(fields['clientURLs']),
  };
}

/** The path under which a member of 3.4 publishes its attributes, in the v2 store's words. */
export function attributesPath(id: MemberId): string {
  return `/0/members/${idToHex(id)}/attributes`;
}

/** The id in an attributes path; null for any other path. */
export function memberOfAttributesPath(path: string): MemberId | null {
  const match = /^\/0\/members\/([0-9a-f]{1,16})\/attributes$/.exec(path);
  return match === null ? null : (BigInt(`0x${match[1]}`) as MemberId);
}

export const clusterVersionPath = '/0/version';

/** Why a change that came through the log is not made. @source membership/errors.go */
export type RefusedChange = 'ID removed' | 'ID exists' | 'ID not found' | 'Peer URL already exists';

/** The members that the log has led to so far. It is built again from the log at each start, as 3.4 does. */
export class Membership {
  readonly #members = new Map<MemberId, ClusterMember>();
  readonly #removed = new Set<MemberId>();

  /** Ascending by id. */
  members(): ClusterMember[] {
    return [...this.#members.values()].sort((a, b) => compareIds(a.id, b.id));
  }

  member(id: MemberId): ClusterMember | null {
    return this.#members.get(id) ?? null;
  }

  isRemoved(id: MemberId): boolean {
    return this.#removed.has(id);
  }

  /**
   * Whether a change may still be made; null when it may. `member` is the context of an addition or update.
   * @source etcd v3.4.23 etcdserver/api/membership/cluster.go ValidateConfigurationChange
   */
  refusal(type: ConfChangeType, id: MemberId, member: ClusterMember | null): RefusedChange | null {
    if (this.#removed.has(id)) return 'ID removed';
    const adds = type === 'ConfChangeAddNode' || type === 'ConfChangeAddLearnerNode';
    if (adds === this.#members.has(id)) return adds ? 'ID exists' : 'ID not found';
    if (type === 'ConfChangeRemoveNode' || member === null) return null;
    const taken = new Set(
      this.members()
        .filter((other) => other.id !== id)
        .flatMap((other) => other.peerUrls),
    );
    return member.peerUrls.some((url) => taken.has(url)) ? 'Peer URL already exists' : null;
  }

  put(member: ClusterMember): void {
    this.#members.set(member.id, member);
  }

  remove(id: MemberId): void {
    this.#members.delete(id);
    this.#removed.add(id);
  }

  /** The member with its new attributes; null for a member that was removed meanwhile. */
  updateAttributes(id: MemberId, attributes: MemberAttributes): ClusterMember | null {
    const member = this.#members.get(id);
    if (member === undefined) {
      if (!this.#removed.has(id)) fail(`error updating attributes of unknown member ${idToHex(id)}`);
      return null;
    }
    const updated = { ...member, ...attributes };
    this.#members.set(id, updated);
    return updated;
  }
}
