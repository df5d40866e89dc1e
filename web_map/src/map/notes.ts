/** Pins of notes on the map: buttons that the keyboard reaches, moved by dragging in a draft. */

import { effect } from "@preact/signals";
import L from "leaflet";
import type { EditSession } from "../state/edit";
import type { Notes } from "../state/notes";
import type { Note, State } from "../state/state";

const PIN = "M12 1C6.500 1 2 5.300 2 10.600 2 17.500 12 29 12 29s10-11.500 10-18.400C22 5.300 17.500 1 12 1Z";
/** Characters of a note that its pin tells of. */
const TOLD = 120;

export function connectNotes(state: State, session: EditSession, notes: Notes, map: L.Map): void {
  const pins = new Map<string, L.Marker>();
  let fresh: L.Marker | null = null;

  const place = (note: Note, number: number, editable: boolean): void => {
    const words = note.text.length > TOLD ? `${note.text.slice(0, TOLD)} …` : note.text;
    const name = state.t("notes.pin", { number, text: words });
    let pin = pins.get(note.id);
    if (!pin) {
      pin = L.marker([note.lat, note.lon], { icon: iconOf(number, ""), draggable: true, autoPanOnFocus: true });
      pin.on("click", () => notes.choose(note.id));
      pin.on("keydown", (event) => {
        const { key } = (event as L.LeafletKeyboardEvent).originalEvent;
        if (key === "Enter" || key === " ") notes.choose(note.id);
        if (key === "Delete" && session.phase.peek() === "ready") notes.remove(note.id);
      });
      const own = pin;
      pin.on("dragend", () => {
        const { lng, lat } = own.getLatLng();
        notes.move(note.id, lng, lat);
      });
      pin.addTo(map);
      pins.set(note.id, pin);
    }
    const chosen = state.note.value === note.id;
    pin.setLatLng([note.lat, note.lon]);
    pin.setZIndexOffset(chosen ? 1000 : 0);
    if (editable) pin.dragging?.enable();
    else pin.dragging?.disable();
    const element = pin.getElement();
    if (!element) return;
    // The element itself stays, and with it the focus.
    element.classList.toggle("is-chosen", chosen);
    element.setAttribute("aria-label", name);
    element.title = words;
    const figure = element.querySelector("span");
    if (figure) figure.textContent = String(number);
  };

  effect(() => {
    const shown = state.showNotes.value && state.phase.value === "ready" ? state.notes.value : [];
    const editable = session.phase.value === "ready";
    for (const [id, pin] of pins) {
      if (shown.some((note) => note.id === id)) continue;
      pin.remove();
      pins.delete(id);
    }
    shown.forEach((note, i) => place(note, i + 1, editable));
  });

  effect(() => {
    const at = state.newNote.value;
    fresh?.remove();
    fresh = at && L.marker([at.lat, at.lon], { icon: iconOf("+", "is-chosen"), interactive: false, keyboard: false });
    fresh?.addTo(map);
  });
}

function iconOf(text: number | string, more: string): L.DivIcon {
  return L.divIcon({
    className: `note-pin ${more}`,
    html: `<svg viewBox="0 0 24 30" width="24" height="30" aria-hidden="true"><path d="${PIN}"/></svg><span>${text}</span>`,
    iconSize: [24, 30],
    iconAnchor: [12, 29],
  });
}
