/** Which cells touch which, and what stands on them: the ground that every edit of a plan works on. */

/** Symmetric CSR: the links of cell i are `indptr[i]` to `indptr[i + 1]`, each link stands in both rows. */
export interface Graph {
  n: number;
  indptr: Uint32Array;
  indices: Uint32Array;
  /** Shared border of each link. Metres, square metres and people are multiples of 1/1024 (`exactly`). */
  lengthM: Float32Array;
  /** Class rank of the street on each link, 0 none. */
  street: Uint8Array;
  areaM2: Float32Array;
  /** Border of each cell that touches no other cell. */
  outerM: Float32Array;
  population: Float32Array;
  households: Int32Array;
  /** Boundary polygon of each cell; no grid reaches over two. */
  areaIx: Int32Array;
  enclosureIx: Int32Array;
  /** -1 where the cell lies in no compound. */
  compoundIx: Int32Array;
  /** A point inside each cell, x and y, in units of 2^-30 of the web mercator square. */
  anchor: Int32Array;
}

export interface GraphMeta {
  dataset: string;
  n_cells: number;
  areas: { code: string; name: string | null }[];
  compounds: string[];
}

/** graph.bin as it was decoded. */
export interface GraphBundle {
  meta: GraphMeta;
  arrays: Record<string, unknown>;
}

/** A graph.bin that is not what docs/http.md promises. */
export class BadGraph extends Error {}

/** Take the graph out of graph.bin; arrays that do not fit together are refused with a BadGraph. */
export function readGraph(bundle: GraphBundle): Graph {
  const n = bundle.meta.n_cells;
  const take = <T extends { length: number }>(name: string, type: new (length: number) => T, length: number): T => {
    const array = bundle.arrays[name];
    if (!(array instanceof type)) throw new BadGraph(`array ${name} is missing or of another type`);
    if (array.length !== length) throw new BadGraph(`array ${name} has ${array.length} values, not ${length}`);
    return array;
  };
  const indptr = take("indptr", Uint32Array, n + 1);
  const links = indptr[n];
  const indices = take("indices", Uint32Array, links);
  checkLinks(indptr, indices);
  const metres = (name: string, length: number): Float32Array => exactly(take(name, Float32Array, length));
  const whole = (name: string, length = n): Int32Array => take(name, Int32Array, length);
  return {
    n,
    indptr,
    indices,
    lengthM: metres("length_m", links),
    street: take("street", Uint8Array, links),
    areaM2: metres("area_m2", n),
    outerM: metres("outer_m", n),
    population: metres("population", n),
    households: whole("households"),
    areaIx: whole("area_ix"),
    enclosureIx: whole("enclosure_ix"),
    compoundIx: whole("compound_ix"),
    anchor: whole("anchor", 2 * n),
  };
}

/** Round to multiples of 1/1024, so that sums in float64 are exact and do not depend on the order of edits. */
export function exactly(values: Float32Array): Float32Array {
  return values.map((value) => Math.round(value * 1024) / 1024);
}

function checkLinks(indptr: Uint32Array, indices: Uint32Array): void {
  const n = indptr.length - 1;
  if (indptr[0] !== 0) throw new BadGraph("array indptr does not begin with 0");
  for (let i = 0; i < n; i++) if (indptr[i] > indptr[i + 1]) throw new BadGraph("array indptr does not ascend");
  for (let at = 0; at < indices.length; at++)
    if (indices[at] >= n) throw new BadGraph(`array indices names cell ${indices[at]} of ${n}`);
}
