/** Notes pinned to places: attributes of the plan under `note/{id}`, made, moved, changed and taken away as edits. */

import { effect, untracked } from "@preact/signals";
import type { EditingClient } from "../api/edits";
import type { Desk } from "./desk";
import type { EditSession } from "./edit";
import { newKey } from "./keys";
import type { Note, State } from "./state";

/** As many characters as the server takes. */
export const LONGEST_NOTE = 2000;

export interface Notes {
  /** Begin a note at a place; it counts once it has a text. */
  begin(lon: number, lat: number): void;
  /** Write the note that was begun, or another text for one that is there. */
  save(id: string | null, text: string): void;
  move(id: string, lon: number, lat: number): void;
  remove(id: string): void;
  /** Show a note in the list and on the map. */
  choose(id: string | null): void;
}

/** The notes of a plan in the order in which they were made: their ids begin with the time. */
export function notesOf(attributes: ReadonlyMap<string, unknown>): Note[] {
  const notes: Note[] = [];
  for (const [path, value] of attributes) {
    if (!path.startsWith("note/")) continue;
    const { lon, lat, text } = value as Omit<Note, "id">;
    notes.push({ id: path.slice(5), lon, lat, text });
  }
  return notes.sort(byId);
}

const byId = (a: Note, b: Note): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/** An id that sorts after those that were made before. */
export const noteId = (now: number): string => `${now.toString(36).padStart(9, "0")}-${newKey().slice(0, 8)}`;

/** Degrees to some centimetres: what a hand on a map can mean. */
const placed = (degrees: number): number => Math.round(degrees * 1e7) / 1e7;

export function createNotes(
  state: State,
  session: EditSession,
  desk: Desk,
  client: Pick<EditingClient, "state">,
  show: (lon: number, lat: number) => void,
): Notes {
  follow(state, session, client);
  const open = (): void => {
    desk.tab.value = "notes";
    state.panelHidden.value = false;
    if (state.narrow.peek() && state.sheet.peek() === "peek") state.sheet.value = "half";
  };
  effect(() => {
    const at = state.newNote.value;
    if (!at) return;
    untracked(() => {
      open();
      // The panel may cover the place now.
      show(at.lon, at.lat);
    });
  });
  const put = (id: string, value: Omit<Note, "id"> | null): boolean =>
    session.change("note", [{ path: `note/${id}`, value }]) !== null;
  const find = (id: string): Note | undefined => state.notes.peek().find((note) => note.id === id);

  return {
    begin(lon, lat) {
      state.note.value = null;
      state.newNote.value = { lon: placed(lon), lat: placed(lat) };
    },
    save(id, text) {
      const words = text.trim().slice(0, LONGEST_NOTE);
      const at = id === null ? state.newNote.peek() : find(id);
      if (!at || words === "") return;
      const key = id ?? noteId(Date.now());
      if (id !== null && find(id)?.text === words) return;
      if (!put(key, { lon: at.lon, lat: at.lat, text: words })) return;
      state.newNote.value = null;
      state.note.value = key;
      state.live.value = state.t(id === null ? "notes.made" : "notes.saved");
    },
    move(id, lon, lat) {
      const note = find(id);
      if (note) put(id, { lon: placed(lon), lat: placed(lat), text: note.text });
    },
    remove(id) {
      if (!put(id, null)) return;
      if (state.note.peek() === id) state.note.value = null;
      state.live.value = state.t("notes.removed");
    },
    choose(id) {
      state.note.value = id;
      state.newNote.value = null;
      const note = id === null ? undefined : find(id);
      if (!note) return;
      open();
      show(note.lon, note.lat);
    },
  };
}

// In a draft the notes are those of the session; of another plan they are asked for once.
function follow(state: State, session: EditSession, client: Pick<EditingClient, "state">): void {
  let asked = "";
  effect(() => {
    const plan = state.plan.value;
    const painted = state.painted.value;
    void session.attributesVersion.value;
    if (session.phase.value === "ready") {
      asked = "";
      const notes = notesOf(session.attributes);
      if (JSON.stringify(notes) !== JSON.stringify(state.notes.peek())) state.notes.value = notes;
    } else if (plan === null || plan.state === "draft" || !painted) {
      asked = "";
      if (state.notes.peek().length > 0) state.notes.value = [];
    } else if (asked !== plan.id) {
      asked = plan.id;
      // A plan without its notes is still worth looking at.
      void client.state(plan.id).then(
        ({ notes }) => asked === plan.id && (state.notes.value = notes.sort(byId)),
        () => undefined,
      );
    }
  });
  effect(() => {
    if (state.plan.value === null || session.phase.value !== "ready") state.newNote.value = null;
    if (state.plan.value === null) state.note.value = null;
  });
}
