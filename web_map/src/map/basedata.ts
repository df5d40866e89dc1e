/** Ties the map to the mode in which base data are changed: marks, the hand, its keys. */

import { computed, effect } from "@preact/signals";
import { unitsPerMetre, WORLD } from "../kernels/geometry";
import type { Base, BaseTool } from "../state/base";
import { BASE_KEYS } from "../state/basekeys";
import type { EditSession } from "../state/edit";
import type { MapView } from "./adapter";
import { type BaseMark, BaseMarks } from "./basemarks";
import { mapZoom } from "./zoom";

/** Pixels around the pointer in which things are hit. */
const REACH_PX = 9;
const POINTING = new Set<BaseTool>(["move", "retire"]);

export function connectBase(session: EditSession, base: Base, map: MapView): void {
  const drawn = new BaseMarks(map.leaflet);
  base.setReach(() => {
    const unitsPerPixel = WORLD / (256 * 2 ** mapZoom(map.leaflet.getZoom()));
    return (REACH_PX * unitsPerPixel) / unitsPerMetre(map.centre()[1]);
  });

  const marks = computed<BaseMark[]>(() => {
    const found: BaseMark[] = [];
    for (const { items } of base.steps.value)
      for (const { change, was } of items) {
        if (change.op === "retire" && was) found.push({ kind: "gone", geometry: was });
        if (change.op === "move" && was) found.push({ kind: "was", geometry: was });
        if (change.geometry) found.push({ kind: "new", geometry: change.geometry });
        if (change.op === "set" && was) found.push({ kind: "new", geometry: was });
      }
    const picked = base.on.value ? base.picked.value : null;
    if (picked) found.push({ kind: "picked", geometry: picked.geometry });
    return found;
  });
  effect(() => drawn.set(marks.value));

  effect(() => {
    // After the tools of the plan have said theirs.
    void session.tool.value;
    void session.phase.value;
    if (base.on.value) map.setHand(base.tool.value === "look" ? "pan" : POINTING.has(base.tool.value) ? "point" : "draw");
    else if (session.tool.value === "pan") map.setHand("pan");
  });

  attachKeys(session, base);
}

function attachKeys(session: EditSession, base: Base): void {
  const escape = (): boolean => {
    if (base.applying.value !== null) base.cancel();
    else if (base.drawing.value) base.drawing.value = null;
    else if (base.picked.value) base.select(null);
    else if (base.tool.value !== "look") base.take("look");
    else base.leave();
    return true;
  };
  const carryOut = (event: KeyboardEvent): boolean => {
    const letter = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && !event.altKey) {
      if (letter === "z") return event.shiftKey ? base.redo() : base.undo();
      return letter === "y" && base.redo();
    }
    if (event.altKey || event.ctrlKey || event.metaKey) return false;
    if (event.key === "Escape") return escape();
    if (event.key === "Enter" && base.drawing.value && !onButton(event.target)) return base.finish(), true;
    if (event.key === "Backspace" && base.drawing.value?.points.length) return base.undo();
    if (event.key === "Delete" && base.picked.value) return base.retire(base.picked.value), true;
    const tool = event.shiftKey ? undefined : BASE_KEYS[letter];
    if (tool) base.take(tool);
    // Keys of the plan's tools sleep meanwhile.
    return tool !== undefined || (/^[a-z0-9[\]]$/.test(letter) && letter !== "g" && !event.shiftKey);
  };
  document.addEventListener(
    "keydown",
    (event) => {
      const target = event.target instanceof Element ? event.target : document.body;
      if (event.isComposing || event.keyCode === 229 || session.phase.value !== "ready") return;
      if (target.closest("input, select, textarea, [contenteditable], dialog, [role=dialog], [role=menu]")) return;
      const toggles = event.key.toLowerCase() === "g" && !event.ctrlKey && !event.altKey && !event.metaKey && !event.shiftKey;
      if (toggles) base.on.value ? base.leave() : base.enter();
      else if (!base.on.value || !carryOut(event)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );
}

const onButton = (target: EventTarget | null): boolean => target instanceof Element && target.closest("button, a, summary") !== null;
