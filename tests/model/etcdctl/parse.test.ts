/** The console's grammar: quoting, commands, flags, faults, and the sentences of its errors. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { helpLines } from '../../../src/model/etcdctl/help.ts';
import { commands } from '../../../src/model/etcdctl/grammar.ts';
import { parseLine } from '../../../src/model/etcdctl/parse.ts';
import { labLine } from '../../../src/model/etcdctl/lab-line.ts';
import type { LabAction } from '../../../src/sim/types.ts';
import type { ParsedLine } from '../../../src/model/etcdctl/parsed-line.ts';
import { quoteWord, splitWords } from '../../../src/model/etcdctl/words.ts';

const parse = (line: string): ParsedLine => parseLine(line, { memberCount: 3, leader: 2 });

function action(line: string): unknown {
  const parsed = parse(line);
  if (parsed.kind === 'command') return parsed.command;
  return parsed.kind === 'lab' ? parsed.actions : parsed;
}

function sentence(line: string): string {
  const parsed = parse(line);
  return parsed.kind === 'error' ? `${parsed.message} | ${parsed.hint}` : `read as ${parsed.kind}`;
}

test('words that were quoted come back as they were', () => {
  const anyText = fc.string({ unit: 'binary' });
  const shellText = fc.string({ unit: fc.constantFrom(...`a"'\\$\`| \t-#é日`) });
  fc.assert(
    fc.property(fc.array(fc.oneof(anyText, shellText)), (texts) => {
      const split = splitWords(texts.map(quoteWord).join(' '));
      expect(split.ok).toBe(true);
      expect(split.words.map((word) => word.text)).toEqual(texts);
    }),
  );
});

test('a put of any key and value reads back as that key and value', () => {
  const text = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(text, text, (key, value) => {
      expect(action(`put -- ${quoteWord(key)} ${quoteWord(value)}`)).toEqual({ type: 'put', key, value });
    }),
  );
});

test('quotes and backslashes work as in a shell, and nothing is expanded', () => {
  const words = (line: string): string[] => splitWords(line).words.map((word) => word.text);
  expect(words(String.raw`a\ b "c \"d\" \e $HOME" 'f \g' h"i"'j' ''`)).toEqual([
    'a b',
    String.raw`c "d" \e $HOME`,
    String.raw`f \g`,
    'hij',
    '',
  ]);
});

test('an unclosed quote is named with its column', () => {
  expect(sentence(`put greeting "hello`)).toMatch(/^unclosed double quote at column 14 \|/);
  expect(sentence(`put greeting it's`)).toMatch(/^unclosed single quote at column 16 \|/);
  expect(sentence('put greeting hello\\')).toMatch(/^unclosed backslash at column 19 \|/);
});

test('etcdctl may stand in front, flags anywhere, and only given flags are in the action', () => {
  expect(action('ETCDCTL_API=3 etcdctl --endpoints m1,m2 get a --limit=5 z --rev 7 --consistency s')).toEqual(
    {
      type: 'get',
      key: 'a',
      rangeEnd: 'z',
      limit: 5,
      revision: 7,
      serializable: true,
      endpoints: ['m1', 'm2'],
    },
  );
  expect(action('get a --keys-only --prefix=false --limit -1')).toEqual({
    type: 'get',
    key: 'a',
    keysOnly: true,
  });
  expect(action('get a --endpoints m1 --endpoints=m2')).toEqual({
    type: 'get',
    key: 'a',
    endpoints: ['m1', 'm2'],
  });
  expect(action('del app/ --prefix --prev-kv')).toEqual({
    type: 'del',
    key: 'app/',
    prefix: true,
    prevKv: true,
  });
  expect(action('-w table member list')).toEqual({ type: 'memberList' });
  expect(parse('endpoint status --cluster --endpoints m1')).toMatchObject({
    command: { type: 'endpointStatus', endpoints: ['m1'] },
    cluster: true,
  });
  expect(action('put -- -5 --prefix')).toEqual({ type: 'put', key: '-5', value: '--prefix' });
});

test('an empty key with --prefix or --from-key means every key', () => {
  const every = { type: 'get', key: '\0', fromKey: true };
  expect(action(`get '' --prefix`)).toEqual(every);
  expect(action(`get "" --from-key`)).toEqual(every);
  expect(action(`del '' --prefix`)).toEqual({ ...every, type: 'del' });
  expect(action(`get ''`)).toEqual({ type: 'get', key: '' });
});

test('the format and --print-value-only travel beside the command', () => {
  expect(parse('get a -wjson')).toMatchObject({ format: 'json', valueOnly: false });
  expect(parse('get a -w=fields --count-only')).toMatchObject({
    format: 'fields',
    command: { countOnly: true },
  });
  expect(parse('get a --print-value-only')).toMatchObject({ format: 'simple', valueOnly: true });
});

test('commands may be shortened while they are told apart', () => {
  expect(action('mem l')).toEqual({ type: 'memberList' });
  expect(action('endpoint stat')).toEqual({ type: 'endpointStatus' });
  expect(sentence('p a b')).toMatch(/^unknown command "p"/);
});

test('a typing error is answered with the nearest known word', () => {
  expect(sentence('gte greeting')).toBe('unknown command "gte" for "etcdctl" | Did you mean "get"?');
  expect(sentence('powercut m2')).toMatch(/Did you mean "power-cut"/);
  expect(sentence('member lst')).toBe('unknown command "lst" for "etcdctl member" | Did you mean "list"?');
  expect(sentence('get a --prefx')).toBe('unknown flag: --prefx | Did you mean --prefix?');
  expect(sentence('xyzzy')).toBe('unknown command "xyzzy" for "etcdctl" | Try: help');
});

test('what etcdctl has and the lab has not is said so', () => {
  for (const line of ['elect e', 'lock l', 'make-mirror x', 'migrate', 'completion', 'check datascale']) {
    expect(sentence(line)).toMatch(/^"[a-z -]+" is not in this lab \| [A-Z]/);
  }
  expect(sentence('watch k -- echo')).toMatch(/^the lab runs no programs \| .*"echo" for each event/);
  expect(sentence('check perf --load xl')).toMatch(/^the lab has no load option xl/);
  expect(sentence('get a --cacert KEY')).toBe(
    'unknown flag: --cacert | etcdctl has --cacert; this lab does not. ' +
      'The connections of this lab carry no TLS: there are no certificates to give or to check.',
  );
});

test('a value with spaces that was not quoted is refused with the line to type', () => {
  expect(sentence('put greeting hello world')).toBe(
    "put takes one key and one value | Quote a value with spaces: put greeting 'hello world'",
  );
});

test('nothing is written by a put whose answer could not be printed', () => {
  expect(sentence('put a b -w table')).toMatch(/^table not supported as output format/);
});

test('the lab’s words become faults, in order', () => {
  expect(action('kill m2')).toEqual([{ type: 'kill', member: 2 }]);
  expect(action('stop m2')).toEqual([{ type: 'stopMember', member: 2 }]);
  expect(action('kill -9 3')).toEqual([{ type: 'kill', member: 3 }]);
  expect(action('power-cut leader')).toEqual([{ type: 'powerCut', member: 2 }]);
  expect(action('power-cut m1 --fates keep*2,lose,0-3+6 --names 1')).toEqual([
    { type: 'powerCut', member: 1, fates: ['keep', 'keep', 'lose', '0-3+6'], names: 1 },
  ]);
  expect(sentence('power-cut m1 m2 --fates keep')).toMatch(/^power-cut with --fates takes one member/);
  expect(sentence('power-cut m1 --names 2')).toMatch(/^--names goes with --fates/);
  expect(sentence('power-cut m1 --fates keep*0')).toMatch(/^"keep\*0" are no fates/);
  expect(action('restart all')).toEqual([1, 2, 3].map((member) => ({ type: 'restart', member })));
  expect(action('pause m3 m1 m3')).toEqual([3, 1].map((member) => ({ type: 'pauseMember', member })));
  expect(action('resume m1')).toEqual([{ type: 'resumeMember', member: 1 }]);
  expect(action('cut m1 m2')).toEqual([{ type: 'cut', from: 1, to: 2 }]);
  expect(action('heal --both m1 m2')).toEqual([
    { type: 'heal', from: 1, to: 2 },
    { type: 'heal', from: 2, to: 1 },
  ]);
  expect(action('heal all')).toEqual([{ type: 'healAll' }]);
  expect(action('isolate m3')).toEqual([{ type: 'isolate', member: 3 }]);
});

test('slow disks, bad links, messages and load are read with their numbers and units', () => {
  expect(action('slow-disk m2 x10')).toEqual([{ type: 'slowDisk', member: 2, factor: 10 }]);
  expect(action('slow-disk leader m3 off')).toEqual(
    [2, 3].map((member) => ({ type: 'slowDisk', member, factor: 1 })),
  );
  const link = { type: 'link', from: 1, to: 2, extraDelayUs: 50_000, lossPerMille: 100 };
  expect(action('link m1 m2 --delay 50ms --loss 10%')).toEqual([link]);
  expect(action('link m1 m2 --delay 1.5s --loss=0.5% --both')).toEqual([
    { ...link, extraDelayUs: 1_500_000, lossPerMille: 5 },
    { ...link, from: 2, to: 1, extraDelayUs: 1_500_000, lossPerMille: 5 },
  ]);
  expect(action('link m1 m2 off')).toEqual([{ ...link, extraDelayUs: 0, lossPerMille: 0 }]);
  expect(action('drop 17 #18')).toEqual(
    [17, 18].map((message) => ({ type: 'message', message, do: 'drop' })),
  );
  expect(action('delay 17 50ms')).toEqual([{ type: 'message', message: 17, do: 'delay', delayUs: 50_000 }]);
  expect(action('load kubernetes --rate 100')).toEqual([
    { type: 'load', kind: 'kubernetes', perSecond: 100 },
  ]);
  expect(action('load hot-key')).toEqual([{ type: 'load', kind: 'hotKey', perSecond: 50 }]);
  expect(action('load off')).toEqual([{ type: 'load', kind: 'none', perSecond: 0 }]);
});

test('numbers, units and messages that make no sense are refused with what is taken', () => {
  expect(sentence('slow-disk m2')).toMatch(/^slow-disk needs a member and how much slower/);
  expect(sentence('slow-disk m2 x0')).toMatch(/^"x0" is no factor \| A factor is x1 to x1000/);
  expect(sentence('slow-disk m4 x2')).toMatch(/^no member "m4"/);
  expect(sentence('link m1 m2')).toMatch(/^link needs --delay or --loss/);
  expect(sentence('link m1 m2 off --loss 5%')).toMatch(/^off takes neither/);
  expect(sentence('link m1 m2 --delay 11s')).toMatch(/^"11s" is no delay \| A delay is up to 10s/);
  expect(sentence('link m1 m2 --loss 101%')).toMatch(/^"101%" is no loss/);
  expect(sentence('link m1 m1 --loss 1%')).toMatch(/^a member has no link to itself/);
  expect(sentence('drop m1')).toMatch(/^"m1" is no message/);
  expect(sentence('hold')).toMatch(/^hold needs a message's number \| For example: hold 17/);
  expect(sentence('delay 17')).toMatch(/^delay needs a message's number and how much later/);
  expect(sentence('delay 17 soon')).toMatch(/^"soon" is no delay/);
  expect(sentence('load toString')).toMatch(/^no load "toString"/);
  expect(sentence('load hot-key --rate 1001')).toMatch(/^no rate 1001/);
});

test('the line that a button types means the very action', () => {
  const member = fc.integer({ min: 1, max: 3 });
  const pair = fc.tuple(member, member).filter(([from, to]) => from !== to);
  const delayUs = fc.integer({ min: 0, max: 10_000_000 });
  const share = fc.integer({ min: 0, max: 1000 });
  const message = fc.integer({ min: 1, max: 1_000_000_000 });
  const plain = [
    'kill',
    'stopMember',
    'powerCut',
    'restart',
    'pauseMember',
    'resumeMember',
    'isolate',
  ] as const;
  const deeds = ['drop', 'hold', 'deliver', 'duplicate'] as const;
  const any: fc.Arbitrary<LabAction> = fc.oneof(
    fc.record({ type: fc.constantFrom(...plain), member }),
    fc.tuple(fc.constantFrom('cut' as const, 'heal' as const), pair).map(([type, [from, to]]) => ({
      type,
      from,
      to,
    })),
    fc.record({ type: fc.constant('slowDisk' as const), member, factor: fc.integer({ min: 1, max: 1000 }) }),
    fc.tuple(pair, delayUs, share).map(([[from, to], extraDelayUs, lossPerMille]) => ({
      type: 'link' as const,
      from,
      to,
      extraDelayUs,
      lossPerMille,
    })),
    fc.record({ type: fc.constant('message' as const), message, do: fc.constantFrom(...deeds) }),
    fc.record({
      type: fc.constant('message' as const),
      message,
      do: fc.constant('delay' as const),
      delayUs: fc.integer({ min: 1, max: 10_000_000 }),
    }),
    fc.record({
      type: fc.constant('load' as const),
      kind: fc.constantFrom('kubernetes' as const, 'hotKey' as const, 'bigValues' as const),
      perSecond: fc.integer({ min: 1, max: 1000 }),
    }),
    fc
      .tuple(member, fc.array(fc.constantFrom('keep', 'lose', '0', '0-3', '1+4-6')), fc.option(fc.nat(20)))
      .map(([one, fates, names]): LabAction => ({
        ...{ type: 'powerCut', member: one, fates },
        ...(names !== null && { names }),
      })),
    fc.constantFrom<LabAction>({ type: 'healAll' }, { type: 'load', kind: 'none', perSecond: 0 }),
  );
  fc.assert(
    fc.property(any, (one) => {
      expect(action(labLine(one))).toEqual([one]);
    }),
  );
});

test('a fault on no member, a wrong member or a link to itself is refused', () => {
  expect(sentence('kill')).toBe('kill needs a member | For example: kill m2');
  expect(sentence('kill m4')).toBe('no member "m4" | Members are m1 to m3.');
  expect(sentence('cut m1 m1')).toMatch(/^a member has no link to itself/);
  expect(sentence('cut m1')).toMatch(/^cut needs two members/);
  const noLeader = parseLine('kill leader', { memberCount: 3, leader: null });
  expect(noLeader).toMatchObject({ kind: 'error', message: 'there is no leader now' });
});

test('help is found by command, group, flag and for all', () => {
  expect(parse('help')).toEqual({ kind: 'help', topic: '' });
  expect(parse('etcdctl')).toEqual({ kind: 'help', topic: '' });
  expect(parse('get --help')).toEqual({ kind: 'help', topic: 'get' });
  expect(parse('help member')).toEqual({ kind: 'help', topic: 'member' });
  expect(parse('help endpoint status')).toEqual({ kind: 'help', topic: 'endpoint status' });
  expect(sentence('help git')).toMatch(/Did you mean "get"/);
  expect(parse('   ')).toEqual({ kind: 'empty' });
});

test('every command is in the overview, and every example of the help can be read', () => {
  const overview = helpLines('').join('\n');
  for (const command of commands) {
    expect(overview).toContain(command.summary);
    expect(helpLines(command.name).join('\n')).toContain(command.usage);
    for (const example of command.examples) expect(parse(example).kind, example).not.toBe('error');
  }
});

test('no line makes the parser throw, and every error has a sentence', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'get',
      'put',
      'cut',
      'heal',
      'm1',
      '--prefix',
      '-w',
      '--',
      '--endpoints',
      '=',
      'json',
      '-',
      "'",
    ),
    fc.string({ unit: 'binary', maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const parsed = parse(pieces.join(' '));
      if (parsed.kind === 'error') expect(parsed.message).not.toBe('');
      if (parsed.kind === 'help') expect(helpLines(parsed.topic).length).toBeGreaterThan(0);
    }),
  );
});
