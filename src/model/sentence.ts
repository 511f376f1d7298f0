/** An event as one sentence; words come from the message files. */
import { m } from '../paraglide/messages.js';
import type { SimEvent } from '../sim/events.ts';
import type { MessageView } from './cluster-view.ts';
import { messageTypeWord } from './message-words.ts';
import { troubleWords } from './trouble-sentence.ts';
import type { Told } from './told.ts';

export interface Sentence {
  readonly text: string;
  /** Spoken by the live region; the others are only shown. */
  readonly spoken: boolean;
}

/** Words for a member, by its number from 1. */
export type NameOf = (member: number) => string;

const spoken = (text: string): Sentence => ({ text, spoken: true });
const shown = (text: string): Sentence => ({ text, spoken: false });

/**
 * The sentence of an event; null for events too small to be told one by one.
 * @param arrived the message of a `sim.deliver`, where its arrival is worth a sentence: in a run that plays,
 * heartbeats would outshout all the rest
 */
export function sentenceOf(told: Told, nameOf: NameOf, arrived: MessageView | null = null): Sentence | null {
  if (told.event.type === 'sim.deliver')
    return arrived?.id === told.event.message ? shown(arrivalWords(arrived, nameOf)) : null;
  const trouble = troubleWords(told, nameOf);
  if (trouble !== null) return spoken(trouble);
  const large = ofRaft(told, nameOf) ?? ofMember(told, nameOf) ?? ofWorld(told, nameOf);
  return large ?? ofLease(told, nameOf) ?? ofSnapshot(told, nameOf);
}

function arrivalWords({ from, to, messageType, reject }: MessageView, nameOf: NameOf): string {
  const facts = { from: nameOf(from), to: nameOf(to), type: messageTypeWord(messageType) };
  return reject ? m.say_arrive_reject(facts) : m.say_arrive(facts);
}

/** What changes a lease without a word in the log; the rest is told as an entry that is applied. */
function ofLease({ at, event }: Told, nameOf: NameOf): Sentence | null {
  const member = nameOf(at.member);
  switch (event.type) {
    case 'lease.renew':
      return shown(m.say_lease_renew({ member, id: event.id, ttl: event.ttlSeconds }));
    case 'lease.promote':
      return event.ids.length === 0 ? null : shown(m.say_lease_promote({ member }));
    case 'lease.demote':
      return event.leaseCount === 0 ? null : shown(m.say_lease_demote({ member }));
    default:
      return null;
  }
}

function ofSnapshot({ at, event }: Told, nameOf: NameOf): Sentence | null {
  const member = nameOf(at.member);
  switch (event.type) {
    case 'snapshot.save':
      return spoken(m.say_snapshot_save({ member, index: event.index }));
    case 'snapshot.send': {
      const facts = { member, to: nameOf(event.to), index: event.index };
      if (event.state === 'begin') return spoken(m.say_snapshot_begin(facts));
      return event.state === 'sent'
        ? shown(m.say_snapshot_sent(facts))
        : spoken(m.say_snapshot_failed(facts));
    }
    case 'snapshot.apply':
      return spoken(m.say_snapshot_apply({ member, index: event.index }));
    default:
      return null;
  }
}

function ofRaft({ at, event }: Told, nameOf: NameOf): Sentence | null {
  const member = nameOf(at.member);
  switch (event.type) {
    case 'raft.becomeLeader':
      return spoken(m.say_leader({ member, term: event.term }));
    case 'raft.becomePreCandidate':
      return spoken(m.say_pre_candidate({ member, term: event.term + 1 }));
    case 'raft.becomeCandidate':
      return spoken(m.say_candidate({ member, term: event.term }));
    case 'raft.decideVote':
      return shown(voteWords(member, nameOf(event.candidate), event.granted, event.pre));
    case 'raft.replicate':
      return shown(m.say_replicate({ member, index: event.index }));
    case 'raft.append':
      return event.truncated === 0
        ? null
        : spoken(m.say_truncate({ member, count: event.truncated, index: event.index }));
    case 'raft.transferLeader':
      return event.step === 'begin' ? spoken(m.say_transfer({ member, to: nameOf(event.to) })) : null;
    case 'raft.commit':
      return spoken(m.say_commit({ member, index: event.index }));
    default:
      return null;
  }
}

function voteWords(member: string, candidate: string, granted: boolean, pre: boolean): string {
  if (pre)
    return granted ? m.say_pre_vote_yes({ member, candidate }) : m.say_pre_vote_no({ member, candidate });
  return granted ? m.say_vote_yes({ member, candidate }) : m.say_vote_no({ member, candidate });
}

