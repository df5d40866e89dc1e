import { useEffect, useRef } from "preact/hooks";
import { formatNumber } from "../i18n";
import { type CutPart, type CutView, excess } from "../state/cutting";
import { useApp } from "./context";

/** What the parts of a cell that is cut shall hold: shared out by ground, then by the planner's word. */
export function CutPanel() {
  const view = useApp().cutting.view.value;
  return view?.building ? <Decide view={view} /> : null;
}

function Decide({ view }: { view: CutView }) {
  const { state, cutting } = useApp();
  const { t } = state;
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    // On a tablet the sheet would cover what asks for a decision, and the map.
    if (state.narrow.peek()) state.sheet.value = "peek";
  }, [view.cell]);
  useEffect(() => form.current?.querySelector<HTMLInputElement>("input[type=number]")?.select(), [view.cell]);
  const { building, buildings, parts, straight } = view;
  if (!building) return null;
  const name = building.name ?? building.address ?? building.id;
  const wrong = excess(view);
  const leave = (): void => {
    cutting.cancel();
    document.querySelector<HTMLElement>(".map")?.focus();
  };
  const send = (event: Event): void => {
    event.preventDefault();
    void cutting.apply();
  };
  const { angle, share } = straight ?? { angle: 0, share: 0.5 };
  return (
    <section class="decision is-cutting" role="group" aria-label={t("cutcell.title", { name })}>
      <form
        ref={form}
        onSubmit={send}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.stopPropagation();
          leave();
        }}
      >
        <b>{t("cutcell.title", { name })}</b>
        {buildings.length > 1 && (
          <label class="field-inline">
            {t("cutcell.which")}{" "}
            <select value={building.id} onChange={(event) => cutting.choose(event.currentTarget.value)}>
              {buildings.map((each) => (
                <option key={each.id} value={each.id}>
                  {each.name ?? each.id} · {formatNumber(each.households)} {t("totals.households")}
                </option>
              ))}
            </select>
          </label>
        )}
        <table class="cut-parts">
          <thead>
            <tr>
              <th scope="col">{t("cutcell.part")}</th>
              <th scope="col">{t("cutcell.ground")}</th>
              <th scope="col">{t("detail.households")}</th>
              {building.population !== null && <th scope="col">{t("detail.people")}</th>}
            </tr>
          </thead>
          <tbody>
            {parts.map((part, at) => (
              <Part key={at} part={part} at={at} withPeople={building.population !== null} />
            ))}
          </tbody>
        </table>
        <p class={wrong ? "alert" : "muted"} role={wrong ? "alert" : undefined}>
          {parts.length < 2
            ? t("cutcell.miss")
            : wrong
              ? t(wrong.households > 0 || wrong.people > 0 ? "cutcell.tooMany" : "cutcell.tooFew", {
                  count: formatNumber(Math.abs(wrong.households || wrong.people)),
                  what: t(wrong.households ? "cutcell.unit.households" : "cutcell.unit.people"),
                })
              : t("cutcell.sum", { count: formatNumber(building.households) })}
        </p>
        <div class="cut-line">
          <label>
            {t("cutcell.turn")}
            <input
              type="range"
              min={0}
              max={175}
              step={5}
              value={angle}
              aria-valuetext={`${angle}°`}
              onInput={(event) => cutting.turn(event.currentTarget.valueAsNumber, share)}
            />
          </label>
          <label>
            {t("cutcell.shift")}
            <input
              type="range"
              min={2}
              max={98}
              step={2}
              value={Math.round(100 * share)}
              aria-valuetext={`${Math.round(100 * share)} %`}
              onInput={(event) => cutting.turn(angle, event.currentTarget.valueAsNumber / 100)}
            />
          </label>
        </div>
        {view.fault && (
          <p class="alert" role="alert">
            {view.fault}
          </p>
        )}
        <span class="decision-buttons">
          <button type="submit" class="button primary" disabled={wrong !== null || view.sending || parts.length < 2}>
            {t(view.sending ? "cutcell.sending" : "cutcell.apply")}
          </button>
          <button type="button" class="button" disabled={view.sending} onClick={leave}>
            {t("cutcell.cancel")}
          </button>
        </span>
      </form>
    </section>
  );
}

function Part({ part, at, withPeople }: { part: CutPart; at: number; withPeople: boolean }) {
  const { state, cutting } = useApp();
  const { t } = state;
  const number = at + 1;
  return (
    <tr>
      <th scope="row">{number}</th>
      <td class="number">{Math.round(100 * part.share)} %</td>
      <td>
        <input
          type="number"
          min={0}
          step={1}
          required
          value={part.households}
          aria-label={t("cutcell.households", { part: number })}
          onInput={(event) => cutting.setHouseholds(at, Math.max(0, Math.round(event.currentTarget.valueAsNumber || 0)))}
        />
      </td>
      {withPeople && (
        <td>
          <input
            type="number"
            min={0}
            step="any"
            required
            value={part.people ?? 0}
            aria-label={t("cutcell.people", { part: number })}
            onInput={(event) => cutting.setPeople(at, Math.max(0, event.currentTarget.valueAsNumber || 0))}
          />
        </td>
      )}
    </tr>
  );
}
