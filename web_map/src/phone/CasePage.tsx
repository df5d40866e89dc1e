/** One case: what, where, until when, whom to call, what happened, and what the worker can do about it. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { CaseDetail, CaseRow, CaseStep, StaffNear } from "../api/cases";
import { formatTime } from "../i18n/format";
import { addressOf, Due } from "./CaseList";
import { usePhone } from "./context";
import { possible, stateAfter, type WorkerStep } from "./machine";
import { MapPart } from "./MapPart";
import { PhotoInput } from "./PhotoInput";
import { waitingOf } from "./state";
import { StepForm } from "./StepForm";
import { duration, type PhoneKey, withNumbers } from "./words";

export function CasePage({ id }: { id: number }) {
  const { state, queue, t } = usePhone();
  const detail = state.details.value.get(id)?.value ?? null;
  const row: CaseRow | null = detail ?? state.rows.value?.value.find((each) => each.id === id) ?? null;
  if (!row) {
    const words: PhoneKey = state.missing.value.has(id)
      ? "case.missing"
      : queue.line.value === "dead"
        ? "case.unseen"
        : "case.loading";
    return <p class="empty">{t(words)}</p>;
  }
  const waiting = waitingOf(queue.entries.value, id);
  const now = stateAfter(row.state, waiting);
  return (
    <>
      <section class="card">
        <p class="case-head">
          <b class="case-title">{row.category}</b>
          <span class="chip">{t(`state.${now}`)}</span>
        </p>
        <Due each={{ row, state: now, waiting: 0, refused: 0 }} />
        <p class="words">
          <Numbered text={row.words || t("case.noWords")} />
        </p>
        <Facts row={row} detail={detail} />
      </section>
      <Actions id={id} row={row} detail={detail} />
      <MapPart row={row} />
      <People row={row} />
      <Photos id={id} detail={detail} />
      <History id={id} detail={detail} />
    </>
  );
}

function Facts({ row, detail }: { row: CaseRow; detail: CaseDetail | null }) {
  const { state, t } = usePhone();
  const address = addressOf(row.details);
  const codes = (detail?.candidates ?? row.details.candidates ?? []).map(({ code }) => code).join(", ");
  const grade = ["simple", "general", "prominent", "major"].includes(row.grade) ? t(`grade.${row.grade}` as PhoneKey) : row.grade;
  return (
    <dl class="facts">
      {address && (
        <>
          <dt>{t("case.address")}</dt>
          <dd>{address}</dd>
        </>
      )}
      <dt>{t("case.grid")}</dt>
      <dd>
        {row.grid_code ?? (codes ? t("case.unsure", { codes }) : "–")}
        {row.accuracy_m > 0 && <span class="quiet"> · {t("case.accuracy", { metres: Math.round(row.accuracy_m) })}</span>}
      </dd>
      <dt>{t("case.unit")}</dt>
      <dd>{row.unit ?? "–"}</dd>
      <dt>{t("case.grade")}</dt>
      <dd>{grade}</dd>
      <dt>{t("case.due")}</dt>
      <dd>{row.due_at ? formatTime(row.due_at, state.lang.value) : t("case.noDue")}</dd>
    </dl>
  );
}

/** A text whose telephone numbers can be called. */
function Numbered({ text }: { text: string }) {
  const { t } = usePhone();
  return (
    <>
      {withNumbers(text).map((part, i) =>
        part.number ? (
          <a key={i} class="number" href={`tel:${part.number}`} aria-label={t("case.call", { number: part.text })}>
            {part.text}
          </a>
        ) : (
          <span key={i}>{part.text}</span>
        ),
      )}
    </>
  );
}

