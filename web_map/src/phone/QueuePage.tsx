/** What is not with the server yet, and what it refused: with what happened meanwhile, and the worker's choice. */

import { useState } from "preact/hooks";
import { formatTime } from "../i18n/format";
import { Picture, StepLine, stepName } from "./CasePage";
import { usePhone } from "./context";
import { type Entry, isHeld, type Refusal } from "./queue";
import type { PhoneKey } from "./words";

export function QueuePage() {
  const { queue, t } = usePhone();
  const entries = queue.entries.value;
  if (entries.length === 0) return <p class="empty">{t("queue.empty")}</p>;
  return (
    <>
      <p class="hint">{t("queue.intro")}</p>
      <ul class="queue">
        {entries.map((entry) => (
          <li key={entry.order} class={`card ${entry.refused ? "is-bad" : ""}`}>
            <EntryCard entry={entry} entries={entries} />
          </li>
        ))}
      </ul>
      <button type="button" class="big-button is-first" onClick={() => void queue.send()}>
        {t("queue.now")}
      </button>
    </>
  );
}

export const nameOf = ({ deed }: Entry): PhoneKey =>
  deed.kind === "report" ? "kind.report" : deed.kind === "photo" ? "kind.photo" : stepName(deed.step);

function EntryCard({ entry, entries }: { entry: Entry; entries: readonly Entry[] }) {
  const { state, queue, t } = usePhone();
  const { deed, refused } = entry;
  const standing = refused
    ? "refused"
    : queue.sending.value === entry.order
      ? "sending"
      : isHeld(entry, entries)
        ? "held"
        : "waiting";
  const words = deed.kind === "step" ? deed.step.why : deed.kind === "report" ? deed.body.words : "";
  return (
    <>
      <p class="case-head">
        <b>{t(nameOf(entry))}</b>
        {entry.case === null ? (
          <span>{deed.kind === "report" ? deed.body.category : t("queue.newCase")}</span>
        ) : (
          <a class="row-link" href={`#/case/${entry.case}`}>
            {t("queue.case", { id: String(entry.case) })}
          </a>
        )}
        <span class="quiet">{formatTime(entry.at, state.lang.value)}</span>
        <span class={`chip ${refused ? "is-bad" : "is-waiting"}`}>{t(`queue.state.${standing}`)}</span>
      </p>
      {words && <p>{words}</p>}
      {deed.kind === "photo" && (
        <div class="photos">
          <Picture blob={deed.photo} alt={t("case.photoWaiting")} />
        </div>
      )}
      {refused && <Choice entry={entry} />}
    </>
  );
}

/** What the server's codes mean here; its own sentence, in English, is shown where nothing else explains the refusal. */
const WHY: Record<string, PhoneKey> = {
  conflict: "queue.why.conflict",
  "bad-parameter": "queue.why.bad",
  "not-found": "queue.why.gone",
  "too-large": "queue.why.large",
};

function whyOf({ deed }: Entry, { code, since }: Refusal): PhoneKey {
  if (code === "conflict" && since.length === 0) return "queue.why.notNow";
  const nobody = deed.kind === "step" && (deed.step.kind === "return" || deed.step.kind === "escalate") && !deed.step.to;
  if (code === "bad-parameter" && nobody) return "queue.why.unit";
  return WHY[code] ?? "queue.why.other";
}

function Choice({ entry }: { entry: Entry }) {
  const phone = usePhone();
  const { state, queue, t } = phone;
  const [sure, setSure] = useState(false);
  const { deed, refused, order } = entry;
  if (!refused) return null;
  const note = (): void => {
    const values = { what: t(nameOf(entry)), time: formatTime(entry.at, state.lang.value) };
    const why = deed.kind === "step" ? deed.step.why : "";
    void queue.asNote(order, why ? t("queue.asNote", { ...values, why }) : t("queue.asNoteBare", values));
  };
  const change = (): void => {
    state.mending.value = order;
    phone.go({ page: "case", id: entry.case as number });
  };
  const isStep = deed.kind === "step" && entry.case !== null;
  const canAgain = !isStep || refused.allowed.length === 0 || refused.allowed.includes(deed.step.kind);
  return (
    <div class="choice">
      <p>{t(whyOf(entry, refused))}</p>
      {refused.since.length === 0 && refused.detail && (
        <p class="quiet" lang="en">
          {refused.detail}
        </p>
      )}
      {refused.since.length > 0 && (
        <>
          <p>{t("queue.since")}</p>
          <ol class="history">
            {refused.since.map((step) => (
              <StepLine key={step.number} step={step} />
            ))}
          </ol>
        </>
      )}
      {refused.state && (
        <p>{t("queue.stands", { state: t(`state.${refused.state}`), unit: refused.unit ?? t("queue.nobody") })}</p>
      )}
      <div class="action-row">
        {canAgain && (
          <button type="button" class="big-button is-first" onClick={() => void queue.again(order)}>
            {t("queue.again")}
          </button>
        )}
        {isStep && canAgain && deed.step.kind !== "accept" && deed.step.kind !== "resume" && (
          <button type="button" class="big-button" onClick={change}>
            {t("queue.change")}
          </button>
        )}
        {isStep && deed.step.kind !== "note" && (
          <button type="button" class="big-button" onClick={note}>
            {t("queue.note")}
          </button>
        )}
        {sure ? (
          <>
            <p>{t("queue.dropSure")}</p>
            <button type="button" class="big-button is-bad" onClick={() => void queue.drop(order)}>
              {t("queue.dropYes")}
            </button>
          </>
        ) : (
          <button type="button" class="big-button" onClick={() => setSure(true)}>
            {t("queue.drop")}
          </button>
        )}
      </div>
    </div>
  );
}
