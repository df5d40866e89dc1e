import { useApp } from "./context";
import { formatNumber } from "../i18n";

/** The lowest line: what most needs mending, how much there is, whose data it is. */
export function Status() {
  const { state, actions } = useApp();
  const { t, plan, detail, worst, phase, baseFailed } = state;
  const attribution = detail.value?.attribution;
  const show = (): void => {
    if (!worst.value) return;
    state.outOnly.value = true;
    state.sort.value = { key: "households", ascending: worst.value.kind === "under" };
    state.panelHidden.value = false;
    actions.selectGrid(worst.value.grids[0], { zoom: true });
  };
  return (
    <footer class="status">
      {baseFailed.value && phase.value === "ready" && (
        <span class="alert">
          {t("status.baseFailed")}{" "}
          <button type="button" class="link" onClick={actions.retry}>
            {t("error.retry")}
          </button>
        </span>
      )}
      {phase.value === "ready" &&
        (worst.value ? (
          <span class="worst">
            <b class="alert">!</b> {worstWords(worst.value.kind, worst.value.grids.length)}{" "}
            <button type="button" class="link" onClick={show}>
              {t("status.show")}
            </button>
          </span>
        ) : (
          <span class="worst">{t("status.allIn")}</span>
        ))}
      {plan.value && (
        <span class="counts">
          {t("status.counts", { grids: plan.value.n_grids, cells: formatNumber(plan.value.n_cells) })}
        </span>
      )}
      {attribution && (
        <span class="attribution" title={attribution}>
          {t("status.data")}: {attribution}
        </span>
      )}
    </footer>
  );

  function worstWords(kind: "over" | "under", count: number): string {
    return t(count === 1 ? `status.${kind}One` : `status.${kind}`, { count });
  }
}
