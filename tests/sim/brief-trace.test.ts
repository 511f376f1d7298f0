/** What members tell where only checkers listen: all that these read, as where everything is told. */
import { expect, test } from 'vitest';
import { Member } from '../../src/engine/server/member.ts';
import { survivable } from '../simulation/kinds.ts';
import { runSeed } from '../simulation/run.ts';
import type { EngineEvent } from '../../src/engine/events.ts';
import type { MemberOutput } from '../../src/engine/server/types.ts';
import type { Boot } from '../../src/sim/run.ts';

/** Members that tell all or a part, and note what they have told. */
function noting(told: EngineEvent[], brief: boolean): Boot {
  const note = (output: MemberOutput): MemberOutput => {
    told.push(...output.events);
    return output;
  };
  return (config, files, nowUs) => {
    const { member, output } = Member.boot({ ...config, brief }, files, nowUs);
    const step = member.step.bind(member);
    member.step = (input, atUs) => note(step(input, atUs));
    return { member, output: note(output) };
  };
}

/** What a client asks for is nobody's matter but a picture's. */
const isRead = (event: EngineEvent): boolean => event.type !== 'server.propose' || event.request === 0;

test.each([3, 8])('seed %i: a brief trace tells all that checkers read', (seed) => {
  const [brief, whole]: EngineEvent[][] = [[], []];
  const plan = { seed, members: 3, virtualUs: 8_000_000, faults: survivable, perSecond: 15, defects: {} };
  const short = runSeed({ ...plan, boot: noting(brief, true) });
  const long = runSeed({ ...plan, boot: noting(whole, false) });
  const { checkers } = short.judge;
  const wanted = (events: EngineEvent[]): EngineEvent[] =>
    events.filter((event) => checkers.reads(event.type) && isRead(event));
  expect(short.chainHash).toBe(long.chainHash);
  expect(short.violation).toBeNull();
  expect(wanted(brief)).toEqual(wanted(whole));
  expect(new Set(wanted(brief).map(({ type }) => type)).size).toBeGreaterThan(15);
  expect(brief.length).toBeLessThan(whole.length / 2);
});
