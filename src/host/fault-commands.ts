/** The commands of faults of hosts, disks and links, with the bounds of their numbers. */
import * as v from 'valibot';
import { crashPoints } from '../sim/crash-points.ts';
import {
  diskBounds,
  maxBytes,
  maxDelayUs,
  maxRestartUs,
  maxRotBits,
  maxSteps,
  maxStepUs,
  maxSwingPerMille,
  minSwingUs,
} from '../sim/fault-bounds.ts';

const whole = (low: number, high: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(low), v.maxValue(high));
const maybe = (high: number) => v.exactOptional(whole(0, high));
const member = whole(1, 9);
const messageTypes = v.pipe(
  v.array(v.pipe(v.string(), v.regex(/^[A-Za-z]{1,40}$/, 'is not a type of message'))),
  v.maxLength(40),
);

const diskFields = {
  syncMinUs: maybe(diskBounds.syncMinUs),
  syncMeanUs: maybe(diskBounds.syncMeanUs),
  writeMinUs: maybe(diskBounds.writeMinUs),
  writeMeanUs: maybe(diskBounds.writeMeanUs),
  readMinUs: maybe(diskBounds.readMinUs),
  readMeanUs: maybe(diskBounds.readMeanUs),
  operationsPerSecond: maybe(diskBounds.operationsPerSecond),
  stallPerMille: maybe(diskBounds.stallPerMille),
  stallUs: maybe(diskBounds.stallUs),
  bytesPerSecond: maybe(diskBounds.bytesPerSecond),
  quotaBytes: maybe(diskBounds.quotaBytes),
  misdirectPerMille: maybe(diskBounds.misdirectPerMille),
  lying: maybe(diskBounds.lying),
  keptWeight: maybe(diskBounds.keptWeight),
  lostWeight: maybe(diskBounds.lostWeight),
  tornWeight: maybe(diskBounds.tornWeight),
};

/** To be among the actions' schemas. */
export const worldFaults = [
  v.strictObject({
    type: v.literal('link'),
    from: member,
    to: member,
    extraDelayUs: whole(0, maxDelayUs),
    lossPerMille: whole(0, 1000),
    jitterUs: maybe(maxDelayUs),
    duplicatePerMille: maybe(1000),
    reorderPerMille: maybe(1000),
    corruptPerMille: maybe(1000),
    bytesPerSecond: maybe(maxBytes),
    queueBytes: maybe(maxBytes),
    clogPerMille: maybe(1000),
    clogMeanUs: maybe(maxDelayUs),
    dropTypes: v.exactOptional(messageTypes),
  }),
  v.strictObject({
    type: v.literal('flap'),
    from: member,
    to: member,
    upUs: whole(0, maxDelayUs),
    downUs: whole(0, maxDelayUs),
  }),
  v.strictObject({ type: v.literal('healEverything') }),
  v.strictObject({
    type: v.literal('crashPoint'),
    member,
    point: v.picklist(crashPoints),
    nth: whole(0, maxSteps),
    then: v.picklist(['kill', 'powerCut']),
    file: v.exactOptional(v.picklist(['wal', 'db', 'snap'])),
  }),
  v.strictObject({ type: v.literal('slowCpu'), member, factor: whole(1, 1000) }),
  v.strictObject({ type: v.literal('clockRate'), member, perMille: whole(10, 100_000) }),
  v.strictObject({ type: v.literal('clockStep'), member, aheadUs: whole(1, maxStepUs) }),
  v.strictObject({
    type: v.literal('clockSwing'),
    member,
    perMille: whole(0, maxSwingPerMille),
    periodUs: whole(minSwingUs, maxDelayUs),
    shape: v.picklist(['periodic', 'random']),
  }),
  v.strictObject({ type: v.literal('memoryLimit'), member, bytes: whole(0, maxBytes) }),
  v.strictObject({ type: v.literal('failAllocation'), member, nth: whole(0, maxSteps) }),
  v.strictObject({ type: v.literal('restartDelay'), member, afterUs: whole(0, maxRestartUs) }),
  v.strictObject({ type: v.literal('keepImage'), member }),
  v.strictObject({ type: v.literal('restoreImage'), member }),
  v.strictObject({ type: v.literal('loseFiles'), member, file: v.picklist(['wal', 'db', 'snap']) }),
  v.strictObject({ type: v.literal('forceNewCluster'), member }),
  v.strictObject({ type: v.literal('copyMember'), member, host: member }),
  v.strictObject({ type: v.literal('disk'), member, ...diskFields }),
  v.strictObject({
    type: v.literal('diskError'),
    member,
    on: v.picklist(['read', 'write', 'sync']),
    code: v.picklist(['EIO', 'ENOSPC']),
    lasts: v.picklist(['once', 'always', 'never']),
  }),
  v.strictObject({
    type: v.literal('bitRot'),
    member,
    zone: v.picklist(['meta', 'freelist', 'branch', 'leaf', 'wal', 'snapshot']),
    bits: whole(1, maxRotBits),
    page: v.exactOptional(whole(0, Number.MAX_SAFE_INTEGER)),
  }),
  v.strictObject({
    type: v.literal('misdirect'),
    member,
    how: v.exactOptional(v.picklist(['write', 'lose', 'read'])),
  }),
] as const;
