/** The cheapest way to part a small graph into two sides: Dinic's maximum flow, exact in whole numbers. */

export interface CutProblem {
  nodes: number;
  /** Undirected links: both ends, and what it costs to part them. */
  from: ArrayLike<number>;
  to: ArrayLike<number>;
  cost: ArrayLike<number>;
  /** What it costs to put a node on side 1, and on side 0. */
  costOf1: ArrayLike<number>;
  costOf0: ArrayLike<number>;
}

/** Sides (0 or 1) of the nodes with the least sum of costs; all costs are whole numbers of at least 0. */
export function minimumCut(problem: CutProblem): Uint8Array {
  const network = new Network(problem);
  while (network.level()) network.block();
  const sides = new Uint8Array(problem.nodes);
  for (let node = 0; node < problem.nodes; node++) sides[node] = network.reached(node) ? 0 : 1;
  return sides;
}

// Arcs of a node stand together; `back` is the opposite arc. The source is node n, the sink node n + 1.
class Network {
  private readonly start: Int32Array;
  private readonly head: Int32Array;
  private readonly back: Int32Array;
  private readonly room: Float64Array;
  private readonly rank: Int32Array;
  private readonly queue: Int32Array;
  private readonly current: Int32Array;
  private readonly path: Int32Array;
  private readonly source: number;
  private readonly sink: number;

  constructor(problem: CutProblem) {
    const { nodes, from, to, cost, costOf0, costOf1 } = problem;
    this.source = nodes;
    this.sink = nodes + 1;
    const links = from.length + 2 * nodes;
    this.start = new Int32Array(nodes + 3);
    this.head = new Int32Array(2 * links);
    this.back = new Int32Array(2 * links);
    this.room = new Float64Array(2 * links);
    this.rank = new Int32Array(nodes + 2);
    this.queue = new Int32Array(nodes + 2);
    this.path = new Int32Array(nodes + 2);
    for (let i = 0; i < from.length; i++) {
      this.start[from[i] + 1]++;
      this.start[to[i] + 1]++;
    }
    for (let node = 0; node < nodes; node++) this.start[node + 1] += 2;
    this.start[this.source + 1] = this.start[this.sink + 1] = nodes;
    for (let node = 0; node < nodes + 2; node++) this.start[node + 1] += this.start[node];
    const next = this.start.slice();
    const link = (a: number, b: number, there: number, backAgain: number): void => {
      const [x, y] = [next[a]++, next[b]++];
      this.head[x] = b;
      this.head[y] = a;
      this.back[x] = y;
      this.back[y] = x;
      this.room[x] = there;
      this.room[y] = backAgain;
    };
    for (let i = 0; i < from.length; i++) link(from[i], to[i], cost[i], cost[i]);
    for (let node = 0; node < nodes; node++) {
      link(this.source, node, costOf1[node], 0);
      link(node, this.sink, costOf0[node], 0);
    }
    this.current = this.start.slice();
  }

  /** Whether the source still reaches a node. */
  reached(node: number): boolean {
    return this.rank[node] >= 0;
  }

  /** Rank the nodes by their distance from the source; whether the sink can be reached. */
  level(): boolean {
    const { start, head, room, rank, queue } = this;
    rank.fill(-1);
    rank[this.source] = 0;
    queue[0] = this.source;
    for (let i = 0, count = 1; i < count; i++) {
      for (let arc = start[queue[i]]; arc < start[queue[i] + 1]; arc++) {
        if (room[arc] <= 0 || rank[head[arc]] >= 0) continue;
        rank[head[arc]] = rank[queue[i]] + 1;
        queue[count++] = head[arc];
      }
    }
    return rank[this.sink] >= 0;
  }

  /** Push as much as goes from rank to rank, path after path. */
  block(): void {
    const { start, head, back, room, rank, current, path, source, sink } = this;
    current.set(start);
    let depth = 0;
    for (let node = source; ; ) {
      if (node === sink) {
        depth = this.push(depth);
        node = head[back[path[depth]]];
      } else if (current[node] < start[node + 1]) {
        const arc = current[node];
        if (room[arc] > 0 && rank[head[arc]] === rank[node] + 1) {
          path[depth++] = arc;
          node = head[arc];
        } else current[node]++;
      } else if (node === source) return;
      else {
        const arc = path[--depth];
        node = head[back[arc]];
        current[node]++;
      }
    }
  }

  // Sends the most along the path; returns the position of its first arc that is full now.
  private push(depth: number): number {
    const { path, room, back } = this;
    let most = Infinity;
    for (let i = 0; i < depth; i++) most = Math.min(most, room[path[i]]);
    let first = depth;
    for (let i = depth - 1; i >= 0; i--) {
      room[path[i]] -= most;
      room[back[path[i]]] += most;
      if (room[path[i]] === 0) first = i;
    }
    return first;
  }
}
