/** What a step has to say: a reason, to whom, how much time, whether the place is in order. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { StepBody } from "../api/cases";
import { usePhone } from "./context";
import { NEEDS_REASON, type WorkerStep } from "./machine";
import { unitsOf } from "./report";
import type { PhoneKey } from "./words";

interface Props {
  id: number;
  /** Who has the case. */
  unit: string | null;
  kind: WorkerStep;
  /** A refused step that is to be changed. */
  begun: Omit<StepBody, "key" | "seen"> | undefined;
  mends: number | null;
  close: () => void;
}

/** As many hours as the server takes. */
const MOST_HOURS = 3333;

/** Steps that say who gets the case; where the rules know it, that may be left out. */
const NAMES_UNIT: ReadonlyMap<WorkerStep, PhoneKey> = new Map([
  ["return", "form.return.to"],
  ["hand_over", "form.hand_over.to"],
  ["escalate", "form.escalate.to"],
]);

export function StepForm({ id, unit, kind, begun, mends, close }: Props) {
  const phone = usePhone();
  const { t } = phone;
  const [why, setWhy] = useState(begun?.why ?? "");
  const [to, setTo] = useState(begun?.to ?? "");
  const [hours, setHours] = useState(begun?.minutes ? String(begun.minutes / 60) : "4");
  const [passed, setPassed] = useState<boolean | null>(begun?.passed ?? null);
  const [fault, setFault] = useState<Fault | null>(null);
  const form = useRef<HTMLFormElement>(null);
  const first = useRef<HTMLTextAreaElement>(null);
  const busy = useRef(false);
  useEffect(() => first.current?.focus(), []);

  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    const wrong = faultOf(kind, { why, to: to.trim(), hours, passed }, unit);
    setFault(wrong);
    if (wrong) return form.current?.querySelector<HTMLElement>(`[name=${wrong.field}]`)?.focus();
    if (busy.current) return;
    busy.current = true;
    const step: Omit<StepBody, "key" | "seen"> = { kind };
    if (why.trim()) step.why = why.trim();
    if (NAMES_UNIT.has(kind) && to.trim()) step.to = to.trim();
    if (kind === "extend") step.minutes = Number(hours) * 60;
    if (kind === "check" && passed !== null) step.passed = passed;
    try {
      await phone.step(id, step, mends);
      phone.say(t("kept.step", { what: t(`do.${kind}`) }), "good");
      close();
    } catch {
      phone.say(t("keep.failed"), "bad");
    } finally {
      busy.current = false;
    }
  };

  const reason: PhoneKey = kind === "check" ? "form.check.why" : kind === "accept" || kind === "resume" ? "form.note" : `form.${kind}`;
  const toWords = NAMES_UNIT.get(kind);
  const invalid = (field: Fault["field"]) => (fault?.field === field ? { "aria-invalid": true, "aria-describedby": "step-fault" } : {});
  return (
    <form ref={form} class="step-form" onSubmit={(event) => void send(event)} noValidate>
      <h2>{t(`do.${kind}`)}</h2>
      {kind === "check" && (
        <fieldset class="choices">
          <legend>{t("form.check")}</legend>
          {[true, false].map((value) => (
            <label key={String(value)} class={passed === value ? "is-on" : ""}>
              <input type="radio" name="passed" checked={passed === value} onChange={() => setPassed(value)} />
              {t(value ? "form.check.yes" : "form.check.no")}
            </label>
          ))}
        </fieldset>
      )}
      {kind === "extend" && (
        <label class="field">
          {t("form.extend.hours")}
          <input name="hours" inputMode="decimal" value={hours} {...invalid("hours")} onInput={(event) => setHours(event.currentTarget.value)} />
        </label>
      )}
      <label class="field">
        {t(reason)}
        <textarea ref={first} name="why" rows={3} maxLength={4000} value={why} {...invalid("why")} onInput={(event) => setWhy(event.currentTarget.value)} />
      </label>
      {toWords && (
        <label class="field">
          {t(toWords)}
          <input name="to" list="units" maxLength={200} value={to} {...invalid("to")} onInput={(event) => setTo(event.currentTarget.value)} />
          <datalist id="units">
            {unitsOf(phone.state.rules.value)
              .filter((each) => each !== unit)
              .map((each) => (
                <option key={each} value={each} />
              ))}
          </datalist>
        </label>
      )}
      <p class="fault" role="alert" id="step-fault">
        {fault ? t(fault.words) : ""}
      </p>
      <div class="action-row">
        <button type="submit" class="big-button is-first">
          {t("do.send")}
        </button>
        <button type="button" class="big-button" onClick={close}>
          {t("do.cancel")}
        </button>
      </div>
    </form>
  );
}

export interface Fault {
  /** The field where it is to be mended. */
  field: "why" | "to" | "hours" | "passed";
  words: PhoneKey;
}

interface Said {
  why: string;
  to: string;
  hours: string;
  passed: boolean | null;
}

/** What is missing before a step can be kept; `unit` has the case now. */
export function faultOf(kind: WorkerStep, { why, to, hours, passed }: Said, unit: string | null): Fault | null {
  if (kind === "check" && passed === null) return { field: "passed", words: "form.needsPassed" };
  const number = Number(hours);
  if (kind === "extend" && !(number > 0 && number <= MOST_HOURS)) return { field: "hours", words: "form.needsHours" };
  if (NEEDS_REASON.has(kind) && !why.trim()) return { field: "why", words: "form.needs" };
  if (kind === "hand_over" && to === "") return { field: "to", words: "form.needsUnit" };
  const staysThere = (kind === "hand_over" || kind === "return") && to !== "" && to === unit;
  return staysThere ? { field: "to", words: "form.needsOther" } : null;
}
