/** Words for links, messages and disks that are not as usual, and for their menus. */
import { hostName } from '../../base/hosts.ts';
import { m } from '../../paraglide/messages.js';
import { nameIn, type ClusterView, type MessageView } from '../../model/cluster-view.ts';
import type { FaultEntry, MenuSubject } from '../../model/menu-subject.ts';
import { messageTypeWord } from '../../model/message-words.ts';
import { badLinkList, linkFaultList, type Link } from './link-words.ts';

type Words = readonly [() => string, () => string];

/** Menus share two ids with different meanings: the link's delay and the message's. */
const linkDelay: Words = [m.menu_delayLink, m.menu_delayLink_detail];
const entries: Readonly<Record<FaultEntry['id'], Words>> = {
  stopMember: [m.menu_stopMember, m.menu_stopMember_detail],
  kill: [m.menu_kill, m.menu_kill_detail],
  powerCut: [m.menu_powerCut, m.menu_powerCut_detail],
  cutByHand: [m.menu_cutByHand, m.menu_cutByHand_detail],
  restart: [m.menu_restart, m.menu_restart_detail],
  pauseMember: [m.menu_pauseMember, m.menu_pauseMember_detail],
  resumeMember: [m.menu_resumeMember, m.menu_resumeMember_detail],
  isolate: [m.menu_isolate, m.menu_isolate_detail],
  heal: [m.menu_heal, m.menu_heal_detail],
  wipe: [m.menu_wipe, m.menu_wipe_detail],
  startNew: [m.menu_startNew, m.menu_startNew_detail],
  startExisting: [m.menu_startExisting, m.menu_startExisting_detail],
  remove: [m.menu_remove, m.menu_remove_detail],
  addVoter: [m.menu_addVoter, m.menu_addVoter_detail],
  addLearner: [m.menu_addLearner, m.menu_addLearner_detail],
  promote: [m.menu_promote, m.menu_promote_detail],
  moveLeader: [m.menu_moveLeader, m.menu_moveLeader_detail],
  slowDisk: [m.menu_slowDisk, m.menu_slowDisk_detail],
  usualDisk: [m.menu_usualDisk, m.menu_usualDisk_detail],
  cutThere: [m.menu_cutThere, m.menu_cutThere_detail],
  cutBoth: [m.menu_cutBoth, m.menu_cutBoth_detail],
  healThere: [m.menu_healThere, m.menu_healThere_detail],
  healBoth: [m.menu_healBoth, m.menu_healBoth_detail],
  crashAtSync: [m.menu_crashAtSync, m.menu_crashAtSync_detail],
  slowCpu: [m.menu_slowCpu, m.menu_slowCpu_detail],
  fastClock: [m.menu_fastClock, m.menu_fastClock_detail],
  clockAhead: [m.menu_clockAhead, m.menu_clockAhead_detail],
  swingingClock: [m.menu_swingingClock, m.menu_swingingClock_detail],
  littleMemory: [m.menu_littleMemory, m.menu_littleMemory_detail],
  noMemory: [m.menu_noMemory, m.menu_noMemory_detail],
  supervised: [m.menu_supervised, m.menu_supervised_detail],
  slowReads: [m.menu_slowReads, m.menu_slowReads_detail],
  fewOperations: [m.menu_fewOperations, m.menu_fewOperations_detail],
  stalls: [m.menu_stalls, m.menu_stalls_detail],
  fullDisk: [m.menu_fullDisk, m.menu_fullDisk_detail],
  lyingDisk: [m.menu_lyingDisk, m.menu_lyingDisk_detail],
  failSyncs: [m.menu_failSyncs, m.menu_failSyncs_detail],
  failReads: [m.menu_failReads, m.menu_failReads_detail],
  rotLog: [m.menu_rotLog, m.menu_rotLog_detail],
  rotPage: [m.menu_rotPage, m.menu_rotPage_detail],
  misdirect: [m.menu_misdirect, m.menu_misdirect_detail],
  losePage: [m.menu_losePage, m.menu_losePage_detail],
  misread: [m.menu_misread, m.menu_misread_detail],
  loseLog: [m.menu_loseLog, m.menu_loseLog_detail],
  forceNewCluster: [m.menu_forceNewCluster, m.menu_forceNewCluster_detail],
  copyMember: [m.menu_copyMember, m.menu_copyMember_detail],
  keepImage: [m.menu_keepImage, m.menu_keepImage_detail],
  restoreImage: [m.menu_restoreImage, m.menu_restoreImage_detail],
  usualHost: [m.menu_usualHost, m.menu_usualHost_detail],
  tune: [m.menu_tune, m.menu_tune_detail],
  flap: [m.menu_flap, m.menu_flap_detail],
  jitter: [m.menu_jitter, m.menu_jitter_detail],
  copy: [m.menu_copy, m.menu_copy_detail],
  reorder: [m.menu_reorder, m.menu_reorder_detail],
  corrupt: [m.menu_corrupt, m.menu_corrupt_detail],
  clog: [m.menu_clog, m.menu_clog_detail],
  narrow: [m.menu_narrow, m.menu_narrow_detail],
  filter: [m.menu_filter, m.menu_filter_detail],
  lose: [m.menu_loseLink, m.menu_loseLink_detail],
  usualLink: [m.menu_usualLink, m.menu_usualLink_detail],
  hold: [m.menu_hold, m.menu_hold_detail],
  deliver: [m.menu_deliver, m.menu_deliver_detail],
  delay: [m.menu_delayMessage, m.menu_delayMessage_detail],
  duplicate: [m.menu_duplicate, m.menu_duplicate_detail],
  drop: [m.menu_drop, m.menu_drop_detail],
};

