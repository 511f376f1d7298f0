/** Txns, watches, files and details: what real etcdctl read and printed, through the console and a member. */
import { expect, test } from 'vitest';
import { ConsoleRig } from './console-rig.ts';
import { readRecorded } from './recorded.ts';

/** Ids and terms differ from one cluster to the next, times from one run to the next. */
const plain = (line: string): string =>
  line
    .replace(/"(cluster_id|member_id|raft_term)":\d+/g, '"$1":0')
    .replace(/^"(ClusterID|MemberID|RaftTerm|DBSize|Leader|RaftIndex|RaftAppliedIndex)" : \d+/, '"$1" : 0')
    .replace(/took = .*|"took":"[^"]*"|^"Took" : .*/, 'took')
    .replace(/\| +\S+s \|/, '| took |')
    // columns are as wide as ports and times
    .replace(/^[+|].*/, (row) => row.replace(/-+/g, '-').replace(/ +/g, ' '));

test('what etcdctl reads after a command, and what it prints while it goes on, are the same here', async () => {
  const rig = new ConsoleRig();
  const { console } = rig;
  for (const { line, printed } of readRecorded('recorded-dialogues-3.4.23.txt')) {
    const read = printed.filter((text) => text.startsWith('< ')).map((text) => text.slice(2));
    const writes = printed.filter((text) => text.startsWith('+ ')).map((text) => text.slice(2));
    await console.run(line);
    for (const text of read) if (console.prompt !== null) await console.enter(text);
    for (const write of writes) rig.elsewhere(write);
    rig.run(1_500_000);
    if (console.prompt !== null) console.endInput();
    for (const { request } of console.standing) await console.stop(request);
    const wanted = printed.filter((text) => !/^[<+] /.test(text));
    expect(rig.printed().map(plain), [line, ...read].join('\n')).toEqual(wanted.map(plain));
  }
}, 60_000);
