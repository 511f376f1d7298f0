/** What real etcdctl printed, line by line, comes from a member of the lab too. */
import { expect, test } from 'vitest';
import { Member } from '../../../src/engine/server/member.ts';
import { parseCommand } from '../../../src/host/commands.ts';
import { formatLineError, formatOutcome } from '../../../src/model/etcdctl/format.ts';
import { parseLine } from '../../../src/model/etcdctl/parse.ts';
import type { ClientAction } from '../../../src/sim/types.ts';
import { Lab } from '../../sim/worlds.ts';
import { readRecorded } from './recorded.ts';

/** Ids and terms differ from one cluster to the next. */
const plain = (line: string): string =>
  line
    .replace(/"(cluster_id|member_id|raft_term)":\d+/g, '"$1":0')
    .replace(/^"(ClusterID|MemberID|RaftTerm)" : \d+/, '"$1" : 0');

const txn: ClientAction = {
  type: 'txn',
  compares: [{ target: 'value', key: 'a', result: '=', value: '5' }],
  success: [
    { type: 'put', key: 'd', value: '1' },
    { type: 'get', key: 'd' },
    { type: 'del', key: 'b' },
  ],
  failure: [{ type: 'put', key: 'd', value: '2' }],
};

/** The recorded txns: the first as it was printed, the others for their revisions. */
function decide(lab: Lab): void {
  const outcome = lab.do(txn);
  if (outcome === null) throw new Error('no answer');
  const lines = formatOutcome(outcome, { format: 'simple', valueOnly: false, command: txn });
  expect(lines.map(({ text }) => text)).toEqual(['SUCCESS', '', 'OK', '', 'd', '1', '', '1']);
  for (let i = 0; i < 3; i++) lab.do({ type: 'put', key: 'd', value: '1' });
}

test('each recorded request of keys, users and roles has the same answer and the same words', () => {
  const lab = new Lab(Member.boot, { memberCount: 1 });
  lab.runFor(3_000_000);
  for (const { line, printed } of readRecorded('recorded-requests-3.4.23.txt')) {
    if (line === 'alarm list') decide(lab);
    const parsed = parseLine(line, { memberCount: 1, leader: 1 });
    let shown = parsed.kind === 'error' ? formatLineError(parsed) : [];
    if (parsed.kind === 'command') {
      expect(parseCommand(parsed.command), line).toMatchObject({ ok: true });
      const outcome = lab.do(parsed.command);
      if (outcome !== null) shown = formatOutcome(outcome, parsed);
    }
    const texts = shown.filter(({ stream }) => stream !== 'hint').map(({ text }) => plain(text));
    expect(texts, line).toEqual(printed.map(plain));
  }
}, 60_000);
