/** The birth of a cluster. */
import { emptyBytes } from '../../base/bytes.ts';
import { applyConfChange } from './apply-conf-change.ts';
import { asConfChangeV2, encodeConfChange } from './confchange-codec.ts';
import { RaftError } from './errors.ts';
import type { Raft } from './raft.ts';
import type { ConfChange, Peer } from './types.ts';
import { logIndex, none, term } from './types.ts';

/**
 * Fills an empty log with one conf change a peer, all of term 1 and committed, and applies them, so that
 * the node can campaign at once. They are handed out for applying as well; the application applies them a
 * second time.
 * @param forgetHardState makes the next Ready tell the whole hard state
 * @throws RaftError 'must provide at least one peer to Bootstrap' | "can't bootstrap a nonempty Storage"
 * @source etcd-io/raft bootstrap.go; Raft thesis section 4.4
 */
export function bootstrap(raft: Raft, peers: readonly Peer[], forgetHardState: () => void): void {
  if (peers.length === 0) throw new RaftError('must provide at least one peer to Bootstrap');
  if (raft.log.storage.lastIndex() !== 0) throw new RaftError("can't bootstrap a nonempty Storage");
  forgetHardState();
  raft.becomeFollower(term(1), none);
  const change = ({ id, context }: Peer): ConfChange => ({
    id: 0n,
    type: 'ConfChangeAddNode',
    nodeId: id,
    context,
  });
  raft.log.append(
    peers.map((peer, i) => ({
      term: term(1),
      index: logIndex(i + 1),
      type: 'EntryConfChange',
      data: encodeConfChange(change(peer)),
    })),
  );
  raft.log.commitTo(logIndex(peers.length));
  for (const peer of peers) applyConfChange(raft, asConfChangeV2(change({ ...peer, context: emptyBytes })));
}
