/** The house rules as tests: floors, bans, sizes, dead files. Exceptions are listed here and only shrink. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

interface Source {
  readonly path: string;
  readonly text: string;
  /** The parsed script: the whole file, or a component's script blocks. */
  readonly tree: ts.SourceFile;
}

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(path));
const generated = (path: string): boolean =>
  path.startsWith('src/engine/pb/gen/') || path.startsWith('src/paraglide/');
const isScript = (path: string): boolean => /\.(ts|svelte)$/.test(path) && !generated(path);

function read(path: string): Source {
  const text = readFileSync(path, 'utf8');
  const blocks = [...text.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map((match) => match[1]);
  const script = path.endsWith('.svelte') ? blocks.join('\n') : text;
  return { path, text, tree: ts.createSourceFile(path, script, ts.ScriptTarget.ES2023, true) };
}

const sources = tracked.filter((path) => path.startsWith('src/') && isScript(path)).map(read);
const tests = tracked.filter((path) => path.startsWith('tests/') && isScript(path)).map(read);

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  node.forEachChild((child) => walk(child, visit));
}

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

/** Where a relative import leads, without a query such as ?worker; other imports keep their package's name. */
function resolveImport(source: Source, specifier: string): string {
  const bare = specifier.replace(/\?.*$/, '');
  return bare.startsWith('.') ? normalize(join(dirname(source.path), bare)) : bare;
}

function importsOf(source: Source): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Expression | undefined, typeOnly: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    found.push({ from: source.path, to: resolveImport(source, specifier.text), typeOnly });
  };
  walk(source.tree, (node) => {
    if (ts.isImportDeclaration(node))
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false);
  });
  return found;
}

const allImports = sources.flatMap(importsOf);

/** A file's floor; engine packages are floors of their own. */
function floor(path: string): string {
  const [, first, second] = path.split('/');
  return first === 'engine' && second !== undefined && !second.endsWith('.ts') ? `engine/${second}` : first;
}

/** Which floors a floor's values may come from. */
const valuesFrom: Readonly<Record<string, readonly string[]>> = {
  base: [],
  'engine/pb': ['base'],
  'engine/bolt': ['base', 'engine'],
  'engine/wal': ['base', 'engine'],
  'engine/raft': ['base', 'engine'],
  'engine/backend': ['base', 'engine', 'engine/bolt'],
  'engine/lease': ['base', 'engine', 'engine/pb', 'engine/backend'],
  'engine/mvcc': ['base', 'engine', 'engine/pb', 'engine/backend', 'engine/lease'],
  'engine/auth': ['base', 'engine', 'engine/pb', 'engine/backend'],
  'engine/server': [
    'base',
    'engine',
    'engine/pb',
    'engine/bolt',
    'engine/wal',
    'engine/raft',
    'engine/backend',
    'engine/lease',
    'engine/mvcc',
    'engine/auth',
  ],
  engine: [],
  sim: ['base', 'engine'],
  host: ['base', 'engine', 'sim'],
  model: ['base', 'paraglide'],
  views: ['base', 'model', 'paraglide'],
  app: ['base', 'host', 'model', 'views', 'paraglide'],
};
const order = Object.keys(valuesFrom);
const allows = (allowed: readonly string[], target: string): boolean =>
  allowed.includes(target) ||
  (allowed.includes('engine') &&
    target.startsWith('engine/') &&
    !allowed.some((a) => a.startsWith('engine/')));

test('value imports point down the floors, and only where a floor may look', () => {
  const wrong = allImports.filter(({ from, to, typeOnly }) => {
    if (typeOnly || !to.startsWith('src/') || floor(from) === floor(to)) return false;
    const allowed = valuesFrom[floor(from)];
    const isEnginePackage = floor(from).startsWith('engine/');
    return isEnginePackage ? !allowed.includes(floor(to)) : !allows(allowed, floor(to));
  });
  expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
});

test('type imports never point up the floors', () => {
  // The union of events and a member's inputs are one vocabulary for the whole engine: types.ts and events.ts may name it;
  // so may the names of planted defects.
  const vocabulary = /^src\/(engine\/)?(\w+\/)?(events|types|port|commands|defects)\.ts$/;
  const wrong = allImports.filter(({ from, to, typeOnly }) => {
    if (!typeOnly || !to.startsWith('src/') || floor(from) === floor(to)) return false;
    if (vocabulary.test(to) && to.startsWith('src/engine/') && from.startsWith('src/engine/')) return false;
    return order.indexOf(floor(to)) > order.indexOf(floor(from));
  });
  expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
});

