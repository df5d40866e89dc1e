/** Pointer and touch on the map: one finger or the left button draws with a tool, everything else moves the map. */

import type L from "leaflet";
import type { Modifiers, Place } from "../state/tools";
import { inFrame } from "./frame";

export interface HandEvents {
  /** Whether a gesture with these keys draws; else the map takes it. */
  draws(keys: Modifiers): boolean;
  down(place: Place, keys: Modifiers): void;
  move(places: Place[]): void;
  up(): void;
  cancel(): void;
  /** The pointer without a button; null where it left the map. */
  hover(place: Place | null, keys: Modifiers): void;
  /** A click of the right button. */
  pick(place: Place): void;
}

const keysOf = (event: MouseEvent): Modifiers => ({
  shift: event.shiftKey,
  ctrl: event.ctrlKey || event.metaKey,
  alt: event.altKey,
});

export function attachHand(map: L.Map, placeAt: (event: MouseEvent) => Place, events: HandEvents): void {
  const element = map.getContainer();
  let active: number | null = null;
  let space = false;
  // Set while the compatibility events (mouse, touch, click) of our own gesture are to be kept from the map.
  let ours = false;
  let moved: PointerEvent[] = [];
  let frame = 0;

  const flush = (): void => {
    const places = moved.flatMap((event) => coalesced(event).map(placeAt));
    moved = [];
    if (places.length > 0) events.move(places);
  };
  const later = (work: () => void): void => {
    frame ||= inFrame(() => {
      frame = 0;
      work();
    });
  };
  const stop = (event: Event): void => {
    if (!ours) return;
    event.stopPropagation();
    if (event.cancelable && event.type !== "click") event.preventDefault();
  };
  const isControl = (event: Event): boolean => (event.target as Element).closest?.(".leaflet-control, .leaflet-marker-icon") !== null;

  element.addEventListener(
    "pointerdown",
    (event) => {
      if (active !== null && event.pointerType === "touch") {
        // A second finger: the map is meant, so what the first one began is taken back.
        active = null;
        ours = false;
        moved = [];
        events.cancel();
        return;
      }
      ours = !isControl(event) && event.button === 0 && !space && event.isPrimary && events.draws(keysOf(event));
      if (!ours) return;
      active = event.pointerId;
      element.setPointerCapture(active);
      element.focus({ preventScroll: true });
      events.down(placeAt(event), keysOf(event));
    },
    true,
  );
  element.addEventListener("pointermove", (event) => {
    if (active === event.pointerId) {
      moved.push(event);
      later(flush);
    } else if (active === null && event.pointerType !== "touch") {
      later(() => events.hover(isControl(event) ? null : placeAt(event), keysOf(event)));
    }
  });
  element.addEventListener("pointerup", (event) => {
    if (active !== event.pointerId) return;
    active = null;
    flush();
    events.up();
  });
  element.addEventListener("pointercancel", (event) => {
    if (active !== event.pointerId) return;
    active = null;
    moved = [];
    events.cancel();
  });
  element.addEventListener("pointerleave", (event) => {
    if (active === null) later(() => events.hover(null, keysOf(event)));
  });
  for (const kind of ["mousedown", "touchstart", "click", "dblclick"]) element.addEventListener(kind, stop, { capture: true, passive: false });
  element.addEventListener("mousemove", (event) => active !== null && event.stopPropagation(), true);
  element.addEventListener("contextmenu", (event) => {
    if (isControl(event)) return;
    event.preventDefault();
    events.pick(placeAt(event));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== " " || event.isComposing || isBusy(event.target)) return;
    space = true;
    event.preventDefault();
  });
  document.addEventListener("keyup", (event) => {
    if (event.key === " ") space = false;
  });
  globalThis.addEventListener("blur", () => (space = false));
}

// Fields and buttons have a use for the space bar themselves.
function isBusy(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, select, textarea, button, a, summary, [role=button], [role=option], tr") !== null;
}

function coalesced(event: PointerEvent): PointerEvent[] {
  const all = event.getCoalescedEvents?.() ?? [];
  return all.length > 0 ? all : [event];
}
