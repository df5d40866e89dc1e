/** My cases, what is due first on top; overdue ones say so in words and by a mark. */

import { formatTime } from "../i18n/format";
import { usePhone } from "./context";
import { type Urgency, urgencyOf } from "./machine";
import type { ListRow } from "./state";
import { duration, type PhoneKey } from "./words";

type Part = "doing" | "done" | "other" | "parked";
const PARTS: Part[] = ["doing", "done", "other", "parked"];

const partOf = ({ state }: ListRow): Part =>
  state === "dispatched" || state === "accepted"
    ? "doing"
    : state === "done"
      ? "done"
      : state === "parked"
        ? "parked"
        : "other";

export function CaseList() {
  const { state, list, load, t } = usePhone();
  const owner = state.owner.value;
  if (!owner)
    return (
      <section class="empty">
        <p>{t("cases.noOwner")}</p>
        <a class="big-button" href="#/me">
          {t("cases.choose")}
        </a>
        <Unsent />
      </section>
    );
  const rows = list.value;
  const late = rows.filter((each) => urgency(each, state.now.value).level === "overdue").length;
  const failed = state.listing.value === "failed";
  return (
    <>
      <p class="owner">
        <b>{t(`cases.of.${owner.kind}`, { name: owner.name })}</b>{" "}
        {state.rows.value && (
          <span>
            {t("cases.count", { count: rows.length })}
            {late > 0 && ` · ${t("cases.overdueCount", { count: late })}`}
          </span>
        )}
      </p>
      {failed && (
        <p class="hint">
          {t(state.rows.value ? "cases.failed" : "cases.failedNone")}{" "}
          <button type="button" class="small-button" onClick={() => void load()}>
            {t("cases.again")}
          </button>
        </p>
      )}
      {!state.rows.value && !failed && <p class="hint">{t("cases.loading")}</p>}
      <Unsent />
      {state.rows.value && rows.length === 0 && <p class="empty">{t("cases.none")}</p>}
      {PARTS.map((part) => {
        const here = rows.filter((each) => partOf(each) === part);
        if (here.length === 0) return null;
        return (
          <section key={part}>
            <h2>{t(`part.${part}`)}</h2>
            <ul class="cases">
              {here.map((each) => (
                <li key={each.row.id}>
                  <CaseLink each={each} />
                </li>
              ))}
            </ul>
          </section>
        );
      })}
    </>
  );
}

const urgency = (each: ListRow, now: number): Urgency => urgencyOf(each.row, each.state, now);

function CaseLink({ each }: { each: ListRow }) {
  const { state, t } = usePhone();
  const { row } = each;
  const { level } = urgency(each, state.now.value);
  const address = addressOf(row.details);
  return (
    <a class={`case is-${level}`} href={`#/case/${row.id}`}>
      <span class="case-head">
        <b>{row.category}</b>
        <span class="chip">{t(`state.${each.state}`)}</span>
        <span class="case-id">#{row.id}</span>
      </span>
      <span class="case-words">{row.words || address || t("case.noWords")}</span>
      {row.words && address && <span class="case-address">{address}</span>}
      <Due each={each} />
      {(each.waiting > 0 || each.refused > 0) && (
        <span class={`chip ${each.refused > 0 ? "is-bad" : "is-waiting"}`}>
          {each.refused > 0 ? t("cases.refused", { count: each.refused }) : t("cases.waiting", { count: each.waiting })}
        </span>
      )}
    </a>
  );
}

export const addressOf = (details: Record<string, unknown>): string =>
  typeof details.address === "string" ? details.address : "";

/** Time left, or how late it is: a mark, words, and a colour. */
export function Due({ each }: { each: ListRow }) {
  const { state, t } = usePhone();
  const { row } = each;
  const { level, minutes, unanswered } = urgency(each, state.now.value);
  if (minutes === null || row.due_at === null) return null;
  const key: PhoneKey = level === "overdue" ? "due.overdue" : "due.left";
  return (
    <span class={`due is-${level}`}>
      {level !== "fine" && (
        <span class="due-mark" aria-hidden="true">
          {level === "overdue" ? "!" : "◔"}
        </span>
      )}
      <b>{t(key, { span: duration(Math.abs(minutes), t) })}</b>{" "}
      <span>{t("due.until", { time: formatTime(row.due_at, state.lang.value) })}</span>
      {unanswered && <span class="due-unanswered">{t("due.unanswered")}</span>}
    </span>
  );
}

/** Cases reported on this phone that the server does not have yet. */
function Unsent() {
  const { queue, t } = usePhone();
  const reports = queue.entries.value.filter(({ deed }) => deed.kind === "report");
  if (reports.length === 0) return null;
  return (
    <section>
      <h2>{t("cases.unsent")}</h2>
      <ul class="cases">
        {reports.map(({ order, deed, refused }) =>
          deed.kind === "report" ? (
            <li key={order}>
              <a class="case" href="#/queue">
                <span class="case-head">
                  <b>{deed.body.category}</b>
                  <span class={`chip ${refused ? "is-bad" : "is-waiting"}`}>
                    {t(refused ? "queue.state.refused" : "queue.state.waiting")}
                  </span>
                </span>
                <span class="case-words">{deed.body.words}</span>
              </a>
            </li>
          ) : null,
        )}
      </ul>
    </section>
  );
}
