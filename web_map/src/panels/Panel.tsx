import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { formatNumber, type Key } from "../i18n";
import type { Tab } from "../state/desk";
import { DEFAULT_WIDTH, type SheetHeight } from "../state/state";
import { type AppContext, useApp } from "./context";
import { BasePanel } from "./BasePanel";
import { CheckList } from "./CheckList";
import { CompareList } from "./CompareList";
import { Details } from "./Details";
import { GridTable } from "./GridTable";
import { History } from "./History";
import { Notes } from "./Notes";

const HEIGHTS: SheetHeight[] = ["peek", "half", "full"];
const [LEAST, MOST] = [280, 620];

export function Panel({ body: Body = PanelBody }: { body?: (() => ComponentChildren) | undefined }) {
  const { state } = useApp();
  const { t, panelHidden, panelWidth, narrow, phase } = state;
  if (phase.value === "empty") return null;
  if (narrow.value)
    return (
      <aside class={`panel sheet is-${state.sheet.value}`} aria-label={t("panel")}>
        <SheetHandle />
        <Body />
      </aside>
    );
  return (
    <aside
      class={panelHidden.value ? "panel is-hidden" : "panel"}
      aria-label={t("panel")}
      style={{ width: panelHidden.value ? "0px" : `${panelWidth.value}px` }}
    >
      {!panelHidden.value && <Resizer />}
      <button
        type="button"
        class="panel-toggle"
        aria-expanded={!panelHidden.value}
        title={t(panelHidden.value ? "panel.show" : "panel.hide")}
        aria-label={t(panelHidden.value ? "panel.show" : "panel.hide")}
        onClick={() => (panelHidden.value = !panelHidden.value)}
      >
        <svg viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
          <path d={panelHidden.value ? "m10 3-5 5 5 5" : "m6 3 5 5-5 5"} />
        </svg>
      </button>
      {!panelHidden.value && <Body />}
    </aside>
  );
}

/** What the panel can show now: a plan that is no draft has a list of notes where it has any. */
function tabsOf({ state, edit, compare }: Pick<AppContext, "state" | "edit" | "compare">): Tab[] {
  const notes: Tab[] = state.notes.value.length > 0 ? ["notes"] : [];
  const tabs: Tab[] = edit.phase.value === "ready" ? ["grids", "checks", "notes", "base", "history"] : ["grids", ...notes];
  return compare.view.value ? ["compare", ...tabs] : tabs;
}

function PanelBody() {
  const app = useApp();
  const { state, desk } = app;
  if (!state.plan.value) return <div class="skeleton" />;
  const tabs = tabsOf(app);
  const many = tabs.length > 1;
  const tab = tabs.includes(desk.tab.value) ? desk.tab.value : "grids";
  // Where a list needs the whole height the card of the grid waits.
  const card = tab !== "base" && tab !== "compare";
  return (
    <div class="panel-body">
      <Totals />
      {state.narrow.value && card && <Details />}
      {many && <Tabs tabs={tabs} chosen={tab} />}
      <div class="tab-page" id="list" tabIndex={-1} role={many ? "tabpanel" : undefined} aria-label={many ? state.t(`tab.${tab}` as Key) : undefined}>
        {tab === "grids" && <GridsPage />}
        {tab === "checks" && <CheckList />}
        {tab === "notes" && <Notes />}
        {tab === "base" && <BasePanel />}
        {tab === "history" && <History />}
        {tab === "compare" && <CompareList />}
      </div>
      {!state.narrow.value && card && <Details />}
    </div>
  );
}

/** Where not all tabs find room the chosen one is scrolled to. */
const intoSight = (tab: HTMLElement | null): void => tab?.scrollIntoView({ block: "nearest", inline: "nearest" });

/** What the upper part of the panel shows. */
function Tabs({ tabs, chosen }: { tabs: Tab[]; chosen: Tab }) {
  const { state, desk, base } = useApp();
  const { t } = state;
  const counts: Partial<Record<Tab, number>> = {
    checks: desk.checks.value.length,
    notes: state.notes.value.length,
    base: base.count.value,
  };
  const onKeyDown = (event: KeyboardEvent & { currentTarget: HTMLElement }): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.stopPropagation();
    const next = (tabs.indexOf(chosen) + step + tabs.length) % tabs.length;
    desk.tab.value = tabs[next];
    event.currentTarget.querySelectorAll("button")[next].focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={t("tabs")} onKeyDown={onKeyDown}>
      {tabs.map((tab) => (
        <button
          key={tab}
          type="button"
          role="tab"
          aria-selected={chosen === tab}
          ref={chosen === tab ? intoSight : null}
          tabIndex={chosen === tab ? 0 : -1}
          onClick={() => (desk.tab.value = tab)}
        >
          {t(`tab.${tab}` as Key)}
          {(counts[tab] ?? 0) > 0 && <span class="badge">{formatNumber(counts[tab] ?? 0)}</span>}
        </button>
      ))}
    </div>
  );
}

