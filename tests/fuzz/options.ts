/** Options of the commands: `--name 123`. */

/** @throws Error where the option has no number of its own */
export function numberOption(args: readonly string[], name: string, otherwise: number): number {
  const at = args.indexOf(`--${name}`);
  if (at < 0) return otherwise;
  const value = Number(args[at + 1]);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} needs a number from 0 on`);
  return value;
}
