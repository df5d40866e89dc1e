import { useEffect, useState } from "preact/hooks";
import { columnsPath } from "../api/client";
import { ApiError } from "../api/request";
import { formatNumber, type Key } from "../i18n";
import { type Asking, BARRIERS, type Faults, faultsOf, formulasOf, HOUSEHOLDS, PIECES, scaledBounds } from "../state/asking";
import { errorWords } from "../state/problems";
import { useApp } from "./context";

interface Column {
  name: string;
  total: number;
}

export interface Asked {
  asking: Asking;
  set(more: Partial<Asking>): void;
  faults: Faults;
  /** Sum of what is balanced over the whole town; null while nobody knows. */
  total: number | null;
  columns: readonly Column[];
  /** Have the server read the formulas; true where all is well. */
  check(): Promise<boolean>;
  readWeight(): Promise<void>;
}

/** The state of the fields that the dialogs share; the columns are those of the plan's data, or of `of`. */
export function useAsked(first: Asking, of?: string): Asked {
  const { state, client } = useApp();
  const dataset = of ?? state.plan.value?.dataset_id ?? "";
  const [asking, setAsking] = useState(first);
  const [faults, setFaults] = useState<Faults>(new Map());
  const [columns, setColumns] = useState<Column[]>([]);
  const [totals, setTotals] = useState<ReadonlyMap<string, number>>(new Map());
  const [known, setKnown] = useState(HOUSEHOLDS);

  const ask = (formula: string): Promise<{ total: number | null; columns: Column[] }> =>
    client.json(`${columnsPath(dataset)}${formula === "" ? "" : `?formula=${encodeURIComponent(formula)}`}`);
  useEffect(() => {
    if (dataset === "") return;
    void ask("").then(
      (found) => {
        setColumns(found.columns);
        setTotals(new Map(found.columns.map(({ name, total }) => [name, total])));
      },
      () => undefined,
    );
  }, [dataset]);

  // The sum of each formula, or why it cannot be read.
  const read = async (formula: string): Promise<number | { detail: string } | null> => {
    const have = totals.get(formula);
    if (have !== undefined) return have;
    try {
      const { total } = await ask(formula);
      if (total !== null) setTotals((before) => new Map([...before, [formula, total]]));
      return total;
    } catch (error) {
      return error instanceof ApiError && error.status >= 400 && error.status < 500 ? { detail: errorWords(state, error) } : null;
    }
  };

  return {
    asking,
    faults,
    columns,
    total: totals.get(asking.weight.trim()) ?? null,
    set: (more) => {
      setAsking({ ...asking, ...more });
      setFaults(new Map());
    },
    async readWeight() {
      const formula = asking.weight.trim();
      if (formula === "" || formula === known) return;
      const found = await read(formula);
      if (typeof found === "number") {
        const before = totals.get(known);
        if (before !== undefined) setAsking((now) => ({ ...now, ...scaledBounds(now, before, found) }));
        setKnown(formula);
      } else if (found) setFaults(new Map([["weight", found]]));
    },
    async check() {
      const lead = leadLater();
      const mine = new Map<string, Key | { detail: string }>(faultsOf(asking));
      for (const { field, formula } of formulasOf(asking)) {
        if (mine.has(field)) continue;
        const found = await read(formula);
        if (found !== null && typeof found !== "number") mine.set(field, found);
      }
      setFaults(mine);
      lead(mine.size > 0 ? ".asked [aria-invalid=true]" : null);
      return mine.size === 0;
    },
  };
}

/** Leads to an element once an answer is there, unless somebody types or has gone elsewhere meanwhile. */
function leadLater(): (selector: string | null) => void {
  const from = document.activeElement;
  let typed = false;
  const note = (): void => void (typed = true);
  document.addEventListener("input", note, true);
  return (selector) =>
    requestAnimationFrame(() => {
      document.removeEventListener("input", note, true);
      const here = document.activeElement;
      if (selector !== null && !typed && (here === from || here === document.body)) document.querySelector<HTMLElement>(selector)?.focus();
    });
}

/** A fault of a field, at the field. */
function FieldFault({ faults, field }: { faults: Faults; field: string }) {
  const { t } = useApp().state;
  const fault = faults.get(field);
  if (!fault) return null;
  return (
    <p class="alert field-fault" role="alert" id={`fault-${field.replace("/", "-")}`}>
      {typeof fault === "string" ? t(fault) : t("asked.badFormula", fault)}
    </p>
  );
}

