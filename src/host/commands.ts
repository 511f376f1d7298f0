/**
 * The one vocabulary of commands, for the console, buttons, window.quorumLab, messages, links and run files.
 */
import * as v from 'valibot';
import { int64FromHex } from '../base/u64.ts';
import type { Action } from '../sim/types.ts';
import { loadKinds } from '../sim/load-kinds.ts';
import { isFate } from '../sim/power-cut.ts';
import { worldFaults } from './fault-commands.ts';

export const commandVersion = 1;

/** Longer text than a request may ever be is refused here; etcd's own limit (1.5 MiB) answers below it. */
const text = v.pipe(v.string(), v.maxLength(4 * 1024 * 1024, 'is longer than 4,194,304 characters'));
const member = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(9));
const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const maxDelayUs = 10_000_000;
const whole = (low: number, high: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(low), v.maxValue(high));
/** A disk has not more changes on their way that one could choose for. */
const maxFates = 10_000;
const fates = v.pipe(
  v.array(v.pipe(v.string(), v.check(isFate, 'is no fate: keep, lose, or sectors that arrive: 0-3+6'))),
  v.maxLength(maxFates),
);
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
/** Who is asked, and by whom. */
const asked = {
  endpoints: v.exactOptional(
    v.pipe(v.array(v.pipe(v.string(), v.maxLength(200))), v.minLength(1), v.maxLength(9)),
  ),
  timeoutUs: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1000), v.maxValue(60_000_000))),
  user: v.exactOptional(v.pipe(v.string(), v.maxLength(1000), v.includes(':', 'is not name:password'))),
};

const range = { key: text, rangeEnd: v.exactOptional(text), prefix: flag, fromKey: flag };
const number = v.pipe(
  v.string(),
  v.check(
    (digits) => /^-?\d{1,19}$/.test(digits) && BigInt.asIntN(64, BigInt(digits)) === BigInt(digits),
    'is not a number of 64 bits',
  ),
);
const result = v.picklist(['=', '!=', '>', '<']);
const compare = v.variant('target', [
  v.strictObject({ target: v.literal('value'), key: text, result, value: text }),
  v.strictObject({
    target: v.picklist(['version', 'create', 'mod', 'lease']),
    key: text,
    result,
    value: number,
  }),
]);
const putOp = {
  type: v.literal('put'),
  key: text,
  value: text,
  lease: v.exactOptional(leaseId),
  prevKv: flag,
  ignoreValue: flag,
  ignoreLease: flag,
};
const getOp = {
  type: v.literal('get'),
  ...range,
  limit: v.exactOptional(count),
  revision: v.exactOptional(count),
  serializable: flag,
  keysOnly: flag,
  countOnly: flag,
  sortBy: v.exactOptional(v.picklist(['key', 'version', 'create', 'modify', 'value'])),
  order: v.exactOptional(v.picklist(['ascend', 'descend'])),
};
const delOp = { type: v.literal('del'), ...range, prevKv: flag };
const ops = v.array(v.variant('type', [v.strictObject(putOp), v.strictObject(getOp), v.strictObject(delOp)]));
const name = v.pipe(v.string(), v.maxLength(1000));

