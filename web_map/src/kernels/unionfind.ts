/** Disjoint sets of small whole numbers in one growing array; the smaller number becomes the root. */
export class UnionFind {
  private parent = new Int32Array(64);
  private count = 0;

  clear(): void {
    this.count = 0;
  }

  get length(): number {
    return this.count;
  }

  add(): number {
    if (this.count === this.parent.length) {
      const longer = new Int32Array(2 * this.count);
      longer.set(this.parent);
      this.parent = longer;
    }
    this.parent[this.count] = this.count;
    return this.count++;
  }

  /** Begin with the sets of another. */
  copy(other: UnionFind): void {
    this.clear();
    for (let i = 0; i < other.count; i++) this.parent[this.add()] = other.parent[i];
  }

  isRoot(item: number): boolean {
    return this.parent[item] === item;
  }

  find(item: number): number {
    const parent = this.parent;
    while (parent[item] !== item) {
      parent[item] = parent[parent[item]];
      item = parent[item];
    }
    return item;
  }

  /** Join two sets and return the root of both. */
  union(a: number, b: number): number {
    const x = this.find(a);
    const y = this.find(b);
    if (x < y) return (this.parent[y] = x);
    return (this.parent[x] = y);
  }
}
