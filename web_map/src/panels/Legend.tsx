import { type ColourMode, css } from "../kernels/palette";
import { formatNumber, type Key } from "../i18n";
import { legendLines, legendRows, measureWords } from "../state/legend";
import { MEASURES, type Measure } from "../state/measures";
import { useApp } from "./context";
import { Layers } from "./Layers";

const MODES: ColourMode[] = ["grid", "deviation", "number"];

export function Legend() {
  const { state } = useApp();
  const { t, mode, phase, narrow, legendOpen } = state;
  if (phase.value !== "ready") return null;
  const shown = legendOpen.value ?? !narrow.value;
  return (
    <section class={shown ? "legend" : "legend is-closed"} aria-label={t("legend")}>
      <div class="legend-head">
        <fieldset class="segments">
          <legend class="visually-hidden">{t("mode")}</legend>
          {MODES.map((each) => (
            <label key={each} class={mode.value === each ? "is-on" : ""}>
              <input
                type="radio"
                name="mode"
                value={each}
                checked={mode.value === each}
                onChange={() => (mode.value = each)}
              />
              {t(`mode.${each}` as Key)}
            </label>
          ))}
        </fieldset>
        <button
          type="button"
          class="icon-button"
          aria-expanded={shown}
          title={t(shown ? "legend.hide" : "legend.show")}
          aria-label={t(shown ? "legend.hide" : "legend.show")}
          onClick={() => (legendOpen.value = !shown)}
        >
          <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
            <path d={shown ? "m4 6 4 4 4-4" : "m4 10 4-4 4 4"} />
          </svg>
        </button>
      </div>
      {shown && <LegendRows />}
    </section>
  );
}

function LegendRows() {
  const { state } = useApp();
  const { t, mode } = state;
  const rows = legendRows(state);
  return (
    <div class={rows.length === 0 ? "legend-body is-row" : "legend-body"}>
      {mode.value === "number" && <MeasureChoice />}
      {rows.length > 0 && (
        <ul>
          {rows.map((row) => (
            <li key={row.words} class={row.count === 0 ? "is-empty" : ""}>
              <span class="swatch" style={{ backgroundColor: css(row.colour, 0.75), borderColor: css(row.colour) }} />
              <span>{row.words}</span>
              <span class="legend-count" aria-label={t("legend.count", { count: row.count })}>
                {formatNumber(row.count)}
              </span>
            </li>
          ))}
        </ul>
      )}
      <Layers />
      <ul class="legend-lines">
        {legendLines(state).map(({ mark, words }) => (
          <li key={mark}>
            <span class={`swatch ${mark}`} />
            <span>{words}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Columns that are figures of the grids already. */
const KNOWN = new Set<Measure>(["column:households", "column:population"]);

/** Which number the colours show: figures of the grids, or any column of the buildings. */
function MeasureChoice() {
  const { state, edit } = useApp();
  const { t, measure, columns } = state;
  // The share of streets is known of drafts, whose graph is loaded.
  const known = MEASURES.filter((each) => each !== "streets" || edit.phase.value === "ready");
  const others = columns.value.map(({ name }): Measure => `column:${name}`).filter((each) => !KNOWN.has(each));
  return (
    <p class="legend-measure">
      <select
        aria-label={t("legend.measure")}
        value={measure.value}
        onChange={(event) => (measure.value = event.currentTarget.value as Measure)}
      >
        {known.map((each) => (
          <option key={each} value={each}>
            {measureWords(state, each)}
          </option>
        ))}
        {others.length > 0 && (
          <optgroup label={t("legend.columns")}>
            {others.map((each) => (
              <option key={each} value={each}>
                {measureWords(state, each)}
              </option>
            ))}
          </optgroup>
        )}
      </select>
      <span class="muted">{t(measure.value === "deviation" ? "legend.steps" : "legend.method")}</span>
    </p>
  );
}
