import { useEffect, useId, useRef, useState } from "preact/hooks";
import { type BaseChange, type CountsPreview, outlineType, type OutlinesPreview, sheetType } from "../api/base";
import { ApiError } from "../api/request";
import { formatNumber } from "../i18n";
import { nameOf, type Pending } from "../state/baselist";
import { errorWords, known } from "../state/problems";
import type { State } from "../state/state";
import { useApp } from "./context";
import { Field } from "./BasePanel";

/** Rows of a list that are shown at once. */
const MOST_ROWS = 50;
const SYSTEMS = ["", "wgs84", "cgcs2000", "gcj02", "bd09", "epsg"] as const;

/** Files: a sheet of counts that is joined, outlines that are loaded; what is found is shown before it counts. */
export function BaseFiles() {
  const { t } = useApp().state;
  return (
    <section class="base-files">
      <details>
        <summary>{t("base.counts")}</summary>
        <Counts />
      </details>
      <details>
        <summary>{t("base.outlines")}</summary>
        <OutlinesForm />
      </details>
    </section>
  );
}

type Standing<T> = { kind: "idle" } | { kind: "busy" } | { kind: "failed"; text: string } | { kind: "found"; file: File; found: T };

/** Ask the server what a file says, and say so when it fails. */
function useFile<T>(): [Standing<T>, (file: File, ask: () => Promise<T>) => Promise<void>, () => void] {
  const { state } = useApp();
  const [standing, setStanding] = useState<Standing<T>>({ kind: "idle" });
  const read = async (file: File, ask: () => Promise<T>): Promise<void> => {
    setStanding({ kind: "busy" });
    try {
      const found = await ask();
      setStanding({ kind: "found", file, found });
    } catch (error) {
      const known = error instanceof ApiError && error.status !== 0;
      setStanding({ kind: "failed", text: known ? errorWords(state, error) : state.t("error.noConnection") });
    }
  };
  return [standing, read, () => setStanding({ kind: "idle" })];
}

function Trouble({ standing }: { standing: Standing<unknown> }) {
  const { t } = useApp().state;
  if (standing.kind === "busy") return <p role="status">{t("base.reading")}</p>;
  if (standing.kind === "failed")
    return (
      <p class="alert" role="alert">
        {standing.text}
      </p>
    );
  return null;
}

function FileField({ label, accept, onFile }: { label: string; accept: string; onFile: (file: File) => void }) {
  return (
    <Field label={label}>
      <input
        type="file"
        accept={accept}
        onChange={(event) => {
          const [file] = event.currentTarget.files ?? [];
          // The same file can be taken again after it was mended.
          event.currentTarget.value = "";
          if (file) onFile(file);
        }}
      />
    </Field>
  );
}

const COLUMNS = ["compound", "building", "households", "population"] as const;

function Counts() {
  const { state, base, baseClient } = useApp();
  const { t } = state;
  const [standing, read, close] = useFile<CountsPreview>();
  const [columns, setColumns] = useState<Record<string, string>>({});
  const [last, setLast] = useState<File | null>(null);
  const take = (file: File): void => {
    setLast(file);
    const named = Object.fromEntries(Object.entries(columns).filter(([, name]) => name.trim() !== ""));
    void read(file, () =>
      sheetType(file.name)
        ? baseClient.counts(state.plan.value?.dataset_id ?? "", file, named)
        : Promise.reject(new ApiError("bad-file", 415, t("base.counts.kind"))),
    );
  };
  return (
    <div class="base-form">
      <p class="muted">{t("base.counts.text")}</p>
      <FileField label={t("base.counts.file")} accept=".xlsx,.csv" onFile={take} />
      <details class="base-columns">
        <summary>{t("base.counts.columns")}</summary>
        <div class="fields">
          {COLUMNS.map((column) => (
            <Field key={column} label={t(`base.column.${column}`)}>
              <input type="text" value={columns[column] ?? ""} onInput={(event) => setColumns({ ...columns, [column]: event.currentTarget.value })} />
            </Field>
          ))}
        </div>
        {last && (
          <button type="button" class="button" onClick={() => take(last)}>
            {t("base.again", { name: last.name })}
          </button>
        )}
      </details>
      <Trouble standing={standing} />
      {standing.kind === "found" && (
        <CountsFound
          found={standing.found}
          onTake={() => {
            base.addFile(standing.file.name, pendingOf(standing.found.changes));
            close();
          }}
          onClose={close}
        />
      )}
    </div>
  );
}

