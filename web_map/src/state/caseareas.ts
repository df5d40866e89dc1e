/** What the facilities of a category cover on foot: asked for once, shown as colours of the cells. */

import { batch, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { CasesClient, ServiceAreas } from "../api/cases";
import { buildPalette, type CellPalette, type GridPixels, HATCH, pixel, type Rgb, setPixels } from "../kernels/palette";
import type { State } from "./state";

export const MINUTES = [5, 10, 15] as const;
/** Metres that somebody walks in a minute; as the server has it (4.8 km/h). */
const M_PER_MINUTE = 80;

/** One colour a band, lighter the farther; what is beyond is hatched. */
export const BAND_COLOURS: readonly Rgb[] = [
  [17, 94, 89],
  [58, 158, 140],
  [150, 208, 190],
];
const BEYOND: GridPixels = { fill: pixel([255, 255, 255], 0.25), hatch: pixel([120, 70, 60], 0.55), style: HATCH.falling };
const ALPHA = 0.6;

export interface CaseAreas {
  /** Category whose service areas are shown; null: none. */
  readonly category: Signal<string | null>;
  readonly areas: ReadonlySignal<ServiceAreas | null>;
  readonly standing: ReadonlySignal<"idle" | "loading" | "failed">;
  /** Categories of facilities that the base data have. */
  readonly categories: ReadonlySignal<readonly string[]>;
  retry(): void;
}

/** Position of the band that a way of so many metres belongs to; -1: beyond, or no way. */
export function bandOf(metres: number, minutes: readonly number[] = MINUTES): number {
  if (metres < 0) return -1;
  return minutes.findIndex((limit) => metres <= limit * M_PER_MINUTE);
}

/** The colours of all cells by their band. */
export function areaPalette(gridIx: Int32Array, areas: ServiceAreas): CellPalette {
  const none: GridPixels = { fill: 0, hatch: 0 };
  const palette = buildPalette(gridIx, [], none, BEYOND);
  const looks = BAND_COLOURS.map((colour): GridPixels => ({ fill: pixel(colour, ALPHA), hatch: 0 }));
  for (let cell = 0; cell < gridIx.length && cell < areas.metres.length; cell++) {
    const band = bandOf(areas.metres[cell], areas.minutes);
    setPixels(palette, cell, band < 0 ? BEYOND : looks[Math.min(band, looks.length - 1)]);
  }
  return palette;
}

export function createCaseAreas(
  state: State,
  client: Pick<CasesClient, "serviceAreas">,
  categories: ReadonlySignal<readonly string[]>,
): CaseAreas & { stop: () => void } {
  const category = signal<string | null>(null);
  const areas = signal<ServiceAreas | null>(null);
  const standing = signal<"idle" | "loading" | "failed">("idle");
  let asking: AbortController | null = null;
  const load = (): void => {
    asking?.abort();
    const [wanted, plan] = [category.peek(), state.plan.peek()];
    areas.value = null;
    standing.value = "idle";
    if (wanted === null || !plan) return;
    const mine = (asking = new AbortController());
    standing.value = "loading";
    client.serviceAreas(plan.id, wanted, MINUTES, mine.signal).then(
      (found) =>
        !mine.signal.aborted &&
        batch(() => {
          areas.value = found;
          standing.value = "idle";
        }),
      () => !mine.signal.aborted && (standing.value = "failed"),
    );
  };
  const stop = effect(() => {
    void state.plan.value?.id;
    void category.value;
    load();
  });
  return { category, areas, standing, categories, retry: load, stop };
}
