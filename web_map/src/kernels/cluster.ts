/** Points that stand close together, drawn as one. */

export interface Cluster {
  x: number;
  y: number;
  /** Positions of the points, in their order. */
  members: number[];
}

/**
 * Join each point to the first cluster that began within `reach`, in the order of the points; the same points give the
 * same clusters. A cluster stands in the middle of its members. Proportional to the number of points.
 */
export function clusterPoints(xs: ArrayLike<number>, ys: ArrayLike<number>, reach: number): Cluster[] {
  const clusters: (Cluster & { x0: number; y0: number })[] = [];
  const bins = new Map<string, number[]>();
  const limit = reach * reach;
  for (let i = 0; i < xs.length; i++) {
    const [x, y] = [xs[i], ys[i]];
    const [column, row] = [Math.floor(x / reach), Math.floor(y / reach)];
    let best = -1;
    for (let dx = -1; dx <= 1; dx++)
      for (let dy = -1; dy <= 1; dy++)
        for (const at of bins.get(`${column + dx} ${row + dy}`) ?? []) {
          const { x0, y0 } = clusters[at];
          if ((x - x0) ** 2 + (y - y0) ** 2 < limit && (best < 0 || at < best)) best = at;
        }
    if (best >= 0) {
      clusters[best].members.push(i);
      continue;
    }
    const key = `${column} ${row}`;
    bins.set(key, [...(bins.get(key) ?? []), clusters.length]);
    clusters.push({ x, y, x0: x, y0: y, members: [i] });
  }
  return clusters.map(({ members }) => ({
    x: members.reduce((sum, i) => sum + xs[i], 0) / members.length,
    y: members.reduce((sum, i) => sum + ys[i], 0) / members.length,
    members,
  }));
}
