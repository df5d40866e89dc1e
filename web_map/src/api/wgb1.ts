/** Reader of the binary files of the API (`*.bin`, described in docs/http.md). */

export type TypedArray = Int32Array | Uint32Array | Uint16Array | Uint8Array | Float32Array;

export interface Bundle<Meta> {
  meta: Meta;
  arrays: Record<string, TypedArray>;
}

interface ArrayEntry {
  name: string;
  dtype: string;
  length: number;
  offset: number;
}

const makers: Record<string, (buffer: ArrayBuffer, at: number, length: number) => TypedArray> = {
  i4: (buffer, at, length) => new Int32Array(buffer, at, length),
  u4: (buffer, at, length) => new Uint32Array(buffer, at, length),
  u2: (buffer, at, length) => new Uint16Array(buffer, at, length),
  u1: (buffer, at, length) => new Uint8Array(buffer, at, length),
  f4: (buffer, at, length) => new Float32Array(buffer, at, length),
};

/** A file that is not what the API promises. */
export class BadBundle extends Error {}

/** Read a bundle; the arrays are views on `buffer`, nothing is copied. */
export function decodeBundle<Meta>(buffer: ArrayBuffer): Bundle<Meta> {
  if (buffer.byteLength < 8) throw new BadBundle("the file is shorter than its first 8 bytes");
  const view = new DataView(buffer);
  const magic = String.fromCharCode(...new Uint8Array(buffer, 0, 4));
  if (magic !== "WGB1") throw new BadBundle(`the file begins with ${JSON.stringify(magic)}, not "WGB1"`);
  const start = 8 + view.getUint32(4, true);
  if (start > buffer.byteLength || start % 8 !== 0) throw new BadBundle("the header does not fit the file");
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, start - 8))) as {
    meta: Meta;
    arrays: ArrayEntry[];
  };
  const arrays: Record<string, TypedArray> = {};
  for (const { name, dtype, length, offset } of header.arrays) {
    const make = makers[dtype];
    if (!make) throw new BadBundle(`array ${name} has the unknown type ${dtype}`);
    try {
      arrays[name] = make(buffer, start + offset, length);
    } catch {
      throw new BadBundle(`array ${name} reaches past the end of the file`);
    }
  }
  return { meta: header.meta, arrays };
}

/** Take one array of a known type out of a bundle, or say that it is missing. */
export function takeArray<T extends TypedArray>(
  bundle: Bundle<unknown>,
  name: string,
  type: abstract new (...args: never[]) => T,
): T {
  const found = bundle.arrays[name];
  if (!(found instanceof type)) throw new BadBundle(`array ${name} is missing or of another type`);
  return found;
}