/** People on duty at the place, nearest first, each to be called with one touch. */
function People({ row }: { row: CaseRow }) {
  const phone = usePhone();
  const { t } = phone;
  const [staff, setStaff] = useState<StaffNear[]>([]);
  useEffect(() => {
    void phone.ground(row).then((ground) => setStaff(ground?.staff ?? []));
  }, [row.id]);
  const people = staff.flatMap((one) => [one, ...(one.deputy ? [{ ...one, ...one.deputy, role: t("case.deputy") }] : [])]);
  const reachable = people.filter(({ phone: number }) => number);
  if (reachable.length === 0) return null;
  return (
    <section>
      <h2>{t("case.people")}</h2>
      <ul class="people">
        {reachable.map(({ name, role, phone: number, grid_code }, i) => (
          <li key={i}>
            <a class="call" href={`tel:${(number as string).replace(/[^+\d]/g, "")}`}>
              <b>{name}</b> <span class="quiet">{[role, grid_code].filter(Boolean).join(" · ")}</span>
              <span class="number">{t("case.call", { number: number as string })}</span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Photos({ id, detail }: { id: number; detail: CaseDetail | null }) {
  const { queue, t } = usePhone();
  const waiting = queue.entries.value.filter(({ case: of, deed }) => of === id && deed.kind === "photo");
  const there = (detail?.attachments ?? []).filter(({ type }) => type.startsWith("image/"));
  if (waiting.length === 0 && there.length === 0) return null;
  return (
    <section>
      <h2>{t("case.photos")}</h2>
      <ul class="photos">
        {there.map(({ number, url, thumb }) => (
          <li key={number}>
            <a href={relative(url)} target="_blank" rel="noopener">
              <img src={relative(thumb ?? url)} alt={t("case.photo", { n: number })} />
            </a>
          </li>
        ))}
        {waiting.map(({ order, deed }) =>
          deed.kind === "photo" ? (
            <li key={`w${order}`}>
              <Picture blob={deed.photo} alt={t("case.photoWaiting")} />
              <span class="chip is-waiting">{t("case.waiting")}</span>
            </li>
          ) : null,
        )}
      </ul>
    </section>
  );
}

/** A path of the server, from this page. */
const relative = (path: string): string => path.replace(/^\//, "");

/** A picture that is on this phone. */
export function Picture({ blob, alt }: { blob: Blob; alt: string }) {
  const [url, setUrl] = useState("");
  useEffect(() => {
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return url ? <img src={url} alt={alt} /> : null;
}

function History({ id, detail }: { id: number; detail: CaseDetail | null }) {
  const { queue, t } = usePhone();
  const waiting = queue.entries.value.filter(({ case: of, deed }) => of === id && deed.kind === "step");
  return (
    <section>
      <h2>{t("case.history")}</h2>
      {!detail && <p class="hint">{t("case.historyNone")}</p>}
      <ol class="history">
        {detail?.steps.map((step) => <StepLine key={step.number} step={step} />)}
        {waiting.map(({ order, deed, refused }) =>
          deed.kind === "step" ? (
            <li key={`w${order}`} class="is-waiting">
              <b>{t(`kind.${deed.step.kind}`)}</b>{" "}
              <a class={`chip ${refused ? "is-bad" : "is-waiting"}`} href="#/queue">
                {t(refused ? "queue.state.refused" : "case.waiting")}
              </a>
              {deed.step.why && <p>{deed.step.why}</p>}
            </li>
          ) : null,
        )}
      </ol>
    </section>
  );
}

export const stepName = ({ kind, passed }: { kind: string; passed?: boolean | null | undefined }): PhoneKey =>
  kind === "check" ? (passed ? "kind.passed" : "kind.failed") : (`kind.${kind}` as PhoneKey);

export function StepLine({ step }: { step: CaseStep }) {
  const { state, t } = usePhone();
  const who = step.who || t(step.where === "clock" ? "case.clock" : "case.someone");
  return (
    <li>
      <b>{t(stepName(step))}</b>
      {step.to && <span> {t("case.to", { unit: step.to })}</span>}
      {step.minutes !== null && <span> {t("case.minutes", { span: duration(step.minutes, t) })}</span>}
      <span class="quiet">
        {" "}
        {who} · {formatTime(step.at, state.lang.value)}
      </span>
      {step.why && step.where !== "clock" && (
        <p>
          <Numbered text={step.why} />
        </p>
      )}
    </li>
  );
}

function Actions({ id, row, detail }: { id: number; row: CaseRow; detail: CaseDetail | null }) {
  const phone = usePhone();
  const { state, queue, t } = phone;
  const mending = queue.entries.value.find(({ order, case: of }) => of === id && order === state.mending.value);
  const [form, setForm] = useState<WorkerStep | null>(null);
  const waiting = waitingOf(queue.entries.value, id);
  const can = possible(row.state, detail?.allowed ?? null, waiting);
  const asked = mending?.deed.kind === "step" ? (mending.deed.step.kind as WorkerStep) : form;
  const close = (): void => {
    setForm(null);
    state.mending.value = null;
    // Who works with keys or by ear goes on where the form was opened.
    setTimeout(() => section.current?.querySelector("button")?.focus({ preventScroll: true }));
  };
  const section = useRef<HTMLElement>(null);
  const taken = useRef(false);
  const choose = (kind: WorkerStep): void => {
    if (kind !== "accept" && kind !== "resume") return setForm(kind);
    // A finger that taps twice means it once.
    if (taken.current) return;
    taken.current = true;
    void phone
      .step(id, { kind })
      .then(() => phone.say(t("kept.step", { what: t(`do.${kind}`) }), "good"))
      .catch(() => phone.say(t("keep.failed"), "bad"))
      .finally(() => (taken.current = false));
  };
  const add = (photo: Blob, name: string): void =>
    void phone
      .photo(id, photo, name)
      .then(() => phone.say(t("kept.photo"), "good"))
      .catch(() => phone.say(t("keep.failed"), "bad"));
  const [first, ...rest] = can.filter((kind) => kind !== "note");
  const begun = mending?.deed.kind === "step" ? mending.deed.step : undefined;
  return (
    <section ref={section} class="actions" aria-label={t("case.actions")}>
      {!state.who.value && (
        <p class="hint">
          {t("case.nameless")}{" "}
          <a class="row-link" href="#/me">
            {t("case.giveName")}
          </a>
        </p>
      )}
      {asked ? (
        <StepForm key={`${asked}${mending?.order ?? ""}`} id={id} unit={row.unit} kind={asked} begun={begun} mends={mending?.order ?? null} close={close} />
      ) : (
        <div class="action-row">
          {first && (
            <button type="button" class="big-button is-first" onClick={() => choose(first)}>
              {t(`do.${first}`)}
            </button>
          )}
          <PhotoInput label={t("do.photo")} take={add} />
          {rest.map((kind) => (
            <button key={kind} type="button" class="big-button" onClick={() => choose(kind)}>
              {t(`do.${kind}`)}
            </button>
          ))}
          <button type="button" class="big-button" onClick={() => choose("note")}>
            {t("do.note")}
          </button>
        </div>
      )}
    </section>
  );
}