/** Which packages each floor may import. */
const packagesOf: readonly (readonly [RegExp, RegExp])[] = [
  [/^src\/base\/packed-bytes\.ts$/, /^fflate$/],
  [/^src\/engine\/(pb|server)\//, /^@(bufbuild\/protobuf|noble\/hashes)(\/|$)/],
  [/^src\/engine\/(lease|mvcc)\//, /^@bufbuild\/protobuf(\/|$)/],
  [/^src\/engine\/auth\//, /^(@bufbuild\/protobuf(\/|$)|bcryptjs$)/],
  [/^src\/sim\//, /^@bufbuild\/protobuf(\/|$)/],
  [/^src\/host\//, /^(comlink|idb|valibot)$/],
  [/^src\/model\/layout\//, /^d3-\w+$/],
  [/^src\/model\/.*\.svelte\.ts$/, /^svelte(\/|$)/],
  [/^src\/views\//, /^svelte(\/|$)/],
  [/^src\/app\//, /^svelte(\/|$)/],
];

test('each floor imports only the packages it is meant to', () => {
  const wrong = allImports.filter(
    ({ from, to }) =>
      !to.startsWith('src/') &&
      !packagesOf.some(([files, packages]) => files.test(from) && packages.test(to)),
  );
  expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
});

const bannedNames = new Set([
  'Date',
  'Promise',
  'Intl',
  'console',
  'globalThis',
  'WeakRef',
  'performance',
  'crypto',
  'setTimeout',
  'setInterval',
  'queueMicrotask',
  'requestAnimationFrame',
  'localeCompare',
  'toLocaleString',
  'fetch',
  'structuredClone',
]);
const exactMath = new Set(['imul', 'floor', 'ceil', 'min', 'max', 'trunc', 'abs', 'clz32', 'sign']);

function impurities(source: Source): string[] {
  const found: string[] = [];
  const report = (node: ts.Node, what: string): void => {
    const { line } = source.tree.getLineAndCharacterOfPosition(node.getStart());
    found.push(`${source.path}:${line + 1} ${what}`);
  };
  walk(source.tree, (node) => {
    if (ts.isIdentifier(node) && bannedNames.has(node.text)) report(node, node.text);
    if (node.kind === ts.SyntaxKind.AsyncKeyword || ts.isAwaitExpression(node)) report(node, 'async');
    if (ts.isForInStatement(node)) report(node, 'for in');
    if (
      ts.isPropertyAccessExpression(node) &&
      node.expression.getText() === 'Math' &&
      !exactMath.has(node.name.text)
    ) {
      report(node, `Math.${node.name.text}`);
    }
  });
  return found;
}

test('the engine and the world read no clock, no randomness, no promise and no inexact mathematics', () => {
  const pure = sources.filter(({ path }) => /^src\/(base|engine|sim)\//.test(path));
  expect(pure.flatMap(impurities)).toEqual([]);
});

test('a planted clock is seen', () => {
  const tree = ts.createSourceFile(
    'x.ts',
    'export const now = Date.now() + Math.random();',
    ts.ScriptTarget.ES2023,
    true,
  );
  expect(impurities({ path: 'x.ts', text: '', tree })).toEqual(['x.ts:1 Date', 'x.ts:1 Math.random']);
});

/** What `fork` cannot copy, where it can be seen: names that nobody outside can read, functions kept as they are. */
function uncopied(source: Source): string[] {
  const found: string[] = [];
  const isFunction = (node: ts.Node | undefined): boolean =>
    node !== undefined &&
    (ts.isArrowFunction(node) ||
      ts.isFunctionExpression(node) ||
      (ts.isCallExpression(node) && /\.bind$/.test(node.expression.getText())));
  walk(source.tree, (node) => {
    const { line } = source.tree.getLineAndCharacterOfPosition(node.getStart());
    const at = `${source.path}:${line + 1}`;
    if (ts.isPrivateIdentifier(node)) found.push(`${at} ${node.text}`);
    if (ts.isPropertyDeclaration(node) && isFunction(node.initializer))
      found.push(`${at} a field keeps a function`);
    if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.EqualsToken) return;
    if (/^this\./.test(node.left.getText()) && isFunction(node.right))
      found.push(`${at} a field keeps a function`);
  });
  return found;
}

test('what the world is made of can be copied: no # names, no function kept but by kept', () => {
  const copied = sources.filter(({ path }) => /^src\/(base|engine|sim)\//.test(path));
  expect(copied.flatMap(uncopied)).toEqual([]);
  const planted = 'class A { #a = 1; b = () => 1; c() { this.c = this.c.bind(this); } }';
  const tree = ts.createSourceFile('x.ts', planted, ts.ScriptTarget.ES2023, true);
  const keeps = 'x.ts:1 a field keeps a function';
  expect(uncopied({ path: 'x.ts', text: '', tree })).toEqual(['x.ts:1 #a', keeps, keeps]);
});

test('no markup is made from data, and no mark of unfinished work stands in the code', () => {
  const banned = /\{@html|innerHTML|outerHTML|insertAdjacentHTML|\.html\(|\b(TODO|FIXME|XXX|HACK)\b/;
  const rows = sources
    .filter(({ text }) => banned.test(text))
    .map(({ path, text }) => `${path}: ${banned.exec(text)?.[0]}`);
  expect(rows).toEqual([]);
});

test('no default export, no enum, no namespace, no drawer of leftovers', () => {
  const found: string[] = [];
  for (const source of sources) {
    if (/\/(utils|helpers|common)(\/|\.)/.test(source.path)) found.push(`${source.path}: say what it holds`);
    walk(source.tree, (node) => {
      if (ts.isExportAssignment(node) || ts.isEnumDeclaration(node) || ts.isModuleDeclaration(node)) {
        if (!node.getText().startsWith('declare'))
          found.push(`${source.path}: ${node.getText().slice(0, 40)}`);
      }
    });
  }
  expect(found).toEqual([]);
});

const longestFunction = 70;
const longestFile = 500;
const longestLine = 110;

function longFunctions(source: Source): string[] {
  const found: string[] = [];
  walk(source.tree, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return;
    const start = source.tree.getLineAndCharacterOfPosition(node.getStart()).line;
    const lines = source.tree.getLineAndCharacterOfPosition(node.getEnd()).line - start + 1;
    if (lines > longestFunction) found.push(`${source.path}:${start + 1} has ${lines} lines`);
  });
  return found;
}

test('no function passes 70 lines, no file 500, no line 110 characters', () => {
  const found: string[] = [];
  for (const source of [...sources, ...tests]) {
    const lines = source.text.split('\n');
    if (source.path.startsWith('src/')) found.push(...longFunctions(source));
    if (lines.length > longestFile + 1) found.push(`${source.path} has ${lines.length} lines`);
    const limit = source.path.startsWith('tests/') ? 130 : longestLine;
    lines.forEach((line, i) => {
      if (line.length > limit) found.push(`${source.path}:${i + 1} has ${line.length} characters`);
    });
  }
  expect(found).toEqual([]);
});

test('every source file is reached from a page, a worker, a command or a test', () => {
  const entries = [/^src\/app\/(main|embed)\.ts$/, /\.worker\.ts$/, /^src\/engine\/defects\.ts$/];
  const fromTests = tests.flatMap(importsOf);
  const reached = new Set([...allImports, ...fromTests].map(({ to }) => to));
  const dead = sources
    .map(({ path }) => path)
    .filter((path) => !reached.has(path) && !entries.some((entry) => entry.test(path)));
  expect(dead).toEqual([]);
});

test('each source file says in its first lines what it is', () => {
  const silent = sources
    .filter(({ path, text }) => path.endsWith('.ts') && !/^(\/\*\*|\/\/)/.test(text))
    .map(({ path }) => path);
  expect(silent).toEqual([]);
});

test('no path of one machine and no registry address stands in a tracked file', () => {
  const leak = /(^|[\s'"`(])\/(home|root|Users|work)\/\w|registry\.\w+\.org|deb\.\w+\.org/m;
  const texts = tracked.filter(
    (path) => /\.(ts|mjs|js|svelte|md|json|html|css|yaml|proto)$/.test(path) && path !== 'tests/tidy.test.ts',
  );
  expect(texts.filter((path) => leak.test(readFileSync(path, 'utf8')))).toEqual([]);
});
