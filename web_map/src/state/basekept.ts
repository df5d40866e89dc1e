/** Changes of base data that wait, kept in the browser; found again where the data version became another. */

import type { LayerFeature } from "../api/base";
import type { Bbox } from "../api/types";
import { pathsOf, type Pending, type Step } from "./baselist";

export interface Kept {
  dataset: string;
  steps: readonly Step[];
}

const nameOf = (plan: string): string => `wangge.base.${plan}`;
const EDGE = 1e-6;

const storage = (): Storage | null => {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
};

/** Write down what waits; false where the browser has no room for it. */
export function keep(plan: string, waiting: Kept): boolean {
  try {
    storage()?.setItem(nameOf(plan), JSON.stringify(waiting));
    return true;
  } catch {
    forget(plan);
    return false;
  }
}

export function forget(plan: string): void {
  try {
    storage()?.removeItem(nameOf(plan));
  } catch {
    // A browser that keeps nothing has nothing to forget.
  }
}

export function kept(plan: string): Kept | null {
  try {
    const found = JSON.parse(storage()?.getItem(nameOf(plan)) ?? "null") as Kept | null;
    return found && Array.isArray(found.steps) ? found : null;
  } catch {
    return null;
  }
}

type Ask = (layer: string, box: Bbox) => Promise<LayerFeature[]>;

/**
 * The steps with the numbers that streets, gates and barriers have in another data version; buildings have ids. What is
 * not there any more is left out and counted.
 */
export async function refound(steps: readonly Step[], ask: Ask): Promise<{ steps: Step[]; lost: number }> {
  let lost = 0;
  const result: Step[] = [];
  for (const step of steps) {
    const items: Pending[] = [];
    for (const item of step.items) {
      const again = await found(item, ask);
      if (again) items.push(again);
      else lost++;
    }
    if (items.length > 0) result.push({ ...step, items });
  }
  return { steps: result, lost };
}

async function found(item: Pending, ask: Ask): Promise<Pending | null> {
  const { change, was } = item;
  if (change.ix === undefined || change.op === "add") return item;
  if (!was) return null;
  const xy = pathsOf(was).flat();
  const [xs, ys] = [xy.map(([x]) => x), xy.map(([, y]) => y)];
  const box: Bbox = [Math.min(...xs) - EDGE, Math.min(...ys) - EDGE, Math.max(...xs) + EDGE, Math.max(...ys) + EDGE];
  const layer = change.layer === "gates" ? "facilities" : change.layer;
  const same = (await ask(layer, box)).find(({ geometry }) => JSON.stringify(geometry?.coordinates) === JSON.stringify(was.coordinates));
  return same ? { ...item, change: { ...change, ix: same.id } } : null;
}
