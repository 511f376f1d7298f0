/**
 * Events as packed Int32 records, so that a batch crosses a worker's border by transfer. A record is
 * `[type, moment x2, ordinal, time x2, member, fields...]`; x2 is a double in two words, text a place in the
 * source's string table, whose new strings travel once with the chunk that first uses them.
 */
import { assert, fail } from '../base/assert.ts';
import type { Envelope } from '../engine/events.ts';
import type { LabEvent } from '../sim/types.ts';
import type { FieldKind } from './trace-table.ts';
import { eventTable } from './trace-table.ts';

export interface TracedEvent {
  readonly at: Envelope;
  readonly event: LabEvent;
}

/** What one source (0: the world, else a member) told since its last chunk. */
export interface TraceChunk {
  readonly source: number;
  /** True: the source's string table starts anew with `strings`. */
  readonly reset: boolean;
  readonly strings: readonly string[];
  readonly words: Int32Array;
}

interface Row {
  readonly code: number;
  readonly type: string;
  readonly fields: readonly (readonly [name: string, kind: FieldKind])[];
}

const rows: readonly Row[] = Object.entries(eventTable).map(([type, fields], code) => ({
  code,
  type,
  fields: Object.entries(fields) as [string, FieldKind][],
}));
const rowOfType: ReadonlyMap<string, Row> = new Map(rows.map((row) => [row.type, row]));

/** Keys and labels never end: past so many strings a table starts anew. */
const tableLimit = 8192;

const doubles = new Float64Array(1);
const halves = new Int32Array(doubles.buffer);

/** Packs one source's events. */
export class TraceEncoder {
  readonly #source: number;
  #words = new Int32Array(4096);
  #length = 0;
  #reset = true;
  #strings: string[] = [];
  readonly #places = new Map<string, number>();

  constructor(source: number) {
    this.#source = source;
  }

  /** @throws InvariantError where a field is not what the table says of it. */
  add(at: Envelope, event: LabEvent): void {
    const row = rowOfType.get(event.type) ?? fail(`trace: no row for ${event.type}`);
    this.#word(row.code);
    this.#double(at.moment);
    this.#word(at.ordinal);
    this.#double(at.timeUs);
    this.#word(at.member);
    const fields = event as unknown as Readonly<Record<string, unknown>>;
    for (const [name, kind] of row.fields) this.#field(kind, fields[name], event.type, name);
  }

  /** What was added since the last call, in buffers of its own; null where nothing was. */
  take(): TraceChunk | null {
    if (this.#length === 0) return null;
    const chunk = {
      source: this.#source,
      reset: this.#reset,
      strings: this.#strings,
      words: this.#words.slice(0, this.#length),
    };
    this.#length = 0;
    this.#strings = [];
    this.#reset = this.#places.size > tableLimit;
    if (this.#reset) this.#places.clear();
    return chunk;
  }

  #field(kind: FieldKind, value: unknown, type: string, name: string): void {
    switch (kind) {
      case 'u32':
        if ((value as number) >>> 0 !== value) fail(`trace: ${type}.${name} is not a u32: ${String(value)}`);
        return this.#word(value as number);
      case 'i32':
        if (((value as number) | 0) !== value) fail(`trace: ${type}.${name} is not an i32: ${String(value)}`);
        return this.#word(value as number);
      case 'f64':
        if (typeof value !== 'number') fail(`trace: ${type}.${name} is not a number`);
        return this.#double(value as number);
      case 'bool':
        return this.#word(value === true ? 1 : 0);
      case 'text':
        return this.#text(value as string);
      case 'numbers':
        this.#word((value as readonly number[]).length);
        for (const item of value as readonly number[]) this.#double(item);
        return;
      case 'texts':
        this.#word((value as readonly string[]).length);
        for (const item of value as readonly string[]) this.#text(item);
        return;
      default:
        kind satisfies never;
    }
  }

  #word(value: number): void {
    if (this.#length === this.#words.length) {
      const grown = new Int32Array(this.#words.length * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    this.#words[this.#length++] = value;
  }

  #double(value: number): void {
    doubles[0] = value;
    const [low, high] = halves;
    this.#word(low);
    this.#word(high);
  }

  #text(value: string): void {
    let place = this.#places.get(value);
    if (place === undefined) {
      place = this.#places.size;
      this.#places.set(value, place);
      this.#strings.push(value);
    }
    this.#word(place);
  }
}

/** Unpacks chunks of any number of sources. */
export class TraceDecoder {
  readonly #tables = new Map<number, string[]>();

  /** The chunk's events in the order they were added. Chunks of a source must come in order. */
  decode(chunk: TraceChunk): TracedEvent[] {
    let table = this.#tables.get(chunk.source);
    if (table === undefined || chunk.reset) {
      table = [];
      this.#tables.set(chunk.source, table);
    }
    for (const text of chunk.strings) table.push(text);
    const reader = new Reader(chunk.words, table);
    const events: TracedEvent[] = [];
    while (!reader.done) events.push(reader.event());
    return events;
  }
}

class Reader {
  readonly #words: Int32Array;
  readonly #table: readonly string[];
  #at = 0;

  constructor(words: Int32Array, table: readonly string[]) {
    this.#words = words;
    this.#table = table;
  }

  get done(): boolean {
    return this.#at === this.#words.length;
  }

  event(): TracedEvent {
    const row = rows[this.#word()];
    assert(row !== undefined, 'trace: a record of an unknown type');
    const at = {
      moment: this.#double(),
      ordinal: this.#word(),
      timeUs: this.#double(),
      member: this.#word(),
    };
    const event: Record<string, unknown> = { type: row.type };
    for (const [name, kind] of row.fields) event[name] = this.#field(kind);
    return { at, event: event as unknown as LabEvent };
  }

  #field(kind: FieldKind): unknown {
    switch (kind) {
      case 'u32':
        return this.#word() >>> 0;
      case 'i32':
        return this.#word();
      case 'f64':
        return this.#double();
      case 'bool':
        return this.#word() === 1;
      case 'text':
        return this.#text();
      case 'numbers':
        return Array.from({ length: this.#word() }, () => this.#double());
      case 'texts':
        return Array.from({ length: this.#word() }, () => this.#text());
      default:
        return kind satisfies never;
    }
  }

  #word(): number {
    assert(this.#at < this.#words.length, 'trace: a record ends too early');
    return this.#words[this.#at++];
  }

  #double(): number {
    halves[0] = this.#word();
    halves[1] = this.#word();
    return doubles[0];
  }

  #text(): string {
    const text = this.#table[this.#word()];
    assert(text !== undefined, 'trace: a string that was never sent');
    return text;
  }
}
