/** A binary heap of pairs of whole numbers by score: the highest score first, of equal scores the lowest pair. */
export class PairHeap {
  private readonly scores: number[] = [];
  private readonly firsts: number[] = [];
  private readonly seconds: number[] = [];

  get size(): number {
    return this.scores.length;
  }

  push(score: number, first: number, second: number): void {
    let at = this.scores.length;
    this.set(at, score, first, second);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.isBefore(at, parent)) return;
      this.swap(at, parent);
      at = parent;
    }
  }

  /** Take the first pair out; undefined where there is none. */
  pop(): { score: number; first: number; second: number } | undefined {
    if (this.scores.length === 0) return undefined;
    this.swap(0, this.scores.length - 1);
    const score = this.scores.pop() as number;
    const first = this.firsts.pop() as number;
    const second = this.seconds.pop() as number;
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < this.scores.length && this.isBefore(child, least)) least = child;
      if (least === at) return { score, first, second };
      this.swap(at, least);
      at = least;
    }
  }

  private isBefore(a: number, b: number): boolean {
    const { scores, firsts, seconds } = this;
    if (scores[a] !== scores[b]) return scores[a] > scores[b];
    return firsts[a] !== firsts[b] ? firsts[a] < firsts[b] : seconds[a] < seconds[b];
  }

  private swap(a: number, b: number): void {
    for (const array of [this.scores, this.firsts, this.seconds]) [array[a], array[b]] = [array[b], array[a]];
  }

  private set(at: number, score: number, first: number, second: number): void {
    this.scores[at] = score;
    this.firsts[at] = first;
    this.seconds[at] = second;
  }
}
