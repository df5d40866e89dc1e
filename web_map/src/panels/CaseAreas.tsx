import { formatNumber } from "../i18n";
import { css } from "../kernels/palette";
import { BAND_COLOURS } from "../state/caseareas";
import { facilityWords } from "../state/casewords";
import { RingLegend } from "./CaseLegend";
import { useDispatch } from "./casecontext";
import { Icon } from "./icons";

/** Over the map: what the rings mean, and where wanted whom the facilities of a category reach. */
export function CaseAreasBox() {
  const { state, areas } = useDispatch();
  const { t } = state;
  const category = areas.category.value;
  if (state.phase.value !== "ready") return null;
  if (category === null) return <RingLegend />;
  const found = areas.areas.value;
  const sums = found?.minutes.map((_, i) => found.facilities.reduce((sum, one) => sum + one.households[i], 0)) ?? [];
  return (
    <section class="legend case-areas" aria-label={t("case.areas")}>
      <div class="legend-head">
        <select aria-label={t("case.areas.of")} value={category} onChange={(event) => (areas.category.value = event.currentTarget.value)}>
          {areas.categories.value.map((each) => (
            <option key={each} value={each}>
              {facilityWords(state, each)}
            </option>
          ))}
        </select>
        <button type="button" class="icon-button" aria-label={t("case.areas.close")} title={t("case.areas.close")} onClick={() => (areas.category.value = null)}>
          <Icon name="close" size={14} />
        </button>
      </div>
      <div class="legend-body">
        {areas.standing.value === "loading" && <p>{t("case.areas.loading")}</p>}
        {areas.standing.value === "failed" && (
          <p class="alert">
            {t("case.areas.failed")}{" "}
            <button type="button" class="link" onClick={areas.retry}>
              {t("error.retry")}
            </button>
          </p>
        )}
        {found && (
          <ul>
            {found.minutes.map((minutes, i) => (
              <li key={minutes}>
                <span class="swatch" style={{ backgroundColor: css(BAND_COLOURS[i], 0.75), borderColor: css(BAND_COLOURS[i]) }} />
                <span>{t("case.areas.within", { minutes })}</span>
                <span class="legend-count">{t("case.areas.households", { count: sums[i] })}</span>
              </li>
            ))}
            <li>
              <span class="swatch hatch" />
              <span>{t("case.areas.beyond")}</span>
              <span class="legend-count">{t("case.areas.households", { count: formatNumber(found.beyond.households[0]) })}</span>
            </li>
          </ul>
        )}
      </div>
    </section>
  );
}
