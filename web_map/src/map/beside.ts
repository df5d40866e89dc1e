/** What stands beside the map of one plan: a second plan to compare with, files and pictures to take away. */

import { effect } from "@preact/signals";
import type { Client } from "../api/client";
import type { Ask } from "../api/request";
import type { PlanSummary } from "../api/types";
import { type Compare, connectMarks, createCompare, type OtherMap } from "../state/compare";
import type { EditSession } from "../state/edit";
import { createExports, type Exports } from "../state/exports";
import type { DeskSet } from "../state/opendesk";
import type { State } from "../state/state";
import type { MapView } from "./adapter";
import { openOther, type SecondMap } from "./other";
import type { Paintbox } from "./paintbox";
import { takePicture } from "./takepicture";

export interface Beside {
  compare: Compare;
  exports: Exports;
  openOther: (plan: PlanSummary, host: HTMLElement) => OtherMap;
  /** The map has another size: it keeps its middle. */
  relayout: () => void;
  /** Give a file to the browser to keep. */
  save: (file: Blob, name: string) => void;
  /** Keep the view as a picture. */
  picture: () => Promise<void>;
}

export interface Parts {
  state: State;
  set: DeskSet;
  edit: EditSession;
  map: MapView;
  paintbox: Paintbox;
  client: Client;
  ask: Ask;
  root: string;
  startWorker: () => Worker;
}

export function openBeside({ state, set, edit, map, paintbox, client, ask, root, startWorker }: Parts): Beside {
  const compare = createCompare(state, set.desk, set.plans);
  let second: SecondMap | null = null;
  connectMarks(state, compare, (cells) => {
    const palette = paintbox.mark(cells);
    if (palette) map.recolour(palette);
  });
  effect(() => {
    state.compared.value = compare.view.value !== null;
    state.looking.value = compare.view.value === "swipe";
    if (state.looking.value) edit.tool.value = "pan";
  });
  const other = (): SecondMap["leaflet"] | null => (compare.map.peek() === second ? (second?.leaflet ?? null) : null);
  return {
    compare,
    exports: createExports(set.desk, ask, saveFile),
    openOther(plan, host) {
      second = openOther({ state, map, client, editing: set.desk.editing, root, startWorker }, plan, host);
      return second;
    },
    relayout: () => map.leaflet.invalidateSize({ animate: false, pan: true }),
    save: saveFile,
    picture: () => takePicture({ state, desk: set.desk, compare, map: map.leaflet, other, save: saveFile }),
  };
}

/** Have the browser keep a file under a name. */
function saveFile(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
