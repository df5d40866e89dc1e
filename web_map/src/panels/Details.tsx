import type { ComponentChildren } from "preact";
import type { BuildingInfo } from "../api/types";
import { formatMetres, formatNumber } from "../i18n";
import { shortCode } from "../kernels/codes";
import type { Spot } from "../state/state";
import { useApp } from "./context";
import { GridCard } from "./GridCard";

const MOST_BUILDINGS = 4;

/** What is selected: the place that was clicked, if any, and its grid. */
export function Details() {
  const { state, actions, edit, desk } = useApp();
  const { t, selected, spot, grids } = state;
  const found = selected.value === null ? undefined : grids.value[selected.value];
  const grid = found?.retired ? undefined : found;
  const zoom = (): void => {
    if (selected.value === null) return;
    if (edit.phase.value === "ready") desk.zoomTo({ kind: "unnamed", grid: selected.value, amount: 0 });
    else actions.zoomToGrid(selected.value);
  };
  if (!grid && !spot.value)
    return state.phase.value === "ready" ? <p class="details details-none">{t("detail.none")}</p> : null;
  return (
    <section class="details" aria-label={t("detail")}>
      <button
        type="button"
        class="icon-button details-close"
        title={t("detail.close")}
        aria-label={t("detail.close")}
        onClick={actions.clear}
      >
        <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
          <path d="m3 3 10 10M13 3 3 13" />
        </svg>
      </button>
      {grid && <GridCard key={selected.value} ix={selected.value as number} grid={grid} onZoom={zoom} />}
      {spot.value && <SpotDetails spot={spot.value} />}
    </section>
  );
}

function SpotDetails({ spot }: { spot: Spot }) {
  const { state, actions } = useApp();
  const { t } = state;
  const code = state.selected.value === null ? "" : state.grids.value[state.selected.value].code;
  const metres = spot.borderM === null ? null : formatMetres(spot.borderM);
  return (
    <div class="spot">
      <h3>{t("detail.here")}</h3>
      <p class="spot-place">
        {spot.lon.toFixed(6)}, {spot.lat.toFixed(6)}
      </p>
      {spot.status === "outside" && (
        <p>
          {t("detail.outside")}{" "}
          {spot.nearestCode !== null &&
            metres !== null &&
            t("detail.nearest", { code: shortCode(spot.nearestCode), metres })}
        </p>
      )}
      {spot.status === "on_border" && <p>{t("detail.border", { code: shortCode(code) })}</p>}
      {spot.status === "inside" && metres !== null && <p>{t("detail.distance", { metres })}</p>}
      {spot.cellIx !== null && state.selected.value === null && <p>{t("detail.unassigned")}</p>}
      {spot.cellIx !== null && spot.info === undefined && <p class="muted">{t("detail.loading")}</p>}
      {spot.cellIx !== null && spot.info === null && (
        <p>
          {t("detail.failed")}{" "}
          <button type="button" class="link" onClick={actions.reloadSpot}>
            {t("error.retry")}
          </button>
        </p>
      )}
      {spot.info?.buildings.length === 0 && <p>{t("detail.noBuilding", { area: Math.round(spot.info.area_m2) })}</p>}
      {spot.info?.buildings.slice(0, MOST_BUILDINGS).map((building) => (
        <Building key={building.id} building={building} />
      ))}
      {spot.info && spot.info.buildings.length > MOST_BUILDINGS && (
        <p class="muted">{t("detail.moreBuildings", { count: spot.info.buildings.length - MOST_BUILDINGS })}</p>
      )}
    </div>
  );
}

function Building({ building }: { building: BuildingInfo }) {
  const { state, edit, cutting } = useApp();
  const { t } = state;
  const title = building.name ?? building.address ?? `${t("detail.building")} ${building.id}`;
  return (
    <div class="building">
      <h4>{title}</h4>
      <dl>
        <Item word={t("detail.households")}>{formatNumber(building.households)}</Item>
        {building.population !== null && <Item word={t("detail.people")}>{formatNumber(building.population)}</Item>}
        {building.levels !== null && <Item word={t("detail.levels")}>{formatNumber(building.levels)}</Item>}
        {building.use && <Item word={t("detail.use")}>{building.use}</Item>}
        {building.address && building.address !== title && (
          <Item word={t("detail.address")} wide>
            {building.address}
          </Item>
        )}
        <Item word={t("detail.id")} wide={building.id.length > 10}>
          {building.id}
        </Item>
      </dl>
      {building.source_id !== null && edit.phase.value === "ready" && (
        <p>
          {t("cutcell.isPart", { id: building.source_id })}{" "}
          <button type="button" class="link" onClick={() => void cutting.join(building)}>
            {t("cutcell.join")}
          </button>
        </p>
      )}
    </div>
  );
}

interface ItemProps {
  word: string;
  /** Take the whole row, or two of its three columns. */
  wide?: boolean;
  two?: boolean;
  children: ComponentChildren;
}

export function Item({ word, wide, two, children }: ItemProps) {
  return (
    <div class={wide ? "wide" : two ? "two" : ""}>
      <dt>{word}</dt>
      <dd>{children}</dd>
    </div>
  );
}