/** What an entry of a subject's menu is called and what it does. */
export function entryWords(kind: MenuSubject['kind'], id: FaultEntry['id']) {
  const [name, detail] = kind === 'link' && id === 'delay' ? linkDelay : entries[id];
  return { name: name(), detail: detail() };
}

export function hindranceWords(hindrance: NonNullable<FaultEntry['hindrance']>): string {
  return {
    notRunning: m.why_notRunning,
    running: m.why_running,
    notPaused: m.why_notPaused,
    alreadyIsolated: m.why_alreadyIsolated,
    nothingCut: m.why_nothingCut,
    emptyDisk: m.why_emptyDisk,
    hasDisk: m.why_hasDisk,
    isMember: m.why_isMember,
    notMember: m.why_notMember,
    notTold: m.why_notTold,
    isLearner: m.why_isLearner,
    notLearner: m.why_notLearner,
    leads: m.why_leads,
    noLeader: m.why_no_leader,
    alreadySlow: m.why_alreadySlow,
    notSlow: m.why_notSlow,
    alreadyCut: m.why_alreadyCut,
    notCut: m.why_notCut,
    alreadySo: m.why_alreadySo,
    notBad: m.why_notBad,
    noTrouble: m.why_noTrouble,
    noImage: m.why_noImage,
    noHost: m.why_noHost,
    gone: m.why_gone,
    alreadyHeld: m.why_alreadyHeld,
    waits: m.why_waits,
  }[hindrance]();
}

/** What a link's one direction does to messages beside cutting them: `+50 ms, 10 % lost`; empty: nothing. */
export const badLinkWords = (view: ClusterView, link: Link): string => badLinkList(view, link).join(', ');

/** The state of a link's one direction. */
export const linkState = (view: ClusterView, link: Link): string =>
  linkFaultList(view, link).join(', ') || m.link_is_usual();

export function messageState({ waiting }: MessageView): string {
  if (waiting === null) return m.message_travels();
  return waiting.because === 'command' ? m.message_held() : m.message_behind();
}

/** A subject's name: `m1`, `link m1 to m2`, `message 41: append entries m3 to m1`. */
export function subjectWords(view: ClusterView, subject: MenuSubject): string {
  if (subject.kind === 'member') return nameIn(view, subject.member);
  if (subject.kind === 'host') return m.bench_add({ name: hostName(subject.host) });
  if (subject.kind === 'link')
    return m.object_link({ from: nameIn(view, subject.from), to: nameIn(view, subject.to) });
  const { message } = subject;
  const found = view.messages.find(({ id }) => id === message);
  if (found === undefined) return m.object_message_gone({ message });
  const [from, to] = [nameIn(view, found.from), nameIn(view, found.to)];
  return m.object_message({ message, type: messageTypeWord(found.messageType), from, to });
}

export const linkLabel = (view: ClusterView, link: Link): string =>
  m.object_state({ object: subjectWords(view, { kind: 'link', ...link }), state: linkState(view, link) });

export const messageLabel = (view: ClusterView, message: MessageView): string =>
  m.object_state({
    object: subjectWords(view, { kind: 'message', message: message.id }),
    state: messageState(message),
  });
