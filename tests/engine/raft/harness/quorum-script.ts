/** Scripts of quorum arithmetic alone, with the cross-checks that upstream makes. */
import type { AckedIndexer } from '../../../../src/engine/raft/quorum/majority.ts';
import {
  describeMajority,
  majorityCommittedIndex,
  majorityVoteResult,
} from '../../../../src/engine/raft/quorum/majority.ts';
import {
  describeJoint,
  jointCommittedIndex,
  jointVoteResult,
  jointVoters,
} from '../../../../src/engine/raft/quorum/joint.ts';
import type { JointConfig } from '../../../../src/engine/raft/quorum/joint.ts';
import type { NodeId } from '../../../../src/engine/raft/types.ts';
import { nodeId } from '../../../../src/engine/raft/types.ts';
import type { Block } from './datadriven.ts';

function valuesOf(block: Block, name: string): readonly string[] {
  return block.args.find(({ key }) => key === name)?.values ?? [];
}

const sortedIds = (texts: readonly string[]): NodeId[] =>
  [...new Set(texts.map((text) => nodeId(Number(text))))].sort((a, b) => a - b);

const infinityAsSign = (index: number): string => (index === Infinity ? '∞' : String(index));

/** The slow and obvious way: the highest acknowledged index that more than half have reached. */
function committedByTrying(voters: readonly NodeId[], acks: ReadonlyMap<NodeId, number>): number {
  if (voters.length === 0) return Infinity;
  const reached = (index: number) =>
    voters.filter((id) => (acks.get(id) ?? 0) >= index).length * 2 > voters.length;
  return Math.max(0, ...[...acks.values()].filter(reached));
}

function indexer(acks: ReadonlyMap<NodeId, number>): AckedIndexer {
  return { ackedIndex: (id) => acks.get(id) ?? null };
}

function committed(config: JointConfig, isJoint: boolean, acks: ReadonlyMap<NodeId, number>): string {
  const acked = indexer(acks);
  if (isJoint) {
    const index = jointCommittedIndex(config, acked);
    const mirrored = { voters: config.votersOutgoing, votersOutgoing: config.voters };
    const other = jointCommittedIndex(mirrored, acked);
    const symmetry = other === index ? '' : `${infinityAsSign(other)} <-- via symmetry\n`;
    return `${describeJoint(config, acked)}${symmetry}${infinityAsSign(index)}`;
  }
  const index = majorityCommittedIndex(config.voters, acked);
  const checks: [string, number][] = [
    ['alternative computation', committedByTrying(config.voters, acks)],
    ['zero-joint quorum', jointCommittedIndex({ voters: config.voters, votersOutgoing: [] }, acked)],
    [
      'self-joint quorum',
      jointCommittedIndex({ voters: config.voters, votersOutgoing: config.voters }, acked),
    ],
  ];
  for (const id of config.voters) {
    const own = acks.get(id) ?? 0;
    // What lies below the committed index may fall further without changing it.
    if (own > 0 && own < index) {
      const lower = indexer(new Map(acks).set(id, own - 1));
      checks.push([`overlaying ${id}`, majorityCommittedIndex(config.voters, lower)]);
    }
  }
  const odd = checks.filter(([, other]) => other !== index);
  const notes = odd.map(([name, other]) => `${infinityAsSign(other)} <-- via ${name}\n`).join('');
  return `${describeMajority(config.voters, acked)}${notes}${infinityAsSign(index)}`;
}

function vote(config: JointConfig, isJoint: boolean, votes: ReadonlyMap<NodeId, boolean>): string {
  if (!isJoint) return majorityVoteResult(config.voters, votes);
  const result = jointVoteResult(config, votes);
  const other = jointVoteResult({ voters: config.votersOutgoing, votersOutgoing: config.voters }, votes);
  return other === result ? result : `${other} <-- via symmetry\n${result}`;
}

/** Go's harness keeps votes, and what is not known, as numbers. */
const inputNumbers: Readonly<Record<string, string>> = { _: '0', n: '1', y: '2' };

/** Runs one block of a quorum script; it has no state. */
export function handleQuorum(block: Block): string[] {
  const incoming = valuesOf(block, 'cfg');
  const outgoing = valuesOf(block, 'cfgj').filter((value) => value !== 'zero');
  const isJoint = block.args.some(({ key }) => key === 'cfgj');
  const config = { voters: sortedIds(incoming), votersOutgoing: sortedIds(outgoing) };
  const values = valuesOf(block, block.command === 'vote' ? 'votes' : 'idx');
  const ids = [...new Set([...incoming, ...outgoing])].map((text) => nodeId(Number(text)));
  if (jointVoters(config).length !== values.length) {
    const voters = sortedIds([...incoming, ...outgoing]).map((id) => `${id}:{}`);
    const input = values.map((value) => inputNumbers[value] ?? value);
    return [
      `error: mismatched input (explicit or _) for voters map[${voters.join(' ')}]: [${input.join(' ')}]`,
    ];
  }
  const known = ids.map((id, i) => [id, values[i]] as const).filter(([, value]) => value !== '_');
  if (block.command === 'committed') {
    const acks = new Map(known.map(([id, value]) => [id, Number(value)]));
    return committed(config, isJoint, acks).split('\n');
  }
  if (block.command === 'vote')
    return vote(config, isJoint, new Map(known.map(([id, value]) => [id, value === 'y']))).split('\n');
  return ['unknown command'];
}
