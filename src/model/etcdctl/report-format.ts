/** What `snapshot status` and `check perf` print. */
import type { PerfAnswer } from '../../sim/etcd-actions.ts';
import type { SnapshotStatus } from '../../engine/server/snapshot-status.ts';
import { humanizeBytes } from './humanize.ts';
import { tableLines } from './table.ts';
import type { OutputFormat } from './grammar.ts';

/** @source etcd v3.4.23 etcdctl printer.go makeDBStatusTable, printer_fields.go, printer_json.go */
export function statusLines(status: SnapshotStatus, format: OutputFormat): string[] {
  const { hash, revision, totalKey, totalSize } = status;
  if (format === 'json') {
    return [JSON.stringify({ hash, revision, totalKey, totalSize })];
  }
  if (format === 'fields') {
    const rows = [
      ['Hash', hash],
      ['Revision', revision],
      ['Keys', totalKey],
      ['Size', totalSize],
    ];
    return rows.map(([name, value]) => `"${name}" : ${value}`);
  }
  const row = [hash.toString(16), String(revision), String(totalKey), humanizeBytes(totalSize)];
  if (format === 'simple') return [row.join(', ')];
  return tableLines(['hash', 'revision', 'total keys', 'total size'], [row]);
}

/** In seconds. */
interface Times {
  readonly slowest: number;
  readonly deviation: number;
}

function timesOf(latenciesUs: readonly number[]): Times {
  const mean = latenciesUs.reduce((sum, one) => sum + one, 0) / latenciesUs.length;
  const squares = latenciesUs.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  return {
    slowest: latenciesUs.reduce((most, one) => Math.max(most, one), 0) / 1_000_000,
    deviation: latenciesUs.length === 0 ? 0 : Math.sqrt(squares / latenciesUs.length) / 1_000_000,
  };
}

/** @source etcd v3.4.23 etcdctl check.go newCheckPerfCommand, util.go compact, defrag */
export function perfLines(answer: PerfAnswer): string[] {
  const { limit, latenciesUs, totalUs, errors, compacted, defragmented } = answer;
  const perSecond = totalUs === 0 ? 0 : (latenciesUs.length * 1_000_000) / totalUs;
  const { slowest, deviation } = timesOf(latenciesUs);
  const [isFast, isPrompt, isEven] = [perSecond / limit > 0.9, slowest <= 0.5, deviation <= 0.1];
  const rate = Math.floor(perSecond) + 1;
  const isGood = errors.length === 0 && isFast && isPrompt && isEven;
  return [
    ...(compacted === null
      ? []
      : [`Compacting with revision ${compacted}`, `Compacted with revision ${compacted}`]),
    ...defragmented.flatMap((one) => [
      `Defragmenting ${JSON.stringify(one)}`,
      `Defragmented ${JSON.stringify(one)}`,
    ]),
    ...(errors.length === 0 ? [] : ['FAIL: too many errors']),
    ...errors.map(({ message, count }) => `FAIL: ERROR(${message}) -> ${count}`),
    isFast ? `PASS: Throughput is ${rate} writes/s` : `FAIL: Throughput too low: ${rate} writes/s`,
    isPrompt
      ? `PASS: Slowest request took ${slowest.toFixed(6)}s`
      : `Slowest request took too long: ${slowest.toFixed(6)}s`,
    isEven ? `PASS: Stddev is ${deviation.toFixed(6)}s` : `Stddev too high: ${deviation.toFixed(6)}s`,
    isGood ? 'PASS' : 'FAIL',
  ];
}
