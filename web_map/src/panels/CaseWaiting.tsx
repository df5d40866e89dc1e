import { formatTime } from "../i18n";
import { useDispatch } from "./casecontext";

/** What was typed and is not with the server yet: kept without a connection, without a place, or refused. */
export function CaseWaiting() {
  const { state, cases, call } = useDispatch();
  const { t } = state;
  const waiting = cases.box.waiting.value;
  const kept = call.kept.value;
  const refused = waiting.filter((item) => item.refused !== undefined);
  const unsent = waiting.length - refused.length;
  if (waiting.length === 0 && kept.length === 0) return null;
  const time = (at: number): string => formatTime(at, state.lang.value);
  return (
    <div class="case-waiting" role="group" aria-label={t("case.waiting")}>
      {unsent > 0 && (
        <p role="status" data-unsent={unsent}>
          {t(unsent === 1 ? "case.unsentOne" : "case.unsent", { count: unsent })}{" "}
          <button type="button" class="link" onClick={() => void cases.box.flush()}>
            {t("case.sendNow")}
          </button>
        </p>
      )}
      {refused.map((item) => (
        <p key={item.key} class="alert">
          {t("case.refused", { time: time(item.at), what: item.report ? item.report.words || item.report.category : `#${item.id}`, why: item.refused ?? "" })}{" "}
          <button type="button" class="link" onClick={() => cases.box.drop(item.key)}>
            {t("case.refused.drop")}
          </button>
        </p>
      ))}
      {kept.map((item) => (
        <p key={item.key}>
          {t("case.keptCall", { time: time(item.at), text: item.text || item.words })}{" "}
          <button type="button" class="link" onClick={() => call.resume(item.key)}>
            {t("case.keptCall.resume")}
          </button>
        </p>
      ))}
    </div>
  );
}
