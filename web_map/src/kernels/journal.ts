/**
 * Undo and redo without end in little memory: each edit is a few hundred bytes in one growing array. Cells are kept as
 * differences, grids as runs, all other fields of an edit as JSON. The whole goes into one ArrayBuffer and back.
 */

import { ByteReader, ByteWriter } from "./bytes";
import type { Delta } from "./live";

/** A file that is not a journal of this version. */
export class BadJournal extends Error {}

const MAGIC = 0x314a4757; // "WGJ1"

/** A stack of edits; what is given back is equal to what was put in, never the same object. */
export class EditStack<T extends Delta> {
  private readonly bytes = new ByteWriter();
  private ends: Uint32Array = new Uint32Array(64);
  private count = 0;

  get length(): number {
    return this.count;
  }

  /** Bytes held in memory. */
  get byteLength(): number {
    return this.bytes.capacity + this.ends.byteLength;
  }

  push(edit: T): void {
    const { cells, before, after, ...rest } = edit;
    this.bytes.text(JSON.stringify(rest));
    writeCells(this.bytes, cells);
    writeRuns(this.bytes, before);
    writeRuns(this.bytes, after);
    if (this.count === this.ends.length) {
      const longer = new Uint32Array(2 * this.count);
      longer.set(this.ends);
      this.ends = longer;
    }
    this.ends[this.count++] = this.bytes.length;
  }

  /** Edit number i from the oldest; undefined where there is none. */
  at(i: number): T | undefined {
    if (!(i >= 0 && i < this.count)) return undefined;
    const reader = new ByteReader(this.bytes.view(), i > 0 ? this.ends[i - 1] : 0);
    const rest = JSON.parse(reader.text()) as object;
    const cells = readCells(reader);
    return { ...rest, cells, before: readRuns(reader, cells.length), after: readRuns(reader, cells.length) } as T;
  }

  peek(): T | undefined {
    return this.at(this.count - 1);
  }

  pop(): T | undefined {
    const last = this.peek();
    if (last) this.truncate(this.count - 1);
    return last;
  }

  /** Keep the oldest `length` edits only. */
  truncate(length: number): void {
    this.count = Math.min(this.count, length);
    this.bytes.truncate(this.count > 0 ? this.ends[this.count - 1] : 0);
  }

  /** @internal Number of edits, their ends, their bytes. */
  write(out: ByteWriter): void {
    out.whole(this.count);
    for (let i = 0; i < this.count; i++) out.whole(this.ends[i] - (i > 0 ? this.ends[i - 1] : 0));
    out.append(this.bytes.view());
  }

  /** @internal */
  read(reader: ByteReader): void {
    this.truncate(0);
    const count = reader.whole();
    if (count > reader.left) throw new BadJournal("the journal holds fewer edits than it says");
    this.ends = new Uint32Array(Math.max(64, count));
    for (let i = 0, end = 0; i < count; i++) this.ends[i] = end += reader.whole();
    this.bytes.append(reader.take(count > 0 ? this.ends[count - 1] : 0));
    this.count = count;
  }
}

/** What was done, and what was undone and may be done again. */
export class Journal<T extends Delta> {
  readonly done = new EditStack<T>();
  readonly undone = new EditStack<T>();

  get byteLength(): number {
    return this.done.byteLength + this.undone.byteLength;
  }

  /** Note an edit; what was undone before it can no longer be done again. */
  push(edit: T): void {
    this.done.push(edit);
    this.undone.truncate(0);
  }

  /** Take the last edit from the done to the undone, there as `kept` (null: not at all); returns it. */
  undo(kept?: T | null): T | undefined {
    return shift(this.done, this.undone, kept);
  }

  /** The same the other way. */
  redo(kept?: T | null): T | undefined {
    return shift(this.undone, this.done, kept);
  }

  clear(): void {
    this.done.truncate(0);
    this.undone.truncate(0);
  }

  toBuffer(): ArrayBuffer {
    const out = new ByteWriter();
    out.whole(MAGIC);
    this.done.write(out);
    this.undone.write(out);
    return out.view().slice().buffer as ArrayBuffer;
  }

  /** Read what `toBuffer` gave; anything else is a BadJournal. */
  static fromBuffer<T extends Delta>(buffer: ArrayBuffer): Journal<T> {
    const journal = new Journal<T>();
    try {
      const reader = new ByteReader(new Uint8Array(buffer), 0);
      if (reader.whole() !== MAGIC) throw new BadJournal("this is not a journal");
      journal.done.read(reader);
      journal.undone.read(reader);
      if (reader.left > 0) throw new BadJournal("the journal goes on after its end");
      for (const stack of [journal.done, journal.undone]) for (let i = 0; i < stack.length; i++) stack.at(i);
    } catch (error) {
      throw error instanceof BadJournal ? error : new BadJournal("the journal is damaged");
    }
    return journal;
  }
}

function shift<T extends Delta>(from: EditStack<T>, to: EditStack<T>, kept?: T | null): T | undefined {
  const edit = from.pop();
  if (edit && kept !== null) to.push(kept ?? edit);
  return edit;
}

function writeCells(out: ByteWriter, cells: Uint32Array): void {
  out.whole(cells.length);
  for (let i = 0; i < cells.length; i++) {
    if (i > 0 && cells[i] <= cells[i - 1]) throw new RangeError("the cells of an edit must ascend");
    out.whole(i > 0 ? cells[i] - cells[i - 1] : cells[i]);
  }
}

function readCells(reader: ByteReader): Uint32Array {
  const count = reader.whole();
  if (count > reader.left) throw new BadJournal("an edit is cut short");
  const cells = new Uint32Array(count);
  for (let i = 0, cell = 0; i < count; i++) cells[i] = cell += reader.whole();
  return cells;
}

function writeRuns(out: ByteWriter, grids: Int32Array): void {
  for (let i = 0; i < grids.length; ) {
    let end = i + 1;
    while (end < grids.length && grids[end] === grids[i]) end++;
    out.whole(grids[i] + 1);
    out.whole(end - i);
    i = end;
  }
}

function readRuns(reader: ByteReader, count: number): Int32Array {
  const grids = new Int32Array(count);
  for (let i = 0; i < count; ) {
    const grid = reader.whole() - 1;
    const end = i + reader.whole();
    if (end === i || end > count) throw new BadJournal("an edit is damaged");
    grids.fill(grid, i, end);
    i = end;
  }
  return grids;
}