/** Unknown fields are refused: a typing error must not pass silently. */
export const actionSchema = v.variant('type', [
  v.strictObject({ ...putOp, ...asked }),
  v.strictObject({ ...getOp, ...asked }),
  v.strictObject({ ...delOp, ...asked }),
  v.strictObject({ type: v.literal('leaseGrant'), ttl, id: v.exactOptional(leaseId), ...asked }),
  v.strictObject({ type: v.literal('leaseRevoke'), id: leaseId, ...asked }),
  v.strictObject({ type: v.literal('leaseKeepAlive'), id: leaseId, once: flag, ...asked }),
  v.strictObject({ type: v.literal('leaseTimeToLive'), id: leaseId, keys: flag, ...asked }),
  v.strictObject({ type: v.literal('leaseList'), ...asked }),
  v.strictObject({ type: v.literal('memberList'), ...asked }),
  v.strictObject({
    type: v.literal('memberAdd'),
    name: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
    peerUrls: urls,
    learner: flag,
    ...asked,
  }),
  v.strictObject({ type: v.literal('memberPromote'), id: memberId, ...asked }),
  v.strictObject({ type: v.literal('memberRemove'), id: memberId, ...asked }),
  v.strictObject({ type: v.literal('memberUpdate'), id: memberId, peerUrls: urls, ...asked }),
  v.strictObject({ type: v.literal('moveLeader'), id: memberId, ...asked }),
  v.strictObject({ type: v.literal('endpointStatus'), ...asked }),
  v.strictObject({
    type: v.literal('txn'),
    compares: v.array(compare),
    success: ops,
    failure: ops,
    ...asked,
  }),
  v.strictObject({
    type: v.literal('compaction'),
    revision: v.pipe(v.number(), v.safeInteger()),
    physical: flag,
    ...asked,
  }),
  ...(['alarmList', 'alarmDisarm', 'authEnable', 'authDisable', 'userList', 'roleList'] as const).map(
    (type) => v.strictObject({ type: v.literal(type), ...asked }),
  ),
  ...(['endpointHealth', 'defrag'] as const).map((type) =>
    v.strictObject({ type: v.literal(type), ...asked }),
  ),
  v.strictObject({ type: v.literal('endpointHashKv'), revision: v.exactOptional(count), ...asked }),
  v.strictObject({ type: v.literal('userAdd'), name, password: name, noPassword: flag, ...asked }),
  v.strictObject({ type: v.literal('userPasswd'), name, password: name, ...asked }),
  ...(['userDelete', 'userGet'] as const).map((type) =>
    v.strictObject({ type: v.literal(type), name, ...asked }),
  ),
  ...(['userGrantRole', 'userRevokeRole'] as const).map((type) =>
    v.strictObject({ type: v.literal(type), name, role: name, ...asked }),
  ),
  ...(['roleAdd', 'roleDelete', 'roleGet'] as const).map((type) =>
    v.strictObject({ type: v.literal(type), role: name, ...asked }),
  ),
  v.strictObject({
    type: v.literal('roleGrantPermission'),
    role: name,
    permission: v.picklist(['read', 'write', 'readwrite']),
    ...range,
    ...asked,
  }),
  v.strictObject({ type: v.literal('roleRevokePermission'), role: name, ...range, ...asked }),
  v.strictObject({
    type: v.literal('watch'),
    ...range,
    revision: v.exactOptional(v.pipe(v.number(), v.safeInteger())),
    prevKv: flag,
    progressNotify: flag,
    ...asked,
  }),
  v.strictObject({ type: v.literal('watchProgress'), watch: v.exactOptional(count) }),
  v.strictObject({ type: v.literal('stop'), request: v.exactOptional(count), checks: flag }),
  v.strictObject({ type: v.literal('snapshotSave'), ...asked }),
  v.strictObject({
    type: v.literal('checkPerf'),
    load: v.picklist(['s', 'm']),
    prefix: v.pipe(text, v.minLength(1)),
    autoCompact: flag,
    autoDefrag: flag,
    ...asked,
  }),
  v.strictObject({ type: v.literal('kill'), member }),
  v.strictObject({ type: v.literal('stopMember'), member }),
  v.strictObject({
    type: v.literal('powerCut'),
    member,
    fates: v.exactOptional(fates),
    names: v.exactOptional(whole(0, maxFates)),
  }),
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
  ...worldFaults,
  v.strictObject({
    type: v.literal('message'),
    message: count,
    do: v.picklist(['drop', 'hold', 'deliver', 'delay', 'duplicate']),
    delayUs: v.exactOptional(whole(1, maxDelayUs)),
  }),
  v.strictObject({
    type: v.literal('load'),
    kind: v.picklist(loadKinds),
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
