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

/**
 * The context of a promotion: the id, and that it is one. @source etcd v3.4.23
 * etcdserver/api/membership/cluster.go ConfigChangeContext
 */
export function promotionJson(member: Pick<ClusterMember, 'id'>): string {
  return `{"id":${BigInt.asUintN(64, member.id)},"peerURLs":null,"isPromote":true}`;
}

/** What a change's context says: the member, and whether it is a learner that shall vote. */
export interface ChangeContext {
  readonly member: ClusterMember;
  readonly isPromote: boolean;
}

/** @source etcd v3.4.23 etcdserver/api/membership/member.go RaftAttributes */
export function raftAttributesToJson({ peerUrls, isLearner }: ClusterMember): string {
  return `{"peerURLs":${goJson(peerUrls)}${isLearner ? ',"isLearner":true' : ''}}`;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** The object a JSON text holds; null for anything else. */
export function jsonObject(text: string): Record<string, unknown> | null {
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
export function contextFromJson(text: string): ChangeContext | null {
  const fields = jsonObject(text.replace(/^\{"id":(\d{1,20})/, '{"id":"$1"'));
  if (fields === null || textOf(fields['id']) === '') return null;
  const member: ClusterMember = {
    id: BigInt(textOf(fields['id'])) as MemberId,
    peerUrls: textsOf(fields['peerURLs']),
    isLearner: fields['isLearner'] === true,
    name: textOf(fields['name']),
    clientUrls: textsOf(fields['clientURLs']),
  };
  return { member, isPromote: fields['isPromote'] === true };
}

/** As `contextFromJson`, the member alone. */
export function memberFromJson(text: string): ClusterMember | null {
  return contextFromJson(text)?.member ?? null;
}

/** The part of a member that raft attributes hold; empty where the text is none. */
export function raftAttributesFromJson(text: string): Pick<ClusterMember, 'peerUrls' | 'isLearner'> {
  const fields = jsonObject(text) ?? {};
  return { peerUrls: textsOf(fields['peerURLs']), isLearner: fields['isLearner'] === true };
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
export type RefusedChange =
  | 'ID removed'
  | 'ID exists'
  | 'ID not found'
  | 'Peer URL already exists'
  | 'member not learner'
  | 'too many learners';

/** @source etcd v3.4.23 etcdserver/api/membership/cluster.go maxLearners */
const maxLearners = 1;

const majorityOf = (count: number): number => Math.floor(count / 2) + 1;
const startedCount = (members: readonly ClusterMember[]): number =>
  members.filter(({ name }) => name !== '').length;

/**
 * The members that the log has led to so far. It is built again at each start, from the newest snapshot and
 * the log behind it, as 3.4 does.
 */
export class Membership {
  private readonly byId = new Map<MemberId, ClusterMember>();
  private readonly removed = new Set<MemberId>();
  /** The version that all members speak; null until one has said so. */
  version: string | null = null;

  /** Ascending by id. */
  members(): ClusterMember[] {
    return [...this.byId.values()].sort((a, b) => compareIds(a.id, b.id));
  }

  votingMembers(): ClusterMember[] {
    return this.members().filter(({ isLearner }) => !isLearner);
  }

  /** Ascending. */
  removedIds(): MemberId[] {
    return [...this.removed].sort(compareIds);
  }

  member(id: MemberId): ClusterMember | null {
    return this.byId.get(id) ?? null;
  }

  isRemoved(id: MemberId): boolean {
    return this.removed.has(id);
  }

  /** Everything is as a snapshot says. */
  reset(members: readonly ClusterMember[], removed: readonly MemberId[], version: string | null): void {
    this.byId.clear();
    this.removed.clear();
    for (const member of members) this.byId.set(member.id, member);
    for (const id of removed) this.removed.add(id);
    this.version = version;
  }

  /**
   * Whether a change may still be made; null when it may. `context` is that of an addition or update.
   * @source etcd v3.4.23 etcdserver/api/membership/cluster.go ValidateConfigurationChange
   */
  refusal(type: ConfChangeType, id: MemberId, context: ChangeContext | null): RefusedChange | null {
    if (this.removed.has(id)) return 'ID removed';
    const present = this.byId.get(id);
    const adds = type === 'ConfChangeAddNode' || type === 'ConfChangeAddLearnerNode';
    if (adds && context?.isPromote === true) {
      if (present === undefined) return 'ID not found';
      return present.isLearner ? null : 'member not learner';
    }
    if (adds === (present !== undefined)) return adds ? 'ID exists' : 'ID not found';
    if (type === 'ConfChangeRemoveNode' || context === null) return null;
    const others = this.members().filter((other) => other.id !== id);
    const taken = new Set(others.flatMap(({ peerUrls }) => peerUrls));
    if (context.member.peerUrls.some((url) => taken.has(url))) return 'Peer URL already exists';
    const learners = others.filter(({ isLearner }) => isLearner).length;
    return adds && context.member.isLearner && learners >= maxLearners ? 'too many learners' : null;
  }

  /**
   * Whether enough voters have started to take one more. @source etcd v3.4.23
   * etcdserver/api/membership/cluster.go IsReadyToAddVotingMember
   */
  isReadyToAdd(): boolean {
    const voters = this.votingMembers();
    const started = startedCount(voters);
    if (started === 1 && voters.length === 1) return true;
    return started >= majorityOf(voters.length + 1);
  }

  /** @source etcd v3.4.23 etcdserver/api/membership/cluster.go IsReadyToRemoveVotingMember */
  isReadyToRemove(id: MemberId): boolean {
    const left = this.votingMembers().filter((member) => member.id !== id);
    return startedCount(left) >= majorityOf(left.length);
  }

  /** The learner counts as started. @source etcd v3.4.23 membership/cluster.go IsReadyToPromoteMember */
  isReadyToPromote(): boolean {
    const voters = this.votingMembers();
    return startedCount(voters) + 1 >= majorityOf(voters.length + 1);
  }

  put(member: ClusterMember): void {
    this.byId.set(member.id, member);
  }

  remove(id: MemberId): void {
    this.byId.delete(id);
    this.removed.add(id);
  }

  /** The member with a part of it changed; null for a member that was removed meanwhile. */
  update(id: MemberId, part: Partial<ClusterMember>): ClusterMember | null {
    const member = this.byId.get(id);
    if (member === undefined) {
      if (!this.removed.has(id)) fail(`error updating attributes of unknown member ${idToHex(id)}`);
      return null;
    }
    const updated = { ...member, ...part };
    this.byId.set(id, updated);
    return updated;
  }
}
