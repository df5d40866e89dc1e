/** Whole numbers and texts in bytes: seven bits a byte, the lowest first, the eighth bit says that more follow. */

const LEAST = 1024;

export class ByteWriter {
  private bytes: Uint8Array = new Uint8Array(LEAST);
  length = 0;

  get capacity(): number {
    return this.bytes.length;
  }

  /** A whole number from 0 to 2^32 - 1. */
  whole(value: number): void {
    this.reserve(5);
    while (value > 127) {
      this.bytes[this.length++] = (value & 127) | 128;
      value = Math.floor(value / 128);
    }
    this.bytes[this.length++] = value;
  }

  text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.whole(bytes.length);
    this.append(bytes);
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  truncate(length: number): void {
    this.length = length;
  }

  /** What was written, as a view that holds until more is. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  // A quarter more each time, so that little stands empty.
  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const longer = new Uint8Array(Math.ceil((this.length + more) * 1.25));
    longer.set(this.view());
    this.bytes = longer;
  }
}

export class ByteReader {
  constructor(
    private readonly bytes: Uint8Array,
    private at: number,
  ) {}

  get left(): number {
    return this.bytes.length - this.at;
  }

  whole(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (this.at >= this.bytes.length || scale > 2 ** 28) throw new RangeError("no number stands here");
      const byte = this.bytes[this.at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  text(): string {
    return new TextDecoder("utf-8", { fatal: true }).decode(this.take(this.whole()));
  }

  take(length: number): Uint8Array {
    if (length > this.left) throw new RangeError("fewer bytes are left than asked for");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}
