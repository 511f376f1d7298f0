/**
 * The data of a snapshot in 3.4: its v2 store as JSON, which holds who is in the cluster. The v3 keys are not
 * in it; they travel and are kept as the database beside it.
 */
import { decodeUtf8, encodeUtf8 } from '../../base/utf8.ts';
import { idToHex } from '../../base/u64.ts';
import type { MemberId } from './member-id.ts';
import {
  attributesFromJson,
  attributesToJson,
  jsonObject,
  raftAttributesFromJson,
  raftAttributesToJson,
} from './membership.ts';
import type { ClusterMember, Membership } from './membership.ts';

const never = '0001-01-01T00:00:00Z';
/** Events that the v2 store remembers for its watchers. @source etcd v3.4.23 v2store/watcher_hub.go */
const historyLength = 1000;

/** Writes nodes with the index at which each would have been made: the order in which they are written. */
class NodeWriter {
  private lastIndex = 0;

  get index(): number {
    return this.lastIndex;
  }

  leaf(path: string, value: string): string {
    const index = ++this.lastIndex;
    return node(path, index, value, 'null');
  }

  folder(path: string, children: readonly (readonly [name: string, text: string])[]): string {
    return node(path, this.lastIndex, '', folderText(children));
  }
}

function node(path: string, index: number, value: string, children: string): string {
  const fields = [
    `"Path":${JSON.stringify(path)}`,
    `"CreatedIndex":${index}`,
    `"ModifiedIndex":${index}`,
    `"ExpireTime":"${never}"`,
    `"Value":${JSON.stringify(value)}`,
    `"Children":${children}`,
  ];
  return `{${fields.join(',')}}`;
}

/** Go writes a map's keys in byte order. */
function folderText(children: readonly (readonly [name: string, text: string])[]): string {
  const sorted = [...children].sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
}

function memberNode(writer: NodeWriter, member: ClusterMember): [string, string] {
  const name = idToHex(member.id);
  const path = `/0/members/${name}`;
  const parts: [string, string][] = [
    ['raftAttributes', writer.leaf(`${path}/raftAttributes`, raftAttributesToJson(member))],
  ];
  if (member.name !== '' || member.clientUrls.length > 0) {
    parts.push(['attributes', writer.leaf(`${path}/attributes`, attributesToJson(member))]);
  }
  return [name, writer.folder(path, parts)];
}

/** @source etcd v3.4.23 etcdserver/api/v2store/store.go SaveNoCopy; membership/store.go */
export function encodeV2Store(membership: Membership): Uint8Array {
  const writer = new NodeWriter();
  const members = membership.members().map((member) => memberNode(writer, member));
  const children: [string, string][] = [['members', writer.folder('/0/members', members)]];
  const removed = membership.removedIds().map(idToHex);
  if (removed.length > 0) {
    const path = '/0/removed_members';
    const leaves = removed.map((id): [string, string] => [id, writer.leaf(`${path}/${id}`, 'removed')]);
    children.push(['removed_members', writer.folder(path, leaves)]);
  }
  if (membership.version !== null) {
    children.push(['version', writer.leaf('/0/version', membership.version)]);
  }
  const root = node(
    '/',
    0,
    '',
    folderText([
      ['0', node('/0', 0, '', folderText(children))],
      ['1', node('/1', 0, '', '{}')],
    ]),
  );
  return encodeUtf8(
    `{"Root":${root},"WatcherHub":${emptyHistory},"CurrentIndex":${writer.index},` +
      `"Stats":{},"CurrentVersion":2}`,
  );
}

const emptyHistory =
  `{"EventHistory":{"Queue":{"Events":[${Array(historyLength).fill('null').join(',')}],"Size":0,"Front":0,` +
  `"Back":0,"Capacity":${historyLength}},"StartIndex":0,"LastIndex":0}}`;

/** Who is in the cluster, as a v2 store says; null for text that is none. */
export interface StoredMembership {
  readonly members: readonly ClusterMember[];
  readonly removed: readonly MemberId[];
  readonly version: string | null;
}

const hexId = /^[0-9a-f]{1,16}$/;
const idOf = (name: string): MemberId => BigInt(`0x${name}`) as MemberId;

export function decodeV2Store(data: Uint8Array): StoredMembership | null {
  const store = jsonObject(decodeUtf8(data));
  if (store === null) return null;
  const cluster = childrenOf(childrenOf(store['Root'])['0']);
  const members = Object.entries(childrenOf(cluster['members'])).filter(([name]) => hexId.test(name));
  const removed = Object.keys(childrenOf(cluster['removed_members'])).filter((name) => hexId.test(name));
  const version = valueOf(cluster['version']);
  return {
    members: members.map(([name, child]) => storedMember(name, childrenOf(child))),
    removed: removed.map(idOf),
    version: version === '' ? null : version,
  };
}

function storedMember(name: string, parts: Readonly<Record<string, unknown>>): ClusterMember {
  const attributes = attributesFromJson(valueOf(parts['attributes'])) ?? { name: '', clientUrls: [] };
  return { id: idOf(name), ...raftAttributesFromJson(valueOf(parts['raftAttributes'])), ...attributes };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

const childrenOf = (folder: unknown): Readonly<Record<string, unknown>> =>
  fieldsOf(fieldsOf(folder)['Children']);

function valueOf(leaf: unknown): string {
  const value = fieldsOf(leaf)['Value'];
  return typeof value === 'string' ? value : '';
}
