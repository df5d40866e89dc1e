/** The page's side of the worker: sends what is wanted, hands back what came, drops what is out of date. */

import type { Assigned, FromWorker, GridShape, LineStyle, TileRequest, ToWorker, LabelView } from "./protocol";
import type { Polygons } from "../kernels/geometry";

export type TileWish = Omit<TileRequest, "type" | "load">;
export type TileAnswer = { bitmap: ImageBitmap; ids: Int32Array | null };

export interface EngineEvents {
  progress(received: number): void;
  base(): void;
  grids(message: Extract<FromWorker, { type: "grids" }>): void;
  cells(message: Extract<FromWorker, { type: "cells" }>): void;
  failed(message: Extract<FromWorker, { type: "failed" }>): void;
}

export interface Engine {
  load(root: string, planId: string, datasetId: string, events: EngineEvents): void;
  /** Load a plan behind the one that is shown, which stays until `swap`. */
  loadBehind(root: string, planId: string, datasetId: string, events: EngineEvents): void;
  /** What was loaded behind is what is shown from now on; what is on its way for the former is dropped. */
  swap(): void;
  style(style: LineStyle): void;
  /** `behind`: as it will be after the swap. */
  tile(wish: TileWish, done: (answer: TileAnswer) => void, behind?: boolean): void;
  cancel(key: string): void;
  /** Have the labels of a view drawn; of several wishes only the last is sure to be answered. */
  labels(view: LabelView, done: (labels: ImageBitmap, view: LabelView) => void): void;
  outline(cellIx: number, done: (polygon: Polygons) => void): void;
  /** Begin to edit: `boxes` gets four numbers a cell, `shapes` the outlines of grids whenever edits changed them. */
  edit(events: EditEvents): void;
  assign(change: Omit<Assigned, "type" | "load">): void;
}

export interface EditEvents {
  boxes(boxes: Int32Array): void;
  shapes(shapes: GridShape[]): void;
}

export function createEngine(worker: Worker, onCrash: () => void): Engine {
  let last = 0;
  let load = 0;
  let events: EngineEvents | null = null;
  let coming: { load: number; events: EngineEvents } | null = null;
  let onEdit: EditEvents | null = null;
  let onLabels: ((labels: ImageBitmap, view: LabelView) => void) | null = null;
  let onOutline: { cellIx: number; done: (polygon: Polygons) => void } | null = null;
  const tiles = new Map<string, (answer: TileAnswer) => void>();
  const send = (message: ToWorker): void => worker.postMessage(message);

  worker.onerror = onCrash;
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    const of = data.load === load ? events : data.load === coming?.load ? coming.events : null;
    if (!of) {
      if (data.type === "tile" || data.type === "labels") data.bitmap.close();
      return;
    }
    switch (data.type) {
      case "progress":
        return of.progress(data.received);
      case "base":
        return of.base();
      case "grids":
        return of.grids(data);
      case "cells":
        return of.cells(data);
      case "failed":
        return of.failed(data);
      case "labels":
        return onLabels?.(data.bitmap, data.view);
      case "boxes":
        return onEdit?.boxes(data.boxes);
      case "shapes":
        return onEdit?.shapes(data.shapes);
      case "outline":
        if (onOutline?.cellIx === data.cellIx) onOutline.done(data.polygon);
        return;
      case "tile": {
        const done = tiles.get(data.key);
        tiles.delete(data.key);
        if (done) done(data);
        else data.bitmap.close();
      }
    }
  };

  return {
    load(root, planId, datasetId, listeners) {
      load = ++last;
      events = listeners;
      coming = null;
      tiles.clear();
      onOutline = null;
      onEdit = null;
      send({ type: "load", load, root, planId, datasetId, behind: false });
    },
    loadBehind(root, planId, datasetId, listeners) {
      coming = { load: ++last, events: listeners };
      send({ type: "load", load: last, root, planId, datasetId, behind: true });
    },
    swap() {
      if (!coming) return;
      ({ load, events } = coming);
      coming = null;
      onOutline = null;
      onEdit = null;
      send({ type: "swap", load });
    },
    style: (style) => send({ type: "style", style }),
    tile(wish, done, behind = false) {
      tiles.set(wish.key, done);
      send({ type: "tile", load: behind && coming ? coming.load : load, ...wish });
    },
    cancel(key) {
      if (tiles.delete(key)) send({ type: "cancel", key });
    },
    labels(view, done) {
      onLabels = done;
      send({ type: "labels", load, view });
    },
    outline(cellIx, done) {
      onOutline = { cellIx, done };
      send({ type: "outline", load, cellIx });
    },
    edit(listeners) {
      onEdit = listeners;
      send({ type: "edit", load });
    },
    assign: (change) => send({ type: "assign", load, ...change }),
  };
}