function ofMember({ at, event }: Told, nameOf: NameOf): Sentence | null {
  const member = nameOf(at.member);
  switch (event.type) {
    case 'wal.synced':
      return shown(m.say_wal_synced({ member, index: event.index }));
    case 'server.request':
      return shown(m.say_request({ member, label: event.label }));
    case 'server.apply':
      return event.label === '' || event.skipped
        ? null
        : spoken(m.say_apply({ member, index: event.index, label: event.label, revision: event.revision }));
    case 'backend.commit':
      return event.operationCount === 0 ? null : shown(m.say_batch({ member, txid: event.txid }));
    case 'backend.committed':
      return spoken(m.say_stored({ member, txid: event.txid }));
    case 'lease.expire':
      return spoken(m.say_lease_expire({ member, id: event.id }));
    case 'alarm.raise':
      return spoken(m.say_alarm_raise({ member, alarm: event.alarm }));
    case 'alarm.disarm':
      return spoken(m.say_alarm_disarm({ member, alarm: event.alarm }));
    case 'server.defragment':
      return spoken(m.say_defragment({ member, before: event.beforeBytes, after: event.afterBytes }));
    case 'server.stopping':
      return spoken(
        event.to === 0 ? m.say_stopping({ member }) : m.say_handing_over({ member, to: nameOf(event.to) }),
      );
    case 'server.halt':
      return spoken(m.say_halt({ member, reason: event.reason }));
    default:
      return null;
  }
}

function ofWorld({ at, event }: Told, nameOf: NameOf): Sentence | null {
  const member = nameOf(at.member);
  switch (event.type) {
    case 'sim.link':
    case 'sim.slowDisk':
    case 'sim.hold':
    case 'sim.release':
    case 'sim.drop':
    case 'sim.load':
      return ofTrouble({ at, event }, nameOf);
    case 'sim.start':
      return spoken(m.say_start({ member }));
    case 'sim.kill':
      return spoken(m.say_kill({ member }));
    case 'sim.stop':
      return spoken(m.say_stop({ member }));
    case 'sim.powerCut':
      return spoken(m.say_power_cut({ member, lost: event.lostWrites, torn: event.tornWrites }));
    case 'sim.wipe':
      return spoken(m.say_wipe({ member }));
    case 'sim.addHost':
      return spoken(m.say_add_host({ member }));
    case 'sim.pause':
      return spoken(m.say_pause({ member }));
    case 'sim.resume':
      return spoken(m.say_resume({ member }));
    case 'sim.cut':
      return spoken(m.say_cut({ from: nameOf(event.from), to: nameOf(event.to) }));
    case 'sim.heal':
      return spoken(m.say_heal({ from: nameOf(event.from), to: nameOf(event.to) }));
    case 'sim.clientDone':
      return event.code === 0
        ? shown(m.say_client_done())
        : spoken(m.say_client_error({ message: event.message }));
    case 'sim.clientSend':
      return event.to === 0 ? null : shown(m.say_client_send({ label: event.label, to: nameOf(event.to) }));
    case 'sim.send':
      return ofSend(event, nameOf);
    default:
      return null;
  }
}

/** Faults that are more or less, rather than there or not. */
function ofTrouble({ at, event }: Told, nameOf: NameOf): Sentence | null {
  switch (event.type) {
    case 'sim.link': {
      const [from, to] = [nameOf(event.from), nameOf(event.to)];
      const { type: _, from: _from, to: _to, extraDelayUs, lossPerMille, ...more } = event;
      if (extraDelayUs === 0 && lossPerMille === 0) {
        const isWell = Object.values(more).every((value) => value === 0 || String(value) === '');
        return spoken((isWell ? m.say_link_well : m.say_link_worse)({ from, to }));
      }
      return spoken(m.say_link({ from, to, delay: extraDelayUs / 1000, loss: lossPerMille / 10 }));
    }
    case 'sim.slowDisk': {
      const member = nameOf(at.member);
      const { factor } = event;
      return spoken(factor === 1 ? m.say_disk_well({ member }) : m.say_slow_disk({ member, factor }));
    }
    case 'sim.hold':
      return event.because === 'command' ? spoken(m.say_hold({ message: event.message })) : null;
    case 'sim.drop':
      return event.because === 'command' ? spoken(m.say_drop({ message: event.message })) : null;
    case 'sim.release':
      return event.because === 'command' ? spoken(m.say_release({ message: event.message })) : null;
    case 'sim.load':
      return shown(m.say_load({ ok: event.ok, failed: event.failed }));
    default:
      return null;
  }
}

function ofSend(event: Extract<SimEvent, { type: 'sim.send' }>, nameOf: NameOf): Sentence | null {
  if (event.messageType !== 'MsgApp' || event.entryCount === 0) return null;
  return shown(m.say_send({ from: nameOf(event.from), to: nameOf(event.to), count: event.entryCount }));
}
