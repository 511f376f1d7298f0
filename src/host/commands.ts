/**
 * The one vocabulary of commands, for the console, buttons, window.quorumLab, messages, links and run files.
 */
import * as v from 'valibot';
import { int64FromHex } from '../base/u64.ts';
import type { Action } from '../sim/types.ts';

export const commandVersion = 1;

/** Longer text than a request may ever be is refused here; etcd's own limit (1.5 MiB) answers below it. */
const text = v.pipe(v.string(), v.maxLength(4 * 1024 * 1024, 'is longer than 4,194,304 characters'));
const member = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(9));
const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const maxDelayUs = 10_000_000;
const whole = (low: number, high: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(low), v.maxValue(high));
const ttl = v.pipe(v.number(), v.safeInteger());
const leaseId = v.pipe(
  v.string(),
  v.check((id) => int64FromHex(id) !== null, 'is not a lease id: up to 16 hexadecimal digits'),
);
const memberId = v.pipe(
  v.string(),
  v.regex(/^[0-9a-fA-F]{1,16}$/, 'is not a member id: up to 16 hexadecimal digits'),
);
const urls = v.pipe(v.array(v.pipe(v.string(), v.maxLength(200))), v.minLength(1), v.maxLength(9));
const flag = v.exactOptional(v.boolean());
const endpoints = v.exactOptional(
  v.pipe(v.array(v.pipe(v.string(), v.maxLength(200))), v.minLength(1), v.maxLength(9)),
);

const range = { rangeEnd: v.exactOptional(text), prefix: flag, fromKey: flag, endpoints };

/** Unknown fields are refused: a typing error must not pass silently. */
export const actionSchema = v.variant('type', [
  v.strictObject({
    type: v.literal('put'),
    key: text,
    value: text,
    lease: v.exactOptional(leaseId),
    endpoints,
  }),
  v.strictObject({
    type: v.literal('get'),
    key: text,
    ...range,
    limit: v.exactOptional(count),
    revision: v.exactOptional(count),
    serializable: flag,
    keysOnly: flag,
    countOnly: flag,
  }),
  v.strictObject({ type: v.literal('del'), key: text, ...range, prevKv: flag }),
  v.strictObject({ type: v.literal('leaseGrant'), ttl, id: v.exactOptional(leaseId), endpoints }),
  v.strictObject({ type: v.literal('leaseRevoke'), id: leaseId, endpoints }),
  v.strictObject({ type: v.literal('leaseKeepAlive'), id: leaseId, once: flag, endpoints }),
  v.strictObject({ type: v.literal('leaseTimeToLive'), id: leaseId, keys: flag, endpoints }),
  v.strictObject({ type: v.literal('leaseList'), endpoints }),
  v.strictObject({ type: v.literal('memberList'), endpoints }),
  v.strictObject({
    type: v.literal('memberAdd'),
    name: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
    peerUrls: urls,
    learner: flag,
    endpoints,
  }),
  v.strictObject({ type: v.literal('memberPromote'), id: memberId, endpoints }),
  v.strictObject({ type: v.literal('memberRemove'), id: memberId, endpoints }),
  v.strictObject({ type: v.literal('memberUpdate'), id: memberId, peerUrls: urls, endpoints }),
  v.strictObject({ type: v.literal('moveLeader'), id: memberId, endpoints }),
  v.strictObject({ type: v.literal('endpointStatus'), endpoints }),
  v.strictObject({ type: v.literal('kill'), member }),
  v.strictObject({ type: v.literal('powerCut'), member }),
  v.strictObject({ type: v.literal('restart'), member }),
  v.strictObject({
    type: v.literal('start'),
    member,
    state: v.exactOptional(v.picklist(['new', 'existing'])),
  }),
  v.strictObject({ type: v.literal('wipe'), member }),
  v.strictObject({ type: v.literal('pauseMember'), member }),
  v.strictObject({ type: v.literal('resumeMember'), member }),
  v.strictObject({ type: v.literal('cut'), from: member, to: member }),
  v.strictObject({ type: v.literal('heal'), from: member, to: member }),
  v.strictObject({ type: v.literal('isolate'), member }),
  v.strictObject({ type: v.literal('healAll') }),
  v.strictObject({ type: v.literal('slowDisk'), member, factor: whole(1, 1000) }),
  v.strictObject({
    type: v.literal('link'),
    from: member,
    to: member,
    extraDelayUs: whole(0, maxDelayUs),
    lossPerMille: whole(0, 1000),
  }),
  v.strictObject({
    type: v.literal('message'),
    message: count,
    do: v.picklist(['drop', 'hold', 'deliver', 'delay', 'duplicate']),
    delayUs: v.exactOptional(whole(1, maxDelayUs)),
  }),
  v.strictObject({
    type: v.literal('load'),
    kind: v.picklist(['kubernetes', 'hotKey', 'bigValues', 'none']),
    perSecond: whole(0, 1000),
  }),
]);

export type ParsedCommand =
  | { readonly ok: true; readonly action: Action }
  | { readonly ok: false; readonly code: 'bad command'; readonly message: string };

/** Checks a command from outside; the message says which field is wrong and what it takes. */
export function parseCommand(input: unknown): ParsedCommand {
  const parsed = v.safeParse(actionSchema, input);
  if (parsed.success) return { ok: true, action: parsed.output };
  const issue = parsed.issues[0];
  const path = v.getDotPath(issue);
  return {
    ok: false,
    code: 'bad command',
    message: path === null ? issue.message : `${path}: ${issue.message}`,
  };
}
