import { useEffect, useRef, useState } from "preact/hooks";
import type { Position } from "../api/base";
import { formatNumber, type Key } from "../i18n";
import { BARRIERS, type BaseTool, kindOf, readPoints, type Shape, writePoints } from "../state/base";
import { type Feature, measure, type Pending, type Step } from "../state/baselist";
import type { State } from "../state/state";
import { BaseFiles } from "./BaseFiles";
import { useApp } from "./context";
import { Icon } from "./icons";

const SHAPES: readonly BaseTool[] = ["building", "street", "barrier", "gate"];
/** Classes of streets that are offered, the widest first. */
const CLASSES = ["trunk", "primary", "secondary", "tertiary", "residential", "living_street", "minor"] as const;

/** The page of the panel on which base data are changed: what is picked or drawn, what waits, files. */
export function BasePanel() {
  const { state, base } = useApp();
  const { t } = state;
  const { tool, picked } = base;
  // What was drawn last can be described until the next drawing begins.
  const done = picked.value !== null && base.drawing.value === null && picked.value.step !== null;
  const drawing = !done && SHAPES.includes(tool.value);
  return (
    <div class="base-page">
      <Waiting />
      {drawing ? <DrawForm key={tool.value} /> : picked.value ? <PickedForm key={keyOf(picked.value)} /> : <p class="base-hint muted">{t("base.nothingPicked")}</p>}
      <BaseFiles />
    </div>
  );
}

/** The changes that are not applied yet, each removable. */
function Waiting() {
  const { state, base } = useApp();
  const { t } = state;
  const count = base.count.value;
  const applying = base.applying.value;
  const list = useRef<HTMLUListElement>(null);
  const remove = (step: Step, at: number): void => {
    base.remove(step.key);
    // The focus stays in the list, else goes to its head.
    requestAnimationFrame(() => {
      const buttons = list.current?.querySelectorAll<HTMLElement>(".base-remove");
      (buttons?.[Math.min(at, (buttons?.length ?? 1) - 1)] ?? document.getElementById("base-waiting"))?.focus();
    });
  };
  return (
    <section class="base-waiting" aria-labelledby="base-waiting">
      <h2 id="base-waiting" tabIndex={-1}>
        {count === 0 ? t("base.none") : count === 1 ? t("base.waitingOne") : t("base.waiting", { count })}
      </h2>
      {count === 0 && <Result />}
      {base.fault.value && (
        <p class="alert" role="alert">
          {t("base.refused", { detail: base.fault.value.text })}
        </p>
      )}
      <ul class="base-steps" ref={list}>
        {base.steps.value.map((step, at) => (
          <li key={step.key} class={base.fault.value?.step === step.key ? "is-fault" : ""}>
            <span>{stepWords(state, step)}</span>
            <button
              type="button"
              class="icon-button base-remove"
              disabled={applying !== null}
              aria-label={t("base.removeOf", { what: stepWords(state, step) })}
              title={t("base.remove")}
              onClick={() => remove(step, at)}
            >
              <Icon name="close" size={14} />
            </button>
          </li>
        ))}
      </ul>
      {applying !== null ? (
        <p class="base-progress">
          <progress max={100} value={Math.round(100 * applying)} aria-label={t("base.applying")} />
          <span class="number">{Math.round(100 * applying)} %</span>
          <button type="button" class="button" onClick={base.cancel}>
            {t("job.cancel")}
          </button>
        </p>
      ) : (
        count > 0 && (
          <p class="base-buttons">
            <button type="button" class="button primary" onClick={() => void base.apply()}>
              {t("base.apply")}
            </button>
            <button type="button" class="button" onClick={() => base.undo()}>
              {t("base.undoLast")}
            </button>
            <button type="button" class="button" onClick={base.clear}>
              {t("base.clear")}
            </button>
          </p>
        )
      )}
    </section>
  );
}

/** What the last changes came to. */
function Result() {
  const { state, base } = useApp();
  const { t } = state;
  const result = base.result.value;
  if (!result) return <p class="muted">{t("base.how")}</p>;
  const households = result.households;
  const words = [
    result.recut ? t("base.result.cells", { made: result.cells_new, gone: result.cells_gone }) : t("base.result.sameCells"),
    households === 0 ? t("base.result.same") : t(households > 0 ? "base.result.more" : "base.result.fewer", { count: Math.abs(households) }),
    result.unmatched.length === 0 ? t("base.result.kept") : t("base.result.lost", { count: result.unmatched.length, households: result.unmatched.reduce((sum, each) => sum + each.households, 0) }),
  ];
  return (
    <p role="status" class="base-result">
      {words.join(" ")}
    </p>
  );
}

