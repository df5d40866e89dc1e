/** Joins the pieces of a street that share a name and an end, so that its name finds room. */

import type { Lines } from "./geometry";

export interface NamedLines extends Lines {
  name: Int32Array;
  rank: Uint8Array;
}

/** Lines of one name joined end to end where exactly two of its ends meet; lines without a name are left out. */
export function joinByName(lines: Lines, name: Int32Array, rank: Uint8Array): NamedLines {
  const ends = new Map<string, number[]>();
  const count = lines.lineStart.length - 1;
  const endKey = (line: number, last: boolean): string => {
    const v = last ? lines.lineStart[line + 1] - 1 : lines.lineStart[line];
    return `${name[line]} ${lines.coords[2 * v]} ${lines.coords[2 * v + 1]}`;
  };
  for (let line = 0; line < count; line++) {
    if (name[line] < 0 || lines.lineStart[line + 1] - lines.lineStart[line] < 2) continue;
    for (const last of [false, true]) {
      const key = endKey(line, last);
      const met = ends.get(key);
      if (met) met.push(2 * line + Number(last));
      else ends.set(key, [2 * line + Number(last)]);
    }
  }
  const used = new Uint8Array(count);
  // The end that continues beyond `end` (line * 2 + which end), or -1.
  const beyond = (end: number): number => {
    const met = ends.get(endKey(end >> 1, (end & 1) === 1)) ?? [];
    if (met.length !== 2) return -1;
    const other = met[0] === end ? met[1] : met[0];
    return used[other >> 1] ? -1 : other;
  };
  const out: { coords: number[]; name: number; rank: number }[] = [];
  for (let line = 0; line < count; line++) {
    if (name[line] < 0 || used[line] || !ends.has(endKey(line, false))) continue;
    used[line] = 1;
    let coords = pointsOf(lines, line, false);
    for (let end = beyond(2 * line + 1); end >= 0; ) {
      used[end >> 1] = 1;
      coords = coords.concat(pointsOf(lines, end >> 1, (end & 1) === 1).slice(2));
      end = beyond(end ^ 1);
    }
    for (let end = beyond(2 * line); end >= 0; ) {
      used[end >> 1] = 1;
      coords = pointsOf(lines, end >> 1, (end & 1) === 0).slice(0, -2).concat(coords);
      end = beyond(end ^ 1);
    }
    out.push({ coords, name: name[line], rank: rank[line] });
  }
  return packed(out);
}

function pointsOf(lines: Lines, line: number, reversed: boolean): number[] {
  const points = Array.from(lines.coords.subarray(2 * lines.lineStart[line], 2 * lines.lineStart[line + 1]));
  if (!reversed) return points;
  const turned: number[] = [];
  for (let at = points.length - 2; at >= 0; at -= 2) turned.push(points[at], points[at + 1]);
  return turned;
}

function packed(chains: { coords: number[]; name: number; rank: number }[]): NamedLines {
  const lineStart = new Uint32Array(chains.length + 1);
  chains.forEach((chain, i) => (lineStart[i + 1] = lineStart[i] + chain.coords.length / 2));
  const coords = new Int32Array(2 * lineStart[chains.length]);
  chains.forEach((chain, i) => coords.set(chain.coords, 2 * lineStart[i]));
  return {
    coords,
    lineStart,
    name: Int32Array.from(chains, (chain) => chain.name),
    rank: Uint8Array.from(chains, (chain) => chain.rank),
  };
}