/** What was found, brought into sight. */
function Found({ children }: { children: preact.ComponentChildren }) {
  const { t } = useApp().state;
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => element.current?.scrollIntoView({ block: "nearest" }), []);
  return (
    <div class="base-found" role="group" aria-label={t("base.found")} ref={element}>
      {children}
    </div>
  );
}

/** Why a row, or an outline, was left; the server's sentence where the page has no words for it. */
function whyWords(t: State["t"], { why, case: which }: { why: string; case?: string }, near: string | null = null): string {
  const key = known(`base.why.${which}`);
  return key ? t(key, { near: near ?? "" }) : why;
}

/** What a column of a sheet holds. */
function columnWords(t: State["t"], target: string): string {
  const key = known(`base.column.${target}`);
  return key ? t(key) : target;
}

interface FoundProps<T> {
  found: T;
  onTake: () => void;
  onClose: () => void;
}

function CountsFound({ found, onTake, onClose }: FoundProps<CountsPreview>) {
  const { t } = useApp().state;
  const rows = found.unmatched_rows;
  const place = (...parts: (string | null)[]): string => parts.filter(Boolean).join(" ");
  return (
    <Found>
      <p role="status">
        <b>{t("base.counts.found", { matched: found.matched, households: found.households, changes: found.changes.length })}</b>
      </p>
      <Rows
        title={t("base.counts.unmatched", { count: rows.length })}
        items={rows.map(({ row, compound, building, id, address, candidates, ...said }) => ({
          head: `${t("base.row", { row })} ${place(compound, building, id, address)}`,
          text: whyWords(t, said) + (candidates.length > 0 ? ` · ${t("base.near", { list: candidates.map((one) => nameOf("buildings", { ...one })).join(", ") })}` : ""),
        }))}
      />
      <Rows
        title={t("base.counts.doubles", { count: found.doubles.length })}
        items={found.doubles.map(({ rows: numbers, buildings }) => ({
          head: numbers.map((row) => t("base.row", { row })).join(", "),
          text: t("base.counts.double", { list: buildings.slice(0, 5).join(", "), count: buildings.length }),
        }))}
      />
      <Rows
        title={t("base.counts.bad", { count: found.bad_numbers.length })}
        items={found.bad_numbers.map(({ row, column, text }) => ({ head: t("base.row", { row }), text: `${column}: ${text}` }))}
      />
      <Rows
        title={t("base.counts.missing", { count: found.unmatched_buildings.length })}
        items={found.unmatched_buildings.map((one) => ({
          head: nameOf("buildings", { ...one }),
          text: `${formatNumber(one.households)} ${t("totals.households")}`,
        }))}
      />
      <Notes notes={[...Object.entries(found.columns).map(([target, name]) => `${columnWords(t, target)} ← ${name}`), ...found.notes]} />
      <Take count={found.changes.length} onTake={onTake} onClose={onClose} />
    </Found>
  );
}

function Take({ count, onTake, onClose }: { count: number; onTake: () => void; onClose: () => void }) {
  const { t } = useApp().state;
  return (
    <p class="base-buttons">
      {count > 0 && (
        <button type="button" class="button primary" onClick={onTake}>
          {t("base.take", { count })}
        </button>
      )}
      <button type="button" class="button" onClick={onClose}>
        {t("dialog.close")}
      </button>
    </p>
  );
}

/** A list behind its title; nothing where it is empty. */
function Rows({ title, items }: { title: string; items: { head: string; text: string }[] }) {
  const { t } = useApp().state;
  const [all, setAll] = useState(false);
  if (items.length === 0) return null;
  return (
    <details class="base-rows" open={items.length <= 6}>
      <summary>{title}</summary>
      <ul>
        {(all ? items : items.slice(0, MOST_ROWS)).map(({ head, text }, i) => (
          <li key={i}>
            <b>{head}</b> {text}
          </li>
        ))}
      </ul>
      {!all && items.length > MOST_ROWS && (
        <button type="button" class="link" onClick={() => setAll(true)}>
          {t("checks.more", { count: items.length - MOST_ROWS })}
        </button>
      )}
    </details>
  );
}

function Notes({ notes }: { notes: string[] }) {
  if (notes.length === 0) return null;
  return (
    <ul class="base-notes muted">
      {notes.map((note) => (
        <li key={note}>{note}</li>
      ))}
    </ul>
  );
}