/** "Move 和阳里 3号楼", "counts.xlsx: 238 changes". */
function stepWords(state: State, { file, items }: Step): string {
  const { t } = state;
  if (file !== null) return t("base.fileStep", { name: file, count: items.length });
  return itemWords(state, items[0]);
}

function itemWords(state: State, { change, name, before }: Pending): string {
  const { t } = state;
  const kind = { buildings: "building", streets: "street", gates: "gate", facilities: before.category === "gate" ? "gate" : "facility", barriers: "barrier" }[change.layer];
  const what = `${t(`base.kind.${kind}` as Key)}${name ? ` ${name}` : ""}`;
  const { households } = change.values ?? {};
  const more = change.op === "add" && typeof households === "number" ? ` · ${formatNumber(households)} ${t("totals.households")}` : "";
  if (change.op !== "set") return t(`base.step.${change.op}`, { what }) + more;
  const values = Object.entries(change.values ?? {}).map(([column, value]) => {
    const label = t(`base.column.${column}` as Key);
    const was = before[column];
    return `${label} ${was === undefined || was === null ? "" : `${plain(was)} → `}${plain(value)}`;
  });
  return `${what}: ${values.join(", ")}`;
}

const plain = (value: unknown): string => (typeof value === "number" ? formatNumber(value, Number.isInteger(value) ? 0 : 1) : String(value ?? "–"));

/** What is drawn: its points by hand on the map or typed here, its name and numbers. */
function DrawForm() {
  const { state, base } = useApp();
  const { t } = state;
  const shape = base.tool.value as Shape;
  const points = base.drawing.value?.shape === shape ? base.drawing.value.points : [];
  const [text, setText] = useState(writePoints(points));
  const [wrong, setWrong] = useState(false);
  const typed = base.typed.value;
  const typing = useRef(false);
  useEffect(() => {
    if (typing.current) typing.current = false;
    else setText(writePoints(points));
  }, [points]);
  const type = (value: string): void => {
    const read = readPoints(value);
    setText(value);
    setWrong(read === null);
    if (!read) return;
    typing.current = true;
    base.drawing.value = { shape, points: read };
  };
  const set = (name: string) => (event: Event) => void (base.typed.value = { ...typed, [name]: (event.currentTarget as HTMLInputElement).value });
  const finish = (event: Event): void => {
    event.preventDefault();
    if (wrong) return;
    base.drawing.value ??= { shape, points: [] };
    base.finish();
  };
  return (
    <form class="base-form" onSubmit={finish} aria-label={t(`base.tool.${shape}`)}>
      <h2>{t(`base.tool.${shape}`)}</h2>
      <Field label={t("base.points")} hint={wrong ? t("base.points.wrong") : t("base.points.hint")} alert={wrong}>
        <textarea rows={Math.min(8, Math.max(3, points.length + 1))} value={text} spellcheck={false} onInput={(event) => type(event.currentTarget.value)} />
      </Field>
      <p class="muted">{sizeWords(state, shape, points)}</p>
      {shape === "barrier" && (
        <Field label={t("base.barrier")}>
          <select value={typed.kind ?? BARRIERS[0]} onChange={set("kind")}>
            {BARRIERS.map((each) => (
              <option key={each} value={each}>
                {t(`base.barrier.${each}`)}
              </option>
            ))}
          </select>
        </Field>
      )}
      {shape === "street" && <ClassField value={base.streetClass.value} onChange={(value) => (base.streetClass.value = value)} />}
      <Field label={t("base.column.name")}>
        <input type="text" maxLength={200} value={typed.name ?? ""} onInput={set("name")} />
      </Field>
      {shape === "building" && (
        <div class="fields">
          <Field label={t("base.column.households")}>
            <input type="number" min={0} max={1_000_000} step={1} value={typed.households ?? ""} onInput={set("households")} />
          </Field>
          <Field label={t("base.column.population")}>
            <input type="number" min={0} max={1_000_000} step="any" value={typed.population ?? ""} onInput={set("population")} />
          </Field>
        </div>
      )}
      <p class="base-buttons">
        <button type="submit" class="button primary">
          {t("base.note")}
        </button>
        <button type="button" class="button" onClick={() => (base.drawing.value = null)}>
          {t("base.anew")}
        </button>
      </p>
    </form>
  );
}

function sizeWords({ t }: State, shape: Shape, points: readonly Position[]): string {
  if (shape === "gate" || points.length < (shape === "building" ? 3 : 2)) return t(`base.hint.${shape}`);
  const size = measure(points, shape === "building");
  return t(shape === "building" ? "base.size.area" : "base.size.length", { points: points.length, size: Math.round(size) });
}

