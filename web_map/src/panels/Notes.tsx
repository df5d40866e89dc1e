import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { LONGEST_NOTE } from "../state/notes";
import type { Note } from "../state/state";
import { isComposing, useApp } from "./context";
import { Icon } from "./icons";

/** All notes of the plan, each with its number on the map; in a draft they are written here. */
export function Notes() {
  const { state, edit, notes, centre } = useApp();
  const { t } = state;
  const list = state.notes.value;
  const fresh = state.newNote.value;
  const editable = edit.phase.value === "ready";
  return (
    <div class="notes">
      {editable && !fresh && (
        <p class="notes-head">
          <button type="button" class="button" onClick={() => notes.begin(...centre())}>
            <Icon name="plus" size={16} /> {t("notes.here")}
          </button>
          <span class="muted">{t("notes.hint")}</span>
        </p>
      )}
      {fresh && <Writing key={`${fresh.lon} ${fresh.lat}`} id={null} text="" onEnd={() => (state.newNote.value = null)} />}
      {list.length === 0 && !fresh && <p class="panel-empty">{t("notes.none")}</p>}
      {list.length > 0 && (
        <ol class="notes-list" aria-label={t("tab.notes")}>
          {list.map((note, i) => (
            <Row key={note.id} note={note} number={i + 1} editable={editable} />
          ))}
        </ol>
      )}
    </div>
  );
}

function Row({ note, number, editable }: { note: Note; number: number; editable: boolean }) {
  const { state, notes } = useApp();
  const { t } = state;
  const [writing, setWriting] = useState(false);
  const row = useRef<HTMLLIElement>(null);
  const chosen = state.note.value === note.id;
  useEffect(() => {
    if (chosen) row.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  return (
    <li ref={row} class={chosen ? "is-current" : ""}>
      <button type="button" class="notes-row" aria-current={chosen ? "true" : undefined} onClick={() => notes.choose(note.id)}>
        <span class="notes-number" aria-hidden="true">
          {number}
        </span>
        <span class="notes-text">{note.text}</span>
      </button>
      {chosen && editable && !writing && (
        <p class="notes-deeds">
          <button type="button" class="button" onClick={() => setWriting(true)}>
            {t("notes.edit")}
          </button>
          <button type="button" class="button" onClick={() => notes.remove(note.id)}>
            {t("notes.remove")}
          </button>
          <span class="muted">{t("notes.drag")}</span>
        </p>
      )}
      {chosen && editable && writing && <Writing id={note.id} text={note.text} onEnd={() => setWriting(false)} />}
    </li>
  );
}

/** The text of one note; Ctrl+Enter keeps it, Escape leaves it as it was. */
function Writing({ id, text, onEnd }: { id: string | null; text: string; onEnd: () => void }) {
  const { state, notes } = useApp();
  const { t } = state;
  const field = useRef<HTMLTextAreaElement>(null);
  const [words, setWords] = useState(text);
  useLayoutEffect(() => field.current?.focus(), []);
  const save = (event?: Event): void => {
    event?.preventDefault();
    if (words.trim() === "") return;
    notes.save(id, words);
    onEnd();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (isComposing(event)) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save(event);
    if (event.key === "Escape") onEnd();
  };
  return (
    <form class="notes-form" onSubmit={save} onKeyDown={onKeyDown}>
      <label class="field">
        <span>{t(id === null ? "notes.new" : "notes.text")}</span>
        <textarea
          ref={field}
          rows={4}
          maxLength={LONGEST_NOTE}
          value={words}
          onInput={(event) => setWords(event.currentTarget.value)}
        />
      </label>
      <p class="notes-deeds">
        <button type="submit" class="button primary" aria-disabled={words.trim() === ""}>
          {t("dialog.save")}
        </button>
        <button type="button" class="button" onClick={onEnd}>
          {t("dialog.cancel")}
        </button>
        <kbd class="muted">Ctrl+Enter</kbd>
      </p>
    </form>
  );
}
