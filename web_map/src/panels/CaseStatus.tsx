import { formatTime } from "../i18n";
import { holdsAt } from "../state/force";
import { useDispatch } from "./casecontext";

/** The lowest line at this desk: whether the server tells what happens, what waits, which plan answers. */
export function CaseStatus() {
  const { state, cases } = useDispatch();
  const { t } = state;
  const unsent = cases.box.waiting.value.length;
  const live = cases.line.value;
  const plan = state.plan.value;
  const holds = plan !== null && holdsAt(plan, Date.now());
  const attribution = state.detail.value?.attribution;
  return (
    <footer class="status">
      <span class={live ? "saving is-saved" : "saving is-offline"} data-line={live} data-unsent={unsent}>
        <span class="dot" aria-hidden="true" />
        <span class={live ? "" : "alert"} role="status">
          {live ? t("case.line.on") : unsent > 0 ? t("case.line.offUnsent", { count: unsent }) : t("case.line.off")}
        </span>
      </span>
      {plan && (
        <span class="worst">
          <span class="worst-words">
            {holds
              ? t("case.plan.holds", { name: plan.name, since: plan.valid_from ? formatTime(plan.valid_from, state.lang.value) : "" })
              : t("case.plan.draft", { name: plan.name })}
          </span>
        </span>
      )}
      {attribution && (
        <span class="attribution" title={attribution}>
          {t("status.data")}: {attribution}
        </span>
      )}
    </footer>
  );
}
