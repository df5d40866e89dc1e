import { useEffect, useState } from "preact/hooks";
import type { Datum, SearchHit } from "../api/types";
import type { Key } from "../i18n";
import type { CallChoice } from "../state/casecall";
import { codeWords, facilityWords } from "../state/casewords";
import { DATUMS, datumName } from "../state/coordinates";
import type { State } from "../state/state";
import { useDispatch } from "./casecontext";
import { isComposing } from "./context";

interface Row {
  key: string;
  kind: string;
  title: string;
  detail: string;
  grid: string;
}

/** One box for where it is: an address with what is wrong there, coordinates in any form, a link of a map. */
export function CallBox() {
  const { state, call } = useDispatch();
  const { t } = state;
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const choices = call.choices.value;
  const shown = open && call.text.value.trim() !== "" && (choices.length > 0 || call.standing.value !== "idle");
  const rows = choices.map((choice, i) => rowOf(choice, i, state));
  const note = noteOf(state.t, call.standing.value, choices.length);
  useEffect(() => setActive(0), [choices]);
  const pick = (at: number): void => {
    if (!choices[at]) return;
    setOpen(false);
    call.pick(choices[at]);
    // What is asked next.
    requestAnimationFrame(() => document.getElementById("call-category")?.focus());
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (isComposing(event)) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setOpen(true);
      if (choices.length > 0) setActive((active + (event.key === "ArrowDown" ? 1 : choices.length - 1)) % choices.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (shown) pick(active);
      else setOpen(true);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      if (shown) setOpen(false);
      else if (call.place.value) call.leave();
      else if (call.text.value !== "") call.clear();
      else event.currentTarget instanceof HTMLElement && event.currentTarget.blur();
    }
  };
  return (
    <div class="call" onFocusOut={(event) => !(event.currentTarget as Element).contains(event.relatedTarget as Node | null) && setOpen(false)}>
      <label class="visually-hidden" for="call">
        {t("case.call.label")}
      </label>
      <input
        id="call"
        type="search"
        role="combobox"
        list={undefined}
        autocomplete="off"
        spellcheck={false}
        placeholder={t("case.call.hint")}
        aria-expanded={shown && rows.length > 0}
        aria-controls="call-choices"
        aria-autocomplete="list"
        aria-activedescendant={shown && rows[active] ? `call-${rows[active].key}` : undefined}
        aria-keyshortcuts="N"
        value={call.text.value}
        onInput={(event) => {
          call.type(event.currentTarget.value);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onKeyDown={onKeyDown}
      />
      <div class="search-page call-page" hidden={!shown}>
        {note && <p class="search-note">{note}</p>}
        <ul id="call-choices" role="listbox" aria-label={t("case.call.choices")} hidden={rows.length === 0}>
          {rows.map((row, i) => (
            <li
              key={row.key}
              id={`call-${row.key}`}
              role="option"
              aria-selected={i === active}
              onPointerDown={(event) => event.preventDefault()}
              onPointerMove={() => setActive(i)}
              onClick={() => pick(i)}
            >
              <span class="search-kind">{row.kind}</span>
              <span class="search-title">{row.title}</span>
              <span class="search-grid">{row.grid}</span>
              <span class="search-detail">{row.detail}</span>
            </li>
          ))}
        </ul>
        {(call.standing.value === "done" || call.standing.value === "failed") && rows.length === 0 && (
          <p class="search-note">
            <button type="button" class="link" onClick={call.keep}>
              {t("case.call.keep")}
            </button>
          </p>
        )}
      </div>
      {call.begun.value && <Origin />}
      <span class="visually-hidden" role="status">
        {shown ? note || t("search.count", { count: rows.length }) : ""}
      </span>
    </div>
  );
}

/** Where the call came from; the system and the accuracy of its places are remembered for it. */
function Origin() {
  const { state, call } = useDispatch();
  const { t } = state;
  return (
    <div class="call-origin">
      <label class="field">
        <span>{t("case.source")}</span>
        <input
          type="text"
          list="call-sources"
          maxLength={60}
          placeholder={t("case.source.hint")}
          value={call.source.value}
          onChange={(event) => (call.source.value = event.currentTarget.value.trim())}
        />
        <datalist id="call-sources">
          {[...call.sources.value, t("case.source.phone"), t("case.source.patrol"), t("case.source.app")].map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </label>
      <label class="field">
        <span>{t("case.datum")}</span>
        <select value={call.datum.value} onChange={(event) => (call.datum.value = event.currentTarget.value as Datum)}>
          {DATUMS.map(({ datum, name }) => (
            <option key={datum} value={datum}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>{t("case.accuracy")}</span>
        <input
          type="number"
          min={0}
          max={10000}
          step={5}
          value={call.accuracy.value}
          onInput={(event) => {
            const metres = Number(event.currentTarget.value);
            if (metres >= 0 && metres <= 10000) call.accuracy.value = metres;
          }}
        />
      </label>
    </div>
  );
}

/** What tells a hit from others of its name; the number that a register has for it only where there is nothing else. */
function detailOf(state: State, { kind, title, detail }: SearchHit): string {
  const first = (detail ?? "").split(" · ")[0];
  if (kind === "facility") return facilityWords(state, first);
  return first === title ? "" : first;
}

function noteOf(t: State["t"], standing: string, count: number): string {
  if (standing === "busy" && count === 0) return t("search.busy");
  if (standing === "failed") return t("case.call.failed");
  return standing === "done" && count === 0 ? t("case.call.none") : "";
}

function rowOf(choice: CallChoice, at: number, state: State): Row {
  const t = state.t;
  const said = choice.words === "" ? "" : `“${choice.words}”`;
  if (choice.kind === "reading") {
    const { lon, lat, order, crs } = choice.reading;
    return {
      key: `reading-${at}`,
      kind: t("kind.point"),
      title: `${lon.toFixed(6)}, ${lat.toFixed(6)}`,
      detail: [t(`search.order.${order}` as Key), datumName(crs), said].filter((part) => part !== "").join(" · "),
      grid: "",
    };
  }
  const { hit } = choice;
  const detail = [detailOf(state, hit), said];
  return {
    key: `hit-${at}`,
    kind: t(`kind.${hit.kind}` as Key),
    title: hit.kind === "grid" ? codeWords(state, hit.title) : hit.title,
    detail: detail.filter((part) => part !== "").join(" · "),
    grid: hit.kind !== "grid" && hit.grid_code ? t("detail.grid", { code: codeWords(state, hit.grid_code) }) : "",
  };
}
