import { useState } from "preact/hooks";
import { type ColourMode, classOf, css, DEVIATION_COLOURS, deviationClass, type Rgb, sequenceColour } from "../kernels/palette";
import { formatNumber, type Key } from "../i18n";
import { useApp } from "./context";

const MODES: ColourMode[] = ["grid", "deviation", "households"];

interface Row {
  colour: Rgb;
  words: string;
  count: number;
}

export function Legend() {
  const { state } = useApp();
  const { t, mode, phase, narrow } = state;
  const [open, setOpen] = useState<boolean | null>(null);
  if (phase.value !== "ready") return null;
  const shown = open ?? !narrow.value;
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
          onClick={() => setOpen(!shown)}
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
  const rows = mode.value === "deviation" ? deviationRows() : mode.value === "households" ? householdRows() : [];

  function deviationRows(): Row[] {
    const [min, max] = state.bounds.value;
    const counts = [0, 0, 0, 0, 0];
    for (const grid of state.grids.value) counts[deviationClass(grid.households, [min, max])]++;
    const words = [
      t("legend.farBelow", { min }),
      t("legend.below", { min }),
      t("legend.inside", { min, max }),
      t("legend.above", { max }),
      t("legend.farAbove", { max }),
    ];
    return words.map((word, i) => ({ colour: DEVIATION_COLOURS[i], words: word, count: counts[i] }));
  }

  function householdRows(): Row[] {
    const breaks = state.breaks.value;
    const counts = breaks.map(() => 0);
    const least = breaks.map(() => Infinity);
    for (const { households } of state.grids.value) {
      const at = classOf(households, breaks);
      counts[at]++;
      least[at] = Math.min(least[at], households);
    }
    return breaks.map((most, i) => ({
      colour: sequenceColour(i, breaks.length),
      words: least[i] === most ? formatNumber(most) : `${formatNumber(least[i])}–${formatNumber(most)}`,
      count: counts[i],
    }));
  }

  return (
    <div class={mode.value === "grid" ? "legend-body is-row" : "legend-body"}>
      {mode.value === "households" && <p>{t("legend.method")}</p>}
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
      <ul class="legend-lines">
        {state.totals.value.inBounds < state.totals.value.grids && (
          <li>
            <span class="swatch hatch" />
            <span>{t("legend.hatch")}</span>
          </li>
        )}
        <li>
          <span class="swatch line" />
          <span>{t("legend.border")}</span>
        </li>
        <li>
          <span class="swatch dashes" />
          <span>{t("legend.community")}</span>
        </li>
      </ul>
    </div>
  );
}
