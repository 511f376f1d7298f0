/** `npm run bench -- <area> [--json] [OPTIONS]`: runs one benchmark; each prints one JSON object a line. */
const benches = import.meta.glob<{ readonly bench: (options: readonly string[]) => void | Promise<void> }>(
  './*.bench.ts',
  { eager: true },
);

/** @returns the exit code */
export async function main([area = '', ...options]: readonly string[]): Promise<number> {
  const found = benches[`./${area}.bench.ts`];
  if (found === undefined) {
    const names = Object.keys(benches).map((path) => path.slice(2, -'.bench.ts'.length));
    console.error(`usage: npm run bench -- <${names.join('|')}> [--json]`);
    return 2;
  }
  await found.bench(options);
  return 0;
}