function OutlinesForm() {
  const { state, base, baseClient } = useApp();
  const { t } = state;
  const [standing, read, close] = useFile<OutlinesPreview>();
  const [layer, setLayer] = useState<"buildings" | "streets">("buildings");
  const [system, setSystem] = useState<(typeof SYSTEMS)[number]>("");
  const [epsg, setEpsg] = useState("4549");
  const [last, setLast] = useState<File | null>(null);
  const id = useId();
  const crs = system === "epsg" ? `EPSG:${epsg}` : system;
  const take = (file: File, parts: string[] = []): void => {
    setLast(file);
    void read(file, () =>
      outlineType(file.name)
        ? baseClient.outlines(state.plan.value?.dataset_id ?? "", file, { layer, crs, parts })
        : Promise.reject(new ApiError("bad-file", 415, t("base.outlines.kind"))),
    );
  };
  return (
    <div class="base-form">
      <p class="muted">{t("base.outlines.text")}</p>
      <div class="fields">
        <Field label={t("base.outlines.layer")}>
          <select value={layer} onChange={(event) => setLayer(event.currentTarget.value as typeof layer)}>
            <option value="buildings">{t("base.layer.buildings")}</option>
            <option value="streets">{t("base.layer.streets")}</option>
          </select>
        </Field>
        <Field label={t("base.crs")}>
          <select value={system} aria-describedby={id} onChange={(event) => setSystem(event.currentTarget.value as typeof system)}>
            {SYSTEMS.map((each) => (
              <option key={each} value={each}>
                {t(`base.crs.${each === "" ? "file" : each}`)}
              </option>
            ))}
          </select>
        </Field>
        {system === "epsg" && (
          <Field label="EPSG">
            <input type="text" inputMode="numeric" pattern="[0-9]{4,6}" value={epsg} onInput={(event) => setEpsg(event.currentTarget.value)} />
          </Field>
        )}
      </div>
      <small id={id} class="muted">
        {t("base.crs.hint")}
      </small>
      <FileField label={t("base.outlines.file")} accept=".kml,.kmz,.dxf,.geojson,.json" onFile={(file) => take(file)} />
      {last && standing.kind !== "busy" && (
        <button type="button" class="button" onClick={() => take(last)}>
          {t("base.again", { name: last.name })}
        </button>
      )}
      <Trouble standing={standing} />
      {standing.kind === "found" && (
        <OutlinesFound
          found={standing.found}
          onParts={(parts) => take(standing.file, parts)}
          onTake={() => {
            base.addFile(standing.file.name, pendingOf(standing.found.changes));
            close();
          }}
          onClose={close}
        />
      )}
    </div>
  );
}

function OutlinesFound({ found, onTake, onClose, onParts }: FoundProps<OutlinesPreview> & { onParts: (parts: string[]) => void }) {
  const { t } = useApp().state;
  const taken = found.parts.filter((part) => part.taken).map(({ name }) => name);
  const toggle = (name: string): void => {
    const next = taken.includes(name) ? taken.filter((each) => each !== name) : [...taken, name];
    if (next.length > 0) onParts(next);
  };
  return (
    <Found>
      <p role="status">
        <b>{t("base.outlines.found", { added: found.added, moved: found.moved, left: found.left_out.length })}</b>
      </p>
      {found.parts.length > 1 && (
        <fieldset>
          <legend>{t("base.parts")}</legend>
          {found.parts.map(({ name, rows }) => (
            <label key={name} class="check">
              <input type="checkbox" checked={taken.includes(name)} onChange={() => toggle(name)} />
              {name || "–"} ({formatNumber(rows)})
            </label>
          ))}
        </fieldset>
      )}
      <Notes notes={[`${t("base.crs")}: ${found.crs}`, ...found.notes]} />
      <Rows
        title={t("base.outlines.left", { count: found.left_out.length })}
        items={found.left_out.map(({ row, name, near, ...said }) => ({ head: `${t("base.row", { row: row + 1 })} ${name ?? ""}`, text: whyWords(t, said, near) }))}
      />
      <Take count={found.changes.length} onTake={onTake} onClose={onClose} />
    </Found>
  );
}

const pendingOf = (changes: BaseChange[]): Pending[] =>
  changes.map((change) => ({ change, name: String(change.values?.name ?? change.id ?? ""), was: null, before: {} }));
