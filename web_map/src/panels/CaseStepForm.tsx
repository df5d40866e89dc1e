import { useEffect, useRef, useState } from "preact/hooks";
import type { CaseDetail, StepKind } from "../api/cases";
import type { Key } from "../i18n";
import { shortCode } from "../kernels/codes";
import { asksOf } from "../state/casesteps";
import type { StepFields } from "../state/cases";
import { unitWords } from "../state/casewords";
import type { State } from "../state/state";
import { useDispatch } from "./casecontext";
import { isComposing } from "./context";

const DEFAULT_MINUTES = 120;

/** What is missing, and in which field. */
interface Fault {
  field: "why" | "to" | "minutes" | "other";
  words: Key;
}

/** What a step needs to know, asked where the case is; Enter does it, Escape leaves it. */
export function CaseStepForm({ one, kind }: { one: CaseDetail; kind: StepKind }) {
  const { state, cases } = useDispatch();
  const { t } = state;
  const asks = asksOf(kind) ?? { why: "none" as const, to: "needed" as const };
  const possible = cases.busy.value || one.allowed.includes(kind);
  const [draft] = useState(() => cases.drafts.get(one.id, kind));
  const [why, setWhy] = useState(draft.why);
  const [to, setTo] = useState(draft.to);
  const [minutes, setMinutes] = useState(DEFAULT_MINUTES);
  const [passed, setPassed] = useState(true);
  const [other, setOther] = useState(one.duplicates[0] ? String(one.duplicates[0].id) : "");
  const [fault, setFault] = useState<Fault | null>(null);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    form.current?.scrollIntoView({ block: "nearest" });
    form.current?.querySelector<HTMLElement>("textarea, input")?.focus();
  }, []);

  useEffect(() => cases.drafts.keep(one.id, kind, { why, to }), [why, to]);
  // What somebody else did meanwhile can make a step impossible: what was typed for it is not thrown away.
  const lost = !possible && why.trim() === "";
  useEffect(() => {
    if (lost) cases.asked.value = null;
  }, [lost]);

  const missing = (): Fault | null => {
    if (asks.why === "needed" && why.trim() === "") return { field: "why", words: "case.form.needsWhy" };
    if (asks.to === "needed" && to.trim() === "") return { field: "to", words: "case.form.needsUnit" };
    if (asks.minutes && !(minutes > 0)) return { field: "minutes", words: "case.form.needsMinutes" };
    if (asks.other && !/^#?\d+$/.test(other.trim())) return { field: "other", words: "case.form.needsOther" };
    return null;
  };
  const invalid = (field: Fault["field"]) => (fault?.field === field ? { "aria-invalid": true, "aria-describedby": "step-fault" } : {});
  const send = (event: Event): void => {
    event.preventDefault();
    if (!possible) {
      if (!cases.busy.value)
        void cases.act("note", { why: why.trim() }).then((done) => {
          if (!done) return;
          cases.drafts.drop(one.id, kind);
          cases.asked.value = null;
        });
      return;
    }
    const found = missing();
    setFault(found);
    if (found) return form.current?.querySelector<HTMLElement>(`[name=${found.field}]`)?.focus();
    if (cases.busy.value) return;
    const fields: StepFields = {};
    if (why.trim() !== "") fields.why = why.trim();
    if (to.trim() !== "") fields.to = unitNamed(state, to.trim(), cases.units.value);
    if (asks.minutes) fields.minutes = minutes;
    if (asks.passed) fields.passed = passed;
    if (asks.other) fields.other = Number(other.trim().replace("#", ""));
    void cases.act(kind, fields);
  };
  return (
    <form
      ref={form}
      class="step-form"
      aria-label={t(`case.step.${kind}`)}
      onSubmit={send}
      onKeyDown={(event) => {
        if (isComposing(event)) return;
        if (event.key === "Escape") {
          event.stopPropagation();
          cases.asked.value = null;
        } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey || event.target instanceof HTMLTextAreaElement) && !event.shiftKey) send(event);
      }}
    >
      {asks.passed && (
        <fieldset class="segments">
          <legend class="visually-hidden">{t("case.step.check")}</legend>
          {[true, false].map((each) => (
            <label key={String(each)} class={passed === each ? "is-on" : ""}>
              <input type="radio" name="passed" checked={passed === each} onChange={() => setPassed(each)} />
              {t(each ? "case.said.passed" : "case.said.failed")}
            </label>
          ))}
        </fieldset>
      )}
      {asks.other && (
        <label class="field">
          <span>{t("case.form.other")}</span>
          <input type="text" name="other" inputMode="numeric" value={other} {...invalid("other")} onInput={(event) => setOther(event.currentTarget.value)} />
        </label>
      )}
      {asks.minutes && (
        <label class="field">
          <span>{t("case.form.minutes")}</span>
          <input type="number" name="minutes" {...invalid("minutes")} min={1} max={200000} value={minutes} onInput={(event) => setMinutes(Number(event.currentTarget.value))} />
        </label>
      )}
      {asks.why !== "none" && (
        <label class="field">
          <span>{t(kind === "note" ? "case.form.note" : asks.why === "needed" ? "case.form.why" : "case.form.whyMay")}</span>
          <textarea name="why" {...invalid("why")} rows={2} maxLength={4000} value={why} onInput={(event) => setWhy(event.currentTarget.value)} />
        </label>
      )}
      {asks.to && (
        <label class="field">
          <span>{t(asks.to === "rules" ? "case.form.toRules" : "case.form.to")}</span>
          <input type="text" name="to" {...invalid("to")} list="case-units" maxLength={200} value={to} onInput={(event) => setTo(event.currentTarget.value)} />
          <datalist id="case-units">
            {cases.units.value.map((unit) => (
              <option key={unit} value={unitWords(state, unit)} />
            ))}
          </datalist>
        </label>
      )}
      {!possible && (
        <p class="alert" role="alert">
          {t("case.form.tooLate", { step: t(`case.step.${kind}`) })}
        </p>
      )}
      {fault && (
        <p class="alert" role="alert" id="step-fault">
          {t(fault.words)}
        </p>
      )}
      <p class="form-buttons">
        <button
          type="button"
          class="button"
          onClick={() => {
            cases.drafts.drop(one.id, kind);
            cases.asked.value = null;
          }}
        >
          {t(possible ? "dialog.cancel" : "case.form.discard")}
        </button>
        <button type="submit" class="button primary" aria-disabled={cases.busy.value}>
          {t(possible ? `case.step.${kind}` : "case.form.asNote")}
        </button>
      </p>
    </form>
  );
}

/** A unit by what people typed: the short code of a grid stands for the whole one, where there is one such. */
function unitNamed(state: State, typed: string, units: readonly string[]): string {
  const found = units.filter((unit) => unit === typed || shortCode(unit) === typed || unitWords(state, unit) === typed);
  return found.length === 1 ? found[0] : typed;
}
