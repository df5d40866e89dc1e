/** Messages between the page and the worker of the plan in force, and the page's side of it. */

import type { Polygons } from "../kernels/geometry";
import type { Theme, View } from "./protocol";

export interface LinesView {
  type: "view";
  load: number;
  serial: number;
  view: View;
  /** Pixels of the device for one of the page. */
  ratio: number;
  theme: Theme;
  /** Only what the plan on the page has no longer. */
  changes: boolean;
}

export type ToLines =
  | { type: "load"; load: number; root: string; planId: string }
  /** Outlines of the plan on the page, all of them, or of grids that were edited. */
  | { type: "plan"; load: number; polygons: Polygons }
  | { type: "shapes"; load: number; shapes: [grid: number, shape: Polygons][] }
  | LinesView;

export type FromLines =
  /** `plans`: which plans hold where the plan lies, none or more; null where they could not be read. */
  | { type: "loaded"; load: number; plans: string[] | null }
  | { type: "drawn"; load: number; serial: number; bitmap: ImageBitmap };

export interface LinesEngine {
  /** Read the plan in force where a plan lies. */
  load(planId: string, done: (plans: string[] | null) => void): void;
  /** Draw what a view shows of it; only the last view that was asked for is answered. */
  draw(view: View, ratio: number, theme: Theme, done: (bitmap: ImageBitmap) => void): void;
  /** The same of what the plan on the page has no longer. */
  drawChanges(view: View, ratio: number, theme: Theme, done: (bitmap: ImageBitmap) => void): void;
  /** Say what the plan on the page looks like, and what of it was edited. */
  compare(polygons: Polygons): void;
  edited(shapes: [grid: number, shape: Polygons][]): void;
}

/** The worker is started when it is first needed. */
export function createLines(start: () => Worker, root: string): LinesEngine {
  let worker: Worker | null = null;
  let load = 0;
  let serial = 0;
  let onLoaded: ((plans: string[] | null) => void) | null = null;
  let onDrawn: ((bitmap: ImageBitmap) => void) | null = null;

  const send = (message: ToLines): void => {
    if (!worker) {
      worker = start();
      worker.onerror = () => onLoaded?.(null);
      worker.onmessage = ({ data }: MessageEvent<FromLines>) => take(data);
    }
    worker.postMessage(message);
  };
  const take = (data: FromLines): void => {
    if (data.type === "loaded") {
      if (data.load === load) onLoaded?.(data.plans);
    } else if (data.load === load && data.serial === serial) onDrawn?.(data.bitmap);
    else data.bitmap.close();
  };

  const draw = (view: View, ratio: number, theme: Theme, done: (bitmap: ImageBitmap) => void, changes: boolean): void => {
    onDrawn = done;
    send({ type: "view", load, serial: ++serial, view, ratio, theme, changes });
  };

  return {
    load(planId, done) {
      onLoaded = done;
      onDrawn = null;
      send({ type: "load", load: ++load, root, planId });
    },
    draw: (view, ratio, theme, done) => draw(view, ratio, theme, done, false),
    drawChanges: (view, ratio, theme, done) => draw(view, ratio, theme, done, true),
    compare: (polygons) => send({ type: "plan", load, polygons }),
    edited: (shapes) => send({ type: "shapes", load, shapes }),
  };
}