/** The thing that was picked: its numbers, moving, retiring. */
function PickedForm() {
  const { state, base } = useApp();
  const { t } = state;
  const feature = base.picked.value as Feature;
  const kind = kindOf(feature);
  return (
    <section class="base-form" aria-labelledby="base-picked">
      <h2 id="base-picked">
        {t(`base.kind.${kind}`)} {feature.name}
      </h2>
      {feature.id !== null && feature.id !== feature.name && (
        <p class="muted">
          {t("detail.id")} {feature.id}
        </p>
      )}
      {kind === "building" && <Numbers feature={feature} />}
      {kind === "street" && <StreetClass feature={feature} />}
      {kind !== "street" && kind !== "barrier" && <MoveBy feature={feature} />}
      <p class="base-buttons">
        <button type="button" class="button danger" onClick={() => base.retire(feature)}>
          {t("base.tool.retire")}
        </button>
        <button type="button" class="button" onClick={() => base.select(null)}>
          {t("dialog.close")}
        </button>
      </p>
    </section>
  );
}

const keyOf = (feature: Feature): string => `${feature.layer}/${feature.step ?? feature.id ?? feature.ix}`;

function Numbers({ feature }: { feature: Feature }) {
  const { state, base } = useApp();
  const { t } = state;
  const text = (name: string): string => (typeof feature.values[name] === "number" ? String(feature.values[name]) : "");
  const [households, setHouseholds] = useState(text("households"));
  const [people, setPeople] = useState(text("population"));
  const was = typeof feature.values.name === "string" ? feature.values.name : "";
  const [name, setName] = useState(was);
  const save = (event: Event): void => {
    event.preventDefault();
    const values: Record<string, unknown> = {};
    if (households !== "" && households !== text("households")) values.households = Number(households);
    if (name.trim() !== was) values.name = name.trim() || null;
    if (people !== text("population")) values.population = people === "" ? null : Number(people);
    if (Object.keys(values).length > 0) base.setValues(feature, values);
  };
  return (
    <form onSubmit={save}>
      <div class="fields">
        <Field label={t("base.column.name")}>
          <input type="text" maxLength={200} value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </Field>
        <Field label={t("base.column.households")}>
          <input type="number" min={0} max={1_000_000} step={1} required value={households} onInput={(event) => setHouseholds(event.currentTarget.value)} />
        </Field>
        <Field label={t("base.column.population")}>
          <input type="number" min={0} max={1_000_000} step="any" value={people} onInput={(event) => setPeople(event.currentTarget.value)} />
        </Field>
        <button type="submit" class="button primary">
          {t("base.note")}
        </button>
      </div>
    </form>
  );
}

function StreetClass({ feature }: { feature: Feature }) {
  const { base } = useApp();
  const now = String(feature.values.class ?? feature.values.street_class ?? "residential");
  return <ClassField value={now} onChange={(value) => base.setValues(feature, { class: value })} />;
}

function ClassField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { t } = useApp().state;
  const offered: string[] = CLASSES.includes(value as (typeof CLASSES)[number]) ? [...CLASSES] : [value, ...CLASSES];
  return (
    <Field label={t("base.class")}>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {offered.map((each) => (
          <option key={each} value={each}>
            {CLASSES.includes(each as (typeof CLASSES)[number]) ? t(`base.class.${each}` as Key) : each}
          </option>
        ))}
      </select>
    </Field>
  );
}

/** Moving without a pointer: metres east and north. */
function MoveBy({ feature }: { feature: Feature }) {
  const { state, base } = useApp();
  const { t } = state;
  const [east, setEast] = useState("");
  const [north, setNorth] = useState("");
  const move = (event: Event): void => {
    event.preventDefault();
    if (Number(east || 0) === 0 && Number(north || 0) === 0) return;
    base.moveBy(feature, Number(east || 0), Number(north || 0));
    setEast("");
    setNorth("");
  };
  return (
    <form onSubmit={move}>
      <div class="fields">
        <Field label={t("base.east")}>
          <input type="number" step="any" value={east} onInput={(event) => setEast(event.currentTarget.value)} />
        </Field>
        <Field label={t("base.north")}>
          <input type="number" step="any" value={north} onInput={(event) => setNorth(event.currentTarget.value)} />
        </Field>
        <button type="submit" class="button">
          {t("base.moveIt")}
        </button>
      </div>
    </form>
  );
}

interface FieldProps {
  label: string;
  hint?: string;
  alert?: boolean;
  children: preact.ComponentChildren;
}

export function Field({ label, hint, alert, children }: FieldProps) {
  return (
    <label class="field">
      <span>{label}</span>
      {children}
      {hint && <small class={alert ? "alert" : "muted"}>{hint}</small>}
    </label>
  );
}

export const BASE_TOOLS: readonly BaseTool[] = ["look", "building", "street", "barrier", "gate", "move", "retire"];
