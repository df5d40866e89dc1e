import { useEffect, useRef } from "preact/hooks";
import type { Key } from "../i18n";
import { formatNumber } from "../i18n";
import { shortCode } from "../kernels/codes";
import type { CompareView as View } from "../state/compare";
import type { State } from "../state/state";
import { useApp } from "./context";
import { Icon } from "./icons";

const VIEWS: View[] = ["swipe", "side"];
const STEP = 0.02;
const PAGE = 0.1;
const [LEAST, MOST] = [0.02, 0.98];

/** Over the map: the other plan, what divides the two, their names, and how they are shown. */
export function CompareView() {
  const { state, compare } = useApp();
  const view = compare.view.value;
  const other = compare.other.value;
  if (view === null || !other || state.phase.value !== "ready") return null;
  return (
    <>
      <OtherHost key={other.id} />
      {view === "swipe" && <Divider />}
      <CompareBar />
      <Names />
    </>
  );
}

// The host has its size before the map comes into it.
function OtherHost() {
  const { compare, openOther } = useApp();
  const host = useRef<HTMLDivElement>(null);
  const view = compare.view.value;
  const share = compare.share.value;
  useEffect(() => {
    const plan = compare.other.peek();
    if (!host.current || !plan) return;
    const map = openOther(plan, host.current);
    compare.map.value = map;
    return () => {
      compare.map.value = null;
      map.close();
    };
  }, []);
  const swipe = view === "swipe";
  return (
    <div
      class="compare-host"
      ref={host}
      inert={swipe}
      style={swipe ? { clipPath: `inset(0 ${(100 * (1 - share)).toFixed(3)}% 0 0)` } : undefined}
    />
  );
}

function Divider() {
  const { state, compare } = useApp();
  const { t } = state;
  const { share } = compare;
  const set = (to: number): void => {
    share.value = Math.min(MOST, Math.max(LEAST, to));
  };
  const onPointer = (event: PointerEvent & { currentTarget: HTMLElement }): void => {
    const frame = event.currentTarget.parentElement?.getBoundingClientRect();
    if (frame && event.currentTarget.hasPointerCapture(event.pointerId)) set((event.clientX - frame.left) / frame.width);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const steps: Record<string, number> = {
      ArrowLeft: share.value - STEP,
      ArrowDown: share.value - STEP,
      ArrowRight: share.value + STEP,
      ArrowUp: share.value + STEP,
      PageDown: share.value - PAGE,
      PageUp: share.value + PAGE,
      Home: LEAST,
      End: MOST,
    };
    if (!(event.key in steps)) return;
    event.preventDefault();
    event.stopPropagation();
    set(steps[event.key]);
  };
  const percent = Math.round(100 * share.value);
  return (
    <div
      class="divider"
      role="slider"
      tabIndex={0}
      aria-label={t("compare.divider")}
      aria-orientation="horizontal"
      aria-valuemin={100 * LEAST}
      aria-valuemax={100 * MOST}
      aria-valuenow={percent}
      aria-valuetext={t("compare.dividerAt", { percent, name: compare.other.value?.name ?? "" })}
      style={{ left: `${(100 * share.value).toFixed(3)}%` }}
      onPointerDown={(event) => {
        event.preventDefault();
        event.currentTarget.focus();
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={onPointer}
      onDblClick={() => set(0.5)}
      onKeyDown={onKeyDown}
    >
      <span class="divider-grip" aria-hidden="true">
        <svg viewBox="0 0 16 16" width="16" height="16">
          <path d="M6 4 2 8l4 4M10 4l4 4-4 4" />
        </svg>
      </span>
    </div>
  );
}

function CompareBar() {
  const { state, compare } = useApp();
  const { t } = state;
  const { view, others, other } = compare;
  const phase = compare.map.value?.state.phase.value;
  return (
    <section class="compare-bar" aria-label={t("tab.compare")}>
      <label class="compare-with">
        <span>{t("compare.with")}</span>{" "}
        <select value={other.value?.id} onChange={(event) => compare.choose(event.currentTarget.value)}>
          {others.value.map(({ id, name, state: standing }) => (
            <option key={id} value={id}>
              {name} · {t(`state.${standing}` as Key)}
            </option>
          ))}
        </select>
      </label>
      <fieldset class="segments">
        <legend class="visually-hidden">{t("compare.view")}</legend>
        {VIEWS.map((each) => (
          <label key={each} class={view.value === each ? "is-on" : ""}>
            <input type="radio" name="compare-view" checked={view.value === each} onChange={() => (view.value = each)} />
            {t(`compare.${each}` as Key)}
          </label>
        ))}
      </fieldset>
      {phase === "loading" && <span role="status">{t("layer.loading")}</span>}
      {phase === "failed" && (
        <span class="alert" role="alert">
          {t("compare.notLoaded")}
        </span>
      )}
      <button type="button" class="icon-button" aria-label={t("compare.close")} title={`${t("compare.close")} (Esc)`} onClick={compare.close}>
        <Icon name="close" size={16} />
      </button>
    </section>
  );
}

/** Which plan is on which side, and the grid that is under the pointer or chosen there. */
function Names() {
  const { state, compare } = useApp();
  const swipe = compare.view.value === "swipe";
  const there = compare.map.value?.state;
  const at = swipe ? `${100 * compare.share.value}%` : "50%";
  return (
    <div class="compare-names">
      <div class="compare-side is-left" style={{ flexBasis: at }}>
        <p class="compare-name">
          <b>{compare.other.value?.name}</b> {there && gridWords(there)}
        </p>
      </div>
      <div class="compare-side is-right">
        <p class="compare-name">
          <b>{state.plan.value?.name}</b> {gridWords(state)}
        </p>
      </div>
    </div>
  );
}

function gridWords(state: State): string {
  const { grids, hovered, selected, t } = state;
  const grid = grids.value[hovered.value ?? selected.value ?? -1];
  return grid ? t("compare.grid", { code: shortCode(grid.code), households: formatNumber(grid.households) }) : "";
}
