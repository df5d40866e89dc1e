/** What the API would send, written for the tests. */

type Typed = Int32Array | Uint32Array | Uint8Array | Float32Array;
const CODES = new Map<unknown, string>([
  [Int32Array, "i4"],
  [Uint32Array, "u4"],
  [Uint8Array, "u1"],
  [Float32Array, "f4"],
]);

/** Write a bundle as docs/http.md describes it. */
export function encodeBundle(meta: unknown, arrays: Record<string, Typed>): ArrayBuffer {
  let offset = 0;
  const entries = Object.entries(arrays).map(([name, array]) => {
    const entry = { name, dtype: CODES.get(array.constructor), length: array.length, offset };
    offset += Math.ceil(array.byteLength / 8) * 8;
    return entry;
  });
  let text = JSON.stringify({ meta, arrays: entries });
  const bytes = new TextEncoder().encode(text).length;
  text += " ".repeat((8 - (bytes % 8)) % 8);
  const header = new TextEncoder().encode(text);
  const out = new Uint8Array(8 + header.length + offset);
  out.set(new TextEncoder().encode("WGB1"), 0);
  new DataView(out.buffer).setUint32(4, header.length, true);
  out.set(header, 8);
  entries.forEach(({ name, offset: at }) => {
    const array = arrays[name];
    out.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), 8 + header.length + at);
  });
  return out.buffer;
}

/** Rings of absolute vertices to delta-coded flat arrays. */
export function deltaCode(rings: number[][][]): { coords: Int32Array; ringStart: Uint32Array } {
  const flat: number[] = [];
  const start = [0];
  for (const ring of rings) {
    ring.forEach(([x, y], i) => flat.push(i ? x - ring[i - 1][0] : x, i ? y - ring[i - 1][1] : y));
    start.push(start[start.length - 1] + ring.length);
  }
  return { coords: Int32Array.from(flat), ringStart: Uint32Array.from(start) };
}

export function square(x: number, y: number, side: number): number[][] {
  return [
    [x, y],
    [x + side, y],
    [x + side, y + side],
    [x, y + side],
  ];
}