/** What is balanced, and between which bounds. */
export function WeightFields({ asked }: { asked: Asked }) {
  const { t } = useApp().state;
  const { asking, set, faults, columns } = asked;
  const about = (field: string) =>
    faults.has(field) ? { "aria-invalid": true, "aria-describedby": `fault-${field.replace("/", "-")}` } : {};
  return (
    <>
      <datalist id="asked-columns">
        {columns.map(({ name, total }) => (
          <option key={name} value={name}>
            {t("asked.total", { total: formatNumber(total) })}
          </option>
        ))}
      </datalist>
      <label class="field">
        <span>{t("asked.weight")}</span>
        <input
          type="text"
          list="asked-columns"
          value={asking.weight}
          maxLength={500}
          spellcheck={false}
          {...about("weight")}
          onInput={(event) => set({ weight: event.currentTarget.value })}
          onBlur={() => void asked.readWeight()}
        />
      </label>
      <p class="muted field-hint">{t("asked.weight.hint")}</p>
      <FieldFault faults={faults} field="weight" />
      <div class="fields">
        <label class="field">
          <span>{t("partition.min")}</span>
          <input type="text" inputMode="decimal" value={asking.min} {...about("bounds")} onInput={(event) => set({ min: event.currentTarget.value })} />
        </label>
        <label class="field">
          <span>{t("partition.max")}</span>
          <input type="text" inputMode="decimal" value={asking.max} {...about("bounds")} onInput={(event) => set({ max: event.currentTarget.value })} />
        </label>
      </div>
      <FieldFault faults={faults} field="bounds" />
    </>
  );
}

/** Further bounds, barriers, pieces, ways on foot. */
export function MoreFields({ asked }: { asked: Asked }) {
  const { t } = useApp().state;
  const { asking, set, faults } = asked;
  const change = (at: number, more: Partial<Asking["further"][number]>): void =>
    set({ further: asking.further.map((each, i) => (i === at ? { ...each, ...more } : each)) });
  return (
    <details class="asked-more" open={asking.further.length > 0 || faults.has("maxWalk")}>
      <summary>{t("asked.more")}</summary>
      <fieldset>
        <legend>{t("asked.further")}</legend>
        {asking.further.map((each, at) => (
          <div key={at} class="further-row">
            <input
              type="text"
              list="asked-columns"
              value={each.weight}
              maxLength={500}
              spellcheck={false}
              aria-label={t("asked.further.weight", { number: at + 1 })}
              aria-invalid={faults.has(`further/${at}`)}
              aria-describedby={faults.has(`further/${at}`) ? `fault-further-${at}` : undefined}
              onInput={(event) => change(at, { weight: event.currentTarget.value })}
            />
            <input type="text" inputMode="decimal" value={each.min} placeholder={t("partition.min")} aria-label={t("partition.min")} onInput={(event) => change(at, { min: event.currentTarget.value })} />
            <input type="text" inputMode="decimal" value={each.max} placeholder={t("partition.max")} aria-label={t("partition.max")} onInput={(event) => change(at, { max: event.currentTarget.value })} />
            <button type="button" class="button quiet" onClick={() => set({ further: asking.further.filter((_, i) => i !== at) })}>
              {t("asked.further.remove")}
            </button>
            <FieldFault faults={faults} field={`further/${at}`} />
          </div>
        ))}
        {asking.further.length < 10 && (
          <button type="button" class="button quiet" onClick={() => set({ further: [...asking.further, { weight: "", min: "", max: "" }] })}>
            {t("asked.further.add")}
          </button>
        )}
      </fieldset>
      <label class="field">
        <span>{t("asked.barriers")}</span>
        <select value={asking.barriers} onChange={(event) => set({ barriers: event.currentTarget.value as Asking["barriers"] })}>
          {BARRIERS.map((each) => (
            <option key={each} value={each}>
              {t(`asked.barriers.${each}`)}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>{t("asked.pieces")}</span>
        <select value={asking.pieces} onChange={(event) => set({ pieces: event.currentTarget.value as Asking["pieces"] })}>
          {PIECES.map((each) => (
            <option key={each} value={each}>
              {t(`asked.pieces.${each}`)}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>{t("asked.maxWalk")}</span>
        <input
          type="text"
          inputMode="decimal"
          value={asking.maxWalk}
          placeholder={t("asked.free")}
          aria-invalid={faults.has("maxWalk")}
          aria-describedby={faults.has("maxWalk") ? "fault-maxWalk" : undefined}
          onInput={(event) => set({ maxWalk: event.currentTarget.value })}
        />
      </label>
      <FieldFault faults={faults} field="maxWalk" />
    </details>
  );
}

/** Whether what is locked stays as it is. */
export function LocksField({ asked }: { asked: Asked }) {
  const { t } = useApp().state;
  return (
    <label class="check">
      <input type="checkbox" checked={asked.asking.locks} onChange={(event) => asked.set({ locks: event.currentTarget.checked })} />
      {t("partition.locks")}
    </label>
  );
}
