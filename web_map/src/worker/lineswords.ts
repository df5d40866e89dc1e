/** Messages between the page and the worker of the plan in force, and the page's side of it. */

import type { Theme, View } from "./protocol";

export interface LinesView {
  type: "view";
  load: number;
  serial: number;
  view: View;
  /** Pixels of the device for one of the page. */
  ratio: number;
  theme: Theme;
}

export type ToLines = { type: "load"; load: number; root: string; planId: string } | LinesView;

export type FromLines =
  /** `plans`: which plans hold where the plan lies, none or more; null where they could not be read. */
  | { type: "loaded"; load: number; plans: string[] | null }
  | { type: "drawn"; load: number; serial: number; bitmap: ImageBitmap };

export interface LinesEngine {
  /** Read the plan in force where a plan lies. */
  load(planId: string, done: (plans: string[] | null) => void): void;
  /** Draw what a view shows of it; only the last view that was asked for is answered. */
  draw(view: View, ratio: number, theme: Theme, done: (bitmap: ImageBitmap) => void): void;
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

  return {
    load(planId, done) {
      onLoaded = done;
      onDrawn = null;
      send({ type: "load", load: ++load, root, planId });
    },
    draw(view, ratio, theme, done) {
      onDrawn = done;
      send({ type: "view", load, serial: ++serial, view, ratio, theme });
    },
  };
}
