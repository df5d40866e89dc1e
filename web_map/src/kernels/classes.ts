/** Classes for the sequential colour mode: natural breaks (Fisher 1958, exact by dynamic programming). */

/**
 * Upper limits of at most `wanted` classes with the least sum of squared deviations within the classes.
 * Fewer classes come back where there are fewer distinct values. O(wanted n^2) for n distinct values.
 */
export function naturalBreaks(values: number[], wanted: number): number[] {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const distinct = thin([...counts.keys()].sort((a, b) => a - b));
  const n = distinct.length;
  if (n <= wanted) return distinct;
  const weight = new Float64Array(n + 1);
  const sum = new Float64Array(n + 1);
  const squares = new Float64Array(n + 1);
  distinct.forEach((value, i) => {
    const times = counts.get(value) ?? 1;
    weight[i + 1] = weight[i] + times;
    sum[i + 1] = sum[i] + times * value;
    squares[i + 1] = squares[i] + times * value * value;
  });
  const cost = (from: number, to: number): number =>
    squares[to] - squares[from] - (sum[to] - sum[from]) ** 2 / (weight[to] - weight[from]);
  let best = Array.from({ length: n + 1 }, (_, to) => (to === 0 ? 0 : cost(0, to)));
  const cuts: Int32Array[] = [];
  for (let k = 2; k <= wanted; k++) {
    const next = new Array<number>(n + 1).fill(Infinity);
    const cut = new Int32Array(n + 1);
    for (let to = k; to <= n; to++) {
      for (let from = k - 1; from < to; from++) {
        const total = best[from] + cost(from, to);
        if (total < next[to]) [next[to], cut[to]] = [total, from];
      }
    }
    cuts.push(cut);
    best = next;
  }
  const breaks = [distinct[n - 1]];
  for (let k = cuts.length - 1, to = n; k >= 0; k--) {
    to = cuts[k][to];
    breaks.unshift(distinct[to - 1]);
  }
  return breaks;
}

const MOST = 800;

// Beyond MOST distinct values, evenly chosen ones stand for all (the last always stays).
function thin(sorted: number[]): number[] {
  if (sorted.length <= MOST) return sorted;
  return Array.from({ length: MOST }, (_, i) => sorted[Math.round((i * (sorted.length - 1)) / (MOST - 1))]);
}
