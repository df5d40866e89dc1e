import { useState } from "preact/hooks";
import { formatNumber } from "../i18n";
import { codeWords } from "../state/casewords";
import { movedAsCsv, type MovedPair } from "../state/compare";
import type { State } from "../state/state";
import { useApp } from "./context";

const FIRST = 200;
const FIRST_PAIRS = 50;

/** Which households change hands between the two plans: from grid to grid, and building by building. */
export function CompareList() {
  const { state, compare } = useApp();
  const { t } = state;
  const { found, standing } = compare;
  if (standing.value === "failed")
    return (
      <p class="panel-empty" role="alert">
        {t("compare.failed")}{" "}
        <button type="button" class="link" onClick={compare.retry}>
          {t("error.retry")}
        </button>
      </p>
    );
  if (!found.value) return <p class="panel-empty" role="status">{t("compare.busy")}</p>;
  const { households_moved: households, people_moved: people, buildings } = found.value;
  return (
    <div class="compare-list">
      <p class="compare-sum">
        <b>
          {people === null
            ? t("compare.sum", { households })
            : t("compare.sumPeople", { households, people: Math.round(people) })}
        </b>
      </p>
      {compare.twoVersions.value && <p class="compare-sum muted">{t("compare.versions")}</p>}
      {buildings.length === 0 ? (
        <p class="compare-sum">{t("compare.same")}</p>
      ) : (
        <>
          <Pairs />
          <Buildings />
        </>
      )}
    </div>
  );
}

function codeOf(state: State, text: string | null): string {
  return text === null ? state.t("compare.none") : codeWords(state, text);
}

function Pairs() {
  const { state, compare } = useApp();
  const { t } = state;
  const chosen = compare.pair.value;
  const [count, setCount] = useState(FIRST_PAIRS);
  const pairs = compare.found.value?.pairs ?? [];
  const isChosen = (pair: MovedPair): boolean => chosen?.from === pair.from && chosen.to === pair.to;
  return (
    <div class="compare-pairs">
      <table class="plain">
        <caption>{t("compare.pairs")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("compare.fromTo")}</th>
            <th scope="col" class="number">
              {t("detail.households")}
            </th>
            <th scope="col" class="number">
              {t("compare.buildings")}
            </th>
          </tr>
        </thead>
        <tbody>
          {pairs.slice(0, count).map((pair) => (
            <tr key={`${pair.from} ${pair.to}`} class={isChosen(pair) ? "is-current" : ""}>
              <td>
                <button
                  type="button"
                  class="link"
                  aria-pressed={isChosen(pair)}
                  title={t("compare.only")}
                  onClick={() => (compare.pair.value = isChosen(pair) ? null : pair)}
                >
                  {codeOf(state, pair.from)} → {codeOf(state, pair.to)}
                </button>
              </td>
              <td class="number">{formatNumber(pair.households)}</td>
              <td class="number">{formatNumber(pair.buildings)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {pairs.length > count && (
        <button type="button" class="link" onClick={() => setCount(4 * count)}>
          {t("compare.morePairs", { count: pairs.length - count })}
        </button>
      )}
    </div>
  );
}

function Buildings() {
  const { state, compare, save } = useApp();
  const { t } = state;
  const [count, setCount] = useState(FIRST);
  const list = compare.buildings.value;
  const keep = (): void => {
    const head = [t("detail.id"), t("detail.building"), t("detail.address"), t("detail.households"), t("compare.from"), t("compare.to")];
    const name = `${state.plan.value?.name ?? ""}-${t("compare.file")}.csv`;
    save(new Blob([movedAsCsv(list, head)], { type: "text/csv;charset=utf-8" }), name);
  };
  return (
    <section class="compare-buildings" aria-label={t("compare.buildings")}>
      <div class="compare-filter">
        <input
          type="search"
          aria-label={t("compare.filter")}
          placeholder={t("compare.filter")}
          value={compare.text.value}
          onInput={(event) => (compare.text.value = event.currentTarget.value)}
        />
        <button type="button" class="button" onClick={keep}>
          {t("compare.csv")}
        </button>
      </div>
      <p class="compare-sum muted" aria-live="polite">
        {t("compare.count", { count: list.length })}
        {compare.pair.value && (
          <>
            {" "}
            <button type="button" class="link" onClick={() => (compare.pair.value = null)}>
              {t("compare.all")}
            </button>
          </>
        )}
      </p>
      <p class="compare-row compare-head muted" aria-hidden="true">
        <span>{t("detail.building")}</span>
        <span class="number">{t("detail.households")}</span>
        <span>{t("compare.fromTo")}</span>
      </p>
      <ul class="checks-list" aria-label={t("compare.buildings")}>
        {list.slice(0, count).map((building) => {
          const current = compare.building.value === building.id;
          return (
            <li key={building.id} class={current ? "is-current" : ""}>
              <button type="button" class="check-row compare-row" aria-current={current ? "true" : undefined} onClick={() => compare.go(building)}>
                <span>{building.name ?? building.address ?? building.id}</span>
                <span class="number">
                  {formatNumber(building.households)} <span class="visually-hidden">{t("detail.households")}</span>
                </span>
                <span class="muted">
                  {codeOf(state, building.from)} → {codeOf(state, building.to)}
                </span>
              </button>
            </li>
          );
        })}
        {list.length > count && (
          <li>
            <button type="button" class="check-row link" onClick={() => setCount(4 * count)}>
              {t("detail.moreBuildings", { count: list.length - count })}
            </button>
          </li>
        )}
      </ul>
    </section>
  );
}
