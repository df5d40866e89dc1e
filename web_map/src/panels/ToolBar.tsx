import type { SourceFilter } from "../state/edit";
import { shortCode } from "../kernels/codes";
import { formatNumber, type Key } from "../i18n";
import { useApp } from "./context";
import { Chip } from "./Chip";
import { Icon } from "./icons";

const [THINNEST, THICKEST, STEP] = [5, 400, 1.25];
const PAINTING = new Set(["paint", "move", "lasso", "box", "block", "compound"]);

/** What the tool in hand does, onto which grid, how broad and from where. */
export function ToolBar() {
  const { state, edit, tools, base } = useApp();
  const { t } = state;
  const phase = edit.phase.value;
  if (state.plan.value?.state !== "draft" || state.phase.value !== "ready") return null;
  if (phase === "loading" || phase === "off") return <p class="toolbar-note" role="status">{t("edit.loading")}</p>;
  if (phase === "failed") return <Failed />;
  if (base.on.value) return <BaseBar />;
  const tool = edit.tool.value;
  if (tool === "pan" || state.looking.value) return null;
  const active = edit.activeGrid.value;
  const grid = active === null ? undefined : state.grids.value[active];
  const taking = tools.taking.value;
  return (
    <div class="toolbar" role="group" aria-label={t("tool.options")}>
      <b>{t(`tool.${tool}` as Key)}</b>
      {PAINTING.has(tool) &&
        (taking ? (
          <span class="alert">→ {t("edit.none")}</span>
        ) : grid ? (
          <span class="toolbar-grid">
            <span aria-hidden="true">→</span> <Chip grid={grid} />
            {t("detail.grid", { code: shortCode(grid.code) })}
          </span>
        ) : (
          <span class="muted">{t("tool.chooseGrid")}</span>
        ))}
      {PAINTING.has(tool) && (
        <button
          type="button"
          class={tools.sticky.value ? "button quiet is-on" : "button quiet"}
          aria-pressed={tools.sticky.value}
          title={`${t("keys.take")} (E)`}
          onClick={() => (tools.sticky.value = !tools.sticky.value)}
        >
          {t("tool.take")}
        </button>
      )}
      {tool === "paint" && <Brush />}
      {PAINTING.has(tool) && <Source />}
      <span class="toolbar-hint">
        {tool === "merge" && grid ? t("edit.mergeWith", { code: shortCode(grid.code) }) : t(`hint.${tool}` as Key)}
      </span>
      <Halves />
    </div>
  );
}

/** What the tool for base data does; while something is drawn, how to end it. */
function BaseBar() {
  const { state, base } = useApp();
  const { t } = state;
  const tool = base.tool.value;
  const points = base.drawing.value?.points.length ?? 0;
  const least = tool === "building" ? 3 : 2;
  return (
    <div class="toolbar" role="group" aria-label={t("tool.options")}>
      <b>{t(`base.tool.${tool}`)}</b>
      <span class="toolbar-hint">{t(`base.hint.${tool}`)}</span>
      {points > 0 && (
        <span class="decision-buttons">
          {points >= least && (
            <button type="button" class="button primary" onClick={() => void base.finish()}>
              {t("base.finish")}
            </button>
          )}
          <button type="button" class="button" onClick={() => void base.undo()}>
            {t("base.lastPoint")}
          </button>
          <button type="button" class="button" onClick={() => (base.drawing.value = null)}>
            {t("dialog.cancel")}
          </button>
        </span>
      )}
    </div>
  );
}

function Failed() {
  const { state, actions } = useApp();
  const { t } = state;
  return (
    <p class="toolbar-note alert" role="alert">
      {t("edit.failed")}{" "}
      <button type="button" class="link" onClick={() => void actions.openPlan(state.plan.value?.id ?? "")}>
        {t("error.retry")}
      </button>
    </p>
  );
}

function Brush() {
  const { state, edit } = useApp();
  const { t } = state;
  const { brushM } = edit;
  const set = (metres: number): void => {
    brushM.value = Math.round(Math.min(THICKEST, Math.max(THINNEST, metres)));
  };
  return (
    <span class="brush">
      <button type="button" class="icon-button" aria-label={t("brush.less")} title={`${t("brush.less")} [`} onClick={() => set(brushM.value / STEP)}>
        <Icon name="minus" size={14} />
      </button>
      <span aria-live="polite">{t("brush.size", { metres: brushM.value })}</span>
      <button type="button" class="icon-button" aria-label={t("brush.more")} title={`${t("brush.more")} ]`} onClick={() => set(brushM.value * STEP)}>
        <Icon name="plus" size={14} />
      </button>
    </span>
  );
}

/** Which cells the tool may take: all, unassigned ones, unlocked ones, those of one grid. */
function Source() {
  const { state, edit } = useApp();
  const { t } = state;
  const { filter } = edit;
  const now = filter.value;
  const choose = (value: string): void => {
    const next: SourceFilter =
      value === "all" || value === "unassigned" || value === "unlocked"
        ? { kind: value }
        : { kind: "grid", grid: Number(value) };
    filter.value = next;
  };
  // Only a neighbour of the grid in hand can give it cells.
  const grids = state.grids.value;
  const selected = edit.activeGrid.value;
  const around = selected === null ? [] : (edit.live?.neighbours(selected) ?? []).map(({ grid }) => grid);
  const offered = now.kind === "grid" && !around.includes(now.grid) ? [now.grid, ...around] : around;
  return (
    <label class="source">
      {t("source")}{" "}
      <select value={now.kind === "grid" ? String(now.grid) : now.kind} onChange={(event) => choose(event.currentTarget.value)}>
        <option value="all">{t("source.all")}</option>
        <option value="unassigned">{t("source.unassigned")}</option>
        <option value="unlocked">{t("source.unlocked")}</option>
        {offered.map((ix) => (
          <option key={ix} value={String(ix)}>
            {t("source.grid", { code: shortCode(grids[ix]?.code ?? "") })}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The two halves of a cut, while its line is drawn. */
function Halves() {
  const { state, edit } = useApp();
  const split = edit.split.value;
  if (!split) return null;
  return (
    <b class="halves" role="status">
      {state.t("split.halves", { left: formatNumber(split.left.households), right: formatNumber(split.right.households) })}
    </b>
  );
}