function GridsPage() {
  const { state, desk } = useApp();
  const { t, filter, rows, grids } = state;
  if (state.phase.value === "ready" && grids.value.length === 0 && desk.totals.value?.grids === 0)
    return <p class="panel-empty">{t("first.noGrids")}</p>;
  if (grids.value.length === 0)
    return (
      <>
        <Filter />
        <GridTable />
        <div class="skeleton" />
      </>
    );
  return (
    <>
      <Filter />
      {rows.value.length === 0 ? (
        <p class="filter-none">
          {t("filter.none", { text: filter.value })}{" "}
          <button
            type="button"
            class="link"
            onClick={() => {
              filter.value = "";
              state.outOnly.value = false;
            }}
          >
            {t("filter.clear")}
          </button>
        </p>
      ) : (
        <GridTable />
      )}
    </>
  );
}

function Totals() {
  const { state, desk } = useApp();
  const { t, totals, plan, grids } = state;
  const [min, max] = state.bounds.value;
  const live = desk.totals.value;
  const ready = grids.value.length > 0;
  const { grids: count, households, inBounds } = live ?? totals.value;
  return (
    <section class="totals" aria-label={t("totals")}>
      <p>
        <span>
          <b>{ready ? formatNumber(count) : formatNumber(plan.value?.n_grids ?? 0)}</b> {t("totals.grids")}
        </span>
        <span>
          <b>{ready ? formatNumber(households) : formatNumber(plan.value?.households ?? 0)}</b> {t("totals.households")}
        </span>
        {ready && (
          <span class={inBounds < count ? "alert" : ""}>
            <b>
              {formatNumber(inBounds)}/{formatNumber(count)}
            </b>{" "}
            {t("totals.inBounds")}
          </span>
        )}
        {live && live.unassignedCells > 0 && (
          <span class="alert">
            <b>{formatNumber(live.unassignedHouseholds)}</b> {t("totals.unassigned")}
          </span>
        )}
      </p>
      <p class="muted">{t("totals.bounds", { min, max })}</p>
    </section>
  );
}

function Filter() {
  const { state } = useApp();
  const { t, filter, outOnly, totals } = state;
  return (
    <div class="filter">
      <input
        type="search"
        aria-label={t("filter.label")}
        placeholder={t("filter.hint")}
        value={filter.value}
        onInput={(event) => (filter.value = event.currentTarget.value)}
      />
      {(totals.value.inBounds < totals.value.grids || outOnly.value) && (
        <label class="check">
          <input
            type="checkbox"
            checked={outOnly.value}
            onChange={(event) => (outOnly.value = event.currentTarget.checked)}
          />
          {t("filter.outOnly")}
        </label>
      )}
    </div>
  );
}

/** The edge between map and panel: dragged, or moved by the arrow keys. */
function Resizer() {
  const { state } = useApp();
  const { t, panelWidth } = state;
  const set = (width: number): void => {
    panelWidth.value = Math.round(Math.min(MOST, Math.max(LEAST, width)));
  };
  return (
    <div
      class="resizer"
      role="separator"
      aria-orientation="vertical"
      aria-label={t("panel.resize")}
      aria-valuenow={panelWidth.value}
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      tabIndex={0}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) =>
        event.currentTarget.hasPointerCapture(event.pointerId) && set(window.innerWidth - event.clientX)
      }
      onDblClick={() => set(DEFAULT_WIDTH)}
      onKeyDown={(event) => {
        if (event.key === "ArrowLeft") set(panelWidth.value + 16);
        if (event.key === "ArrowRight") set(panelWidth.value - 16);
      }}
    />
  );
}

/** The handle of the sheet on a phone: a tap goes one step further, a pull goes where it is let go. */
function SheetHandle() {
  const { state } = useApp();
  const { t, sheet } = state;
  const from = useRef<{ y: number; moved: boolean } | null>(null);
  const step = (by: number): void => {
    const at = Math.min(HEIGHTS.length - 1, Math.max(0, HEIGHTS.indexOf(sheet.value) + by));
    sheet.value = HEIGHTS[at];
  };
  const full = sheet.value === "full";
  return (
    <button
      type="button"
      class="sheet-handle"
      aria-expanded={sheet.value !== "peek"}
      aria-label={t(full ? "sheet.less" : "sheet.more")}
      onPointerDown={(event) => {
        from.current = { y: event.clientY, moved: false };
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerUp={(event) => {
        const pulled = (from.current?.y ?? event.clientY) - event.clientY;
        if (Math.abs(pulled) < 12 || !from.current) return;
        from.current.moved = true;
        step(Math.sign(pulled) * (Math.abs(pulled) > window.innerHeight * 0.45 ? 2 : 1));
      }}
      onClick={() => {
        if (from.current?.moved) from.current.moved = false;
        else if (full) sheet.value = "peek";
        else step(1);
      }}
    >
      <span />
    </button>
  );
}
