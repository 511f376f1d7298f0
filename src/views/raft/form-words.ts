/** Words of the forms of faults: their titles, fields, choices and units. */
import { m } from '../../paraglide/messages.js';
import type { FormType, Unit } from '../../host/fault-forms.ts';
import { messageTypeWord } from '../../model/message-words.ts';

type Word = () => string;

export function formTitle(type: FormType): string {
  return {
    profile: m.form_profile,
    crashPoint: m.form_crashPoint,
    slowCpu: m.form_slowCpu,
    clockRate: m.form_clockRate,
    clockStep: m.form_clockStep,
    clockSwing: m.form_clockSwing,
    misdirect: m.form_misdirect,
    loseFiles: m.form_loseFiles,
    memoryLimit: m.form_memoryLimit,
    failAllocation: m.form_failAllocation,
    restartDelay: m.form_restartDelay,
    slowDisk: m.form_slowDisk,
    disk: m.form_disk,
    diskError: m.form_diskError,
    bitRot: m.form_bitRot,
    link: m.form_link,
    flap: m.form_flap,
    message: m.form_message,
  }[type]();
}

const fields: Readonly<Record<string, Word>> = {
  profile: m.field_profile,
  point: m.field_point,
  file: m.field_file,
  nth: m.field_nth,
  then: m.field_then,
  factor: m.field_factor,
  perMille: m.field_perMille,
  'failAllocation.nth': m.field_allocation,
  afterUs: m.field_afterUs,
  'loseFiles.file': m.field_loseFiles,
  'clockSwing.perMille': m.field_swing_perMille,
  aheadUs: m.field_aheadUs,
  periodUs: m.field_periodUs,
  shape: m.field_shape,
  how: m.field_how,
  bytes: m.field_bytes,
  syncMinUs: m.field_syncMinUs,
  syncMeanUs: m.field_syncMeanUs,
  writeMinUs: m.field_writeMinUs,
  writeMeanUs: m.field_writeMeanUs,
  readMinUs: m.field_readMinUs,
  readMeanUs: m.field_readMeanUs,
  operationsPerSecond: m.field_operationsPerSecond,
  stallPerMille: m.field_stallPerMille,
  stallUs: m.field_stallUs,
  bytesPerSecond: m.field_bytesPerSecond,
  quotaBytes: m.field_quotaBytes,
  misdirectPerMille: m.field_misdirectPerMille,
  lying: m.field_lying,
  keptWeight: m.field_keptWeight,
  lostWeight: m.field_lostWeight,
  tornWeight: m.field_tornWeight,
  on: m.field_on,
  code: m.field_code,
  lasts: m.field_lasts,
  zone: m.field_zone,
  bits: m.field_bits,
  page: m.field_page,
  extraDelayUs: m.field_extraDelayUs,
  jitterUs: m.field_jitterUs,
  lossPerMille: m.field_lossPerMille,
  duplicatePerMille: m.field_duplicatePerMille,
  reorderPerMille: m.field_reorderPerMille,
  corruptPerMille: m.field_corruptPerMille,
  queueBytes: m.field_queueBytes,
  clogPerMille: m.field_clogPerMille,
  clogMeanUs: m.field_clogMeanUs,
  dropTypes: m.field_dropTypes,
  upUs: m.field_upUs,
  downUs: m.field_downUs,
  delayUs: m.field_delayUs,
};
/** Some forms share a name with different meanings: then the form's own stands first. */
export const fieldWord = (type: FormType, name: string): string =>
  (fields[`${type}.${name}`] ?? fields[name])?.() ?? name;

const choices: Readonly<Record<string, Word>> = {
  beforeWrite: m.choice_beforeWrite,
  afterWrite: m.choice_afterWrite,
  beforeSync: m.choice_beforeSync,
  duringSync: m.choice_duringSync,
  afterSync: m.choice_afterSync,
  beforeMeta: m.choice_beforeMeta,
  afterMeta: m.choice_afterMeta,
  beforeRename: m.choice_beforeRename,
  afterRename: m.choice_afterRename,
  '': m.choice_any,
  wal: m.choice_wal,
  db: m.choice_db,
  snap: m.choice_snap,
  powerCut: m.choice_powerCut,
  kill: m.choice_kill,
  sync: m.choice_sync,
  write: m.choice_write,
  read: m.choice_read,
  periodic: m.choice_periodic,
  random: m.choice_random,
  lose: m.choice_lose,
  once: m.choice_once,
  always: m.choice_always,
  never: m.choice_never,
  leaf: m.choice_leaf,
  branch: m.choice_branch,
  meta: m.choice_meta,
  freelist: m.choice_freelist,
  snapshot: m.choice_snapshot,
  small: m.profile_small,
  medium: m.profile_medium,
  large: m.profile_large,
  xLarge: m.profile_xLarge,
  spinningDisk: m.profile_spinningDisk,
  sharedHost: m.profile_sharedHost,
  crossRegion: m.profile_crossRegion,
  laptop: m.profile_laptop,
};

/** Errors and types of messages have the names that etcd and the system print. */
export const choiceWord = (choice: string): string =>
  choices[choice]?.() ?? (choice.startsWith('Msg') ? messageTypeWord(choice) : choice);

export function unitWord(unit: Unit): string {
  return { ms: 'ms', s: 's', share: '%', times: '×', rate: '×', kB: 'kB', kBps: 'kB/s', count: '' }[unit];
}
