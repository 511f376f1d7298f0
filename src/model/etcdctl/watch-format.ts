/** What a watch hears, and what a standing keep-alive does, as etcdctl prints it. */
import { fromHex } from '../../base/bytes.ts';
import { printable } from '../../base/utf8.ts';
import type { SimEvent } from '../../sim/events.ts';
import type { KeyValueView } from '../../sim/types.ts';
import { outLines } from './answer.ts';
import { fieldLines, headerLines, pairLines } from './fields.ts';
import { hexText } from './hex-text.ts';
import { jsonHeader, jsonLine, jsonList, jsonObject, jsonPair } from './json.ts';
import { keepAliveGone, leaseLines } from './lease-format.ts';
import type { HeaderView, OutputLine } from './answer.ts';
import type { OutputFormat } from './grammar.ts';

export type Heard = Extract<SimEvent, { type: 'sim.watch' }>;
export type Renewed = Extract<SimEvent, { type: 'sim.keepAlive' }>;

interface Change {
  readonly kind: 'put' | 'delete';
  readonly kv: KeyValueView;
  readonly before: KeyValueView | null;
}

function pairOf(text: string): KeyValueView {
  const [key, value, create, mod, version, lease] = text.split(',');
  return {
    key: fromHex(key),
    value: fromHex(value),
    createRevision: Number(create),
    modRevision: Number(mod),
    version: Number(version),
    lease: BigInt(lease),
  };
}

function changeOf(text: string): Change {
  const [kind, kv, before] = text.split(' ');
  return {
    kind: kind === 'delete' ? 'delete' : 'put',
    kv: pairOf(kv),
    before: before === undefined ? null : pairOf(before),
  };
}

function headerOf({ clusterId, memberId, revision, raftTerm }: Heard | Renewed): HeaderView {
  return { clusterId: BigInt(clusterId), memberId: BigInt(memberId), revision, raftTerm };
}

/** The end that is not of the store's making has neither header nor list. */
function jsonOf(heard: Heard, changes: readonly Change[]): string {
  const { compactRevision, ended } = heard;
  const isClosed = ended !== '' && compactRevision === 0;
  const events = changes.map(({ kind, kv, before }) =>
    jsonObject({
      type: kind === 'delete' ? '1' : null,
      kv: jsonPair(kv),
      prev_kv: before === null ? null : jsonPair(before),
    }),
  );
  return jsonObject({
    Header: isClosed ? '{}' : jsonHeader(headerOf(heard)),
    Events: isClosed ? 'null' : (jsonList(events) ?? '[]'),
    CompactRevision: String(compactRevision),
    Canceled: String(ended !== ''),
    Created: 'false',
  });
}

function fieldsOf(heard: Heard, changes: readonly Change[]): string[] {
  return [
    ...headerLines(headerOf(heard)),
    ...changes.flatMap(({ kind, kv, before }) => [
      `"Type" : ${kind.toUpperCase()}`,
      ...(before === null ? [] : pairLines('Prev', before)),
      ...pairLines('', kv),
    ]),
  ];
}

function simpleOf(changes: readonly Change[], hex: boolean): string[] {
  const text = hex ? hexText : printable;
  return changes.flatMap(({ kind, kv, before }) => [
    kind.toUpperCase(),
    ...[before, kv].flatMap((pair) => (pair === null ? [] : [text(pair.key), text(pair.value)])),
  ]);
}

/** @source etcd v3.4.23 etcdctl watch_command.go printWatchCh, printer_*.go Watch */
export function watchLines(heard: Heard, format: OutputFormat, hex = false): OutputLine[] {
  const changes = heard.events.map(changeOf);
  const { ended, revision } = heard;
  const isProgress = changes.length === 0 && ended === '';
  const canceled: OutputLine[] =
    ended === '' ? [] : [{ stream: 'error', text: `watch was canceled (${ended})` }];
  const progress = isProgress ? [`progress notify: ${revision}`] : [];
  const shown =
    format === 'json'
      ? [jsonOf(heard, changes)]
      : format === 'fields'
        ? fieldsOf(heard, changes)
        : simpleOf(changes, hex);
  return [...canceled, ...outLines([...progress, ...shown])];
}

/** What etcdctl says as it goes, once its only watch has ended. */
export const watchOver: OutputLine = { stream: 'error', text: 'Error: watch is canceled by the server' };

/** @source etcd v3.4.23 etcdctl lease_command.go leaseKeepAliveCommandFunc */
export function renewalLines(renewed: Renewed, lease: string, format: OutputFormat): OutputLine[] {
  if (renewed.ended !== '') return outLines(format === 'simple' ? [keepAliveGone(lease)] : []);
  const header = headerOf(renewed);
  const answer = {
    ok: true,
    type: 'leaseKeepAlive',
    id: BigInt(renewed.lease),
    ttlSeconds: renewed.ttlSeconds,
    revision: renewed.revision,
    header,
  } as const;
  if (format === 'json') return outLines([jsonLine(answer)]);
  return outLines(format === 'fields' ? fieldLines(answer) : leaseLines(answer));
}
