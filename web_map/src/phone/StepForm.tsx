/** What a step has to say: a reason, to whom, how much time, whether the place is in order. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { StepBody } from "../api/cases";
import { usePhone } from "./context";
import { NEEDS_REASON, type WorkerStep } from "./machine";
import { unitsOf } from "./report";
import type { PhoneKey } from "./words";

interface Props {
  id: number;
  kind: WorkerStep;
  /** A refused step that is to be changed. */
  begun: Omit<StepBody, "key" | "seen"> | undefined;
  mends: number | null;
  close: () => void;
}

/** As many hours as the server takes. */
const MOST_HOURS = 3333;

export function StepForm({ id, kind, begun, mends, close }: Props) {
  const phone = usePhone();
  const { t } = phone;
  const [why, setWhy] = useState(begun?.why ?? "");
  const [to, setTo] = useState(begun?.to ?? "");
  const [hours, setHours] = useState(begun?.minutes ? String(begun.minutes / 60) : "4");
  const [passed, setPassed] = useState<boolean | null>(begun?.passed ?? null);
  const [fault, setFault] = useState<PhoneKey | null>(null);
  const first = useRef<HTMLTextAreaElement>(null);
  const busy = useRef(false);
  useEffect(() => first.current?.focus(), []);

  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    const wrong = faultOf(kind, why, hours, passed);
    setFault(wrong);
    if (wrong || busy.current) return;
    busy.current = true;
    const step: Omit<StepBody, "key" | "seen"> = { kind };
    if (why.trim()) step.why = why.trim();
    if (kind === "return" && to.trim()) step.to = to.trim();
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

  const reason: PhoneKey = kind === "check" ? "form.check.why" : kind === "accept" ? "form.note" : `form.${kind}`;
  return (
    <form class="step-form" onSubmit={(event) => void send(event)} noValidate>
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
          <input inputMode="decimal" value={hours} onInput={(event) => setHours(event.currentTarget.value)} />
        </label>
      )}
      <label class="field">
        {t(reason)}
        <textarea ref={first} rows={3} maxLength={4000} value={why} onInput={(event) => setWhy(event.currentTarget.value)} />
      </label>
      {kind === "return" && (
        <label class="field">
          {t("form.return.to")}
          <input list="units" maxLength={200} value={to} onInput={(event) => setTo(event.currentTarget.value)} />
          <datalist id="units">
            {unitsOf(phone.state.rules.value).map((unit) => (
              <option key={unit} value={unit} />
            ))}
          </datalist>
        </label>
      )}
      <p class="fault" role="alert">
        {fault ? t(fault) : ""}
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

/** What is missing before a step can be kept. */
export function faultOf(kind: WorkerStep, why: string, hours: string, passed: boolean | null): PhoneKey | null {
  if (kind === "check" && passed === null) return "form.needsPassed";
  const number = Number(hours);
  if (kind === "extend" && !(number > 0 && number <= MOST_HOURS)) return "form.needsHours";
  return NEEDS_REASON.has(kind) && !why.trim() ? "form.needs" : null;
}
