/** Numbers, texts and bytes behind one another, written and read in the same order. */
import { assert } from './assert.ts';

const floats = new Float64Array(1);
const floatBytes = new Uint8Array(floats.buffer);

export class ByteSink {
  private room = new Uint8Array(32 * 1024);
  private end = 0;

  get size(): number {
    return this.end;
  }

  /** What was written, until more is. */
  written(): Uint8Array {
    return this.room.subarray(0, this.end);
  }

  byte(value: number): void {
    if (this.end === this.room.length) this.grow(1);
    this.room[this.end++] = value;
  }

  /** A safe whole number from 0: seven bits a byte, the lowest first. */
  uint(value: number): void {
    while (value >= 0x80) {
      this.byte((value % 0x80) | 0x80);
      value = Math.floor(value / 0x80);
    }
    this.byte(value);
  }

  float(value: number): void {
    floats[0] = value;
    this.bytes(floatBytes);
  }

  /** Its length and its UTF-16 units. */
  text(text: string): void {
    this.uint(text.length);
    for (let i = 0; i < text.length; i++) this.uint(text.charCodeAt(i));
  }

  bytes(bytes: Uint8Array): void {
    if (this.end + bytes.length > this.room.length) this.grow(bytes.length);
    this.room.set(bytes, this.end);
    this.end += bytes.length;
  }

  private grow(more: number): void {
    const room = new Uint8Array(Math.max(2 * this.room.length, this.end + more));
    room.set(this.written());
    this.room = room;
  }
}

export class ByteSource {
  private readonly from: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.from = bytes;
  }

  get isAtEnd(): boolean {
    return this.at === this.from.length;
  }

  byte(): number {
    assert(this.at < this.from.length, 'byte source: it is read as it was written');
    return this.from[this.at++];
  }

  uint(): number {
    let value = this.byte();
    if (value < 0x80) return value;
    value -= 0x80;
    for (let unit = 0x80; ; unit *= 0x80) {
      const next = this.byte();
      value += (next & 0x7f) * unit;
      if (next < 0x80) return value;
    }
  }

  float(): number {
    floatBytes.set(this.bytes(8));
    return floats[0];
  }

  text(): string {
    let text = '';
    for (let left = this.uint(); left > 0; left--) text += String.fromCharCode(this.uint());
    return text;
  }

  /** Shows them, where they stand. */
  bytes(count: number): Uint8Array {
    assert(this.at + count <= this.from.length, 'byte source: it is read as it was written');
    this.at += count;
    return this.from.subarray(this.at - count, this.at);
  }
}
