import { useComputed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { GridProperties } from "../api/types";
import { formatMetres, formatNumber, formatPercent } from "../i18n";
import { shortCode } from "../kernels/codes";
import { css, gridColour } from "../kernels/palette";
import { rowFigures } from "../state/livetable";
import { verdictOf } from "../state/state";
import { Chip } from "./Chip";
import { useApp } from "./context";
import { Item } from "./Details";
import { Icon } from "./icons";
import { StaffEditor } from "./StaffEditor";

const COLOURS = [0, 1, 2, 3, 4, 5, 6, 7];

/** The selected grid: its figures as they are this moment and, in a draft, all that can be changed about it. */
export function GridCard({ ix, grid, onZoom }: { ix: number; grid: GridProperties; onZoom: () => void }) {
  const { state, edit } = useApp();
  const { t } = state;
  const draft = edit.phase.value === "ready";
  return (
    <>
      <h2>
        <Chip grid={grid} />
        <span>{t("detail.grid", { code: shortCode(grid.code) })}</span>
        <button type="button" class="link" onClick={onZoom}>
          {t("detail.zoom")}
        </button>
        {draft && <LockButton ix={ix} />}
      </h2>
      <Figures ix={ix} grid={grid} />
      {draft && <Fields key={ix} ix={ix} grid={grid} />}
      {draft && <Deeds ix={ix} />}
    </>
  );
}

function Figures({ ix, grid }: { ix: number; grid: GridProperties }) {
  const { state, edit, desk } = useApp();
  const { t } = state;
  // Only what can be seen changes the card: a stroke elsewhere leaves it alone.
  const live = useComputed(() => {
    void edit.version.value;
    return edit.live ? JSON.stringify(rowFigures(edit.live, ix)) : null;
  });
  const now = live.value === null ? null : (JSON.parse(live.value) as ReturnType<typeof rowFigures>);
  const households = now?.households ?? grid.households;
  const mean = desk.totals.value?.means.get(grid.boundary_code ?? "");
  const deviation = now && mean ? households / mean - 1 : grid.deviation;
  const people = grid.population === null ? null : (now?.people ?? grid.population);
  const [min, max] = state.bounds.value;
  const fits = households >= min && households <= max;
  return (
    <>
      <p class={fits ? "verdict" : "verdict alert"}>
        {fits ? "" : "! "}
        {verdictOf(state, { ...grid, households })}
        {now?.inPieces && <b class="alert"> ! {t("detail.pieces", { count: now.pieces })}</b>}
      </p>
      <dl>
        <Item word={t("detail.households")}>{formatNumber(households)}</Item>
        <Item word={t("detail.deviation")}>{deviation === null ? "–" : `${formatPercent(deviation)} %`}</Item>
        {people !== null && <Item word={t("detail.people")}>{formatNumber(Math.round(people))}</Item>}
        <Item word={t("detail.area")}>
          {formatNumber((now?.areaM2 ?? grid.area_m2) / 10_000, 2)} {t("unit.ha")}
        </Item>
        <Item word={t("detail.perimeter")}>
          {formatMetres(Math.round(now?.perimeterM ?? grid.perimeter_m))} {t("unit.m")}
        </Item>
        <Item word={t("detail.compact")}>{formatNumber(now?.compactness ?? grid.polsby_popper, 2)}</Item>
        {now && now.streetShare !== null && <Item word={t("detail.streets")}>{Math.round(100 * now.streetShare)} %</Item>}
        {grid.name && edit.phase.value !== "ready" && <Item word={t("detail.name")}>{grid.name}</Item>}
        {grid.boundary_name && <Item word={t("detail.community")}>{grid.boundary_name}</Item>}
        {edit.phase.value !== "ready" && (
          <Item word={t("detail.code")} two>
            <code>{grid.code}</code>
          </Item>
        )}
      </dl>
    </>
  );
}

function LockButton({ ix }: { ix: number }) {
  const { state, edit, commands } = useApp();
  void edit.attributesVersion.value;
  const locked = edit.book?.grid(ix).locked ?? false;
  const words = state.t(locked ? "grid.unlock" : "grid.lock");
  return (
    <button type="button" class={locked ? "icon-button is-on" : "icon-button"} aria-pressed={locked} aria-label={words} title={words} onClick={() => void commands.lockGrid(ix, !locked)}>
      <Icon name="lock" size={16} />
    </button>
  );
}

/** Name, code and colour; taken over with Enter or when the field is left. */
function Fields({ ix, grid }: { ix: number; grid: GridProperties }) {
  const { state, edit } = useApp();
  const { t } = state;
  void edit.attributesVersion.value;
  const now = edit.book?.grid(ix);
  if (!now) return null;
  const rename = (text: string): void => void edit.change("name", [{ path: `grid/${ix}/name`, value: text.trim() || null }]);
  const renumber = (text: string): boolean => {
    const code = text.trim();
    if (code === now.code) return true;
    const taken = code === "" || edit.book?.codes.some((each, other) => each === code && other !== ix);
    if (taken) edit.say("grid.codeTaken", { code }, true);
    else edit.change("number", [{ path: `grid/${ix}/code`, value: code }]);
    return !taken;
  };
  return (
    <div class="card-fields">
      <TextField words={t("detail.name")} value={now.name ?? ""} hint={t("grid.nameHint")} onDone={(text) => (rename(text), true)} />
      <TextField words={t("detail.code")} value={now.code} onDone={renumber} />
      <fieldset class="swatches">
        <legend>{t("grid.colour")}</legend>
        {COLOURS.map((colour) => {
          const tone = gridColour("grid", { ...grid, colour }, state.bounds.value);
          return (
            <button
              key={colour}
              type="button"
              class={grid.colour === colour ? "swatch-button is-on" : "swatch-button"}
              style={{ backgroundColor: css(tone, 0.75), borderColor: css(tone) }}
              aria-pressed={grid.colour === colour}
              aria-label={t("grid.colourOf", { number: colour + 1 })}
              onClick={() => void edit.change("colour", [{ path: `grid/${ix}/colour`, value: colour }])}
            />
          );
        })}
      </fieldset>
      <StaffEditor ix={ix} />
    </div>
  );
}

interface TextFieldProps {
  words: string;
  value: string;
  hint?: string;
  /** Takes the text; false puts the old one back. */
  onDone: (text: string) => boolean;
}

function TextField({ words, value, hint, onDone }: TextFieldProps) {
  const done = (field: HTMLInputElement): void => {
    if (field.value !== value && !onDone(field.value)) field.value = value;
  };
  return (
    <label class="field is-row">
      <span>{words}</span>
      <input
        type="text"
        key={value}
        defaultValue={value}
        placeholder={hint}
        maxLength={120}
        onBlur={(event) => done(event.currentTarget)}
        onKeyDown={(event) => {
          if (event.isComposing || event.keyCode === 229) return;
          if (event.key === "Enter") event.currentTarget.blur();
          if (event.key === "Escape") {
            event.stopPropagation();
            event.currentTarget.value = value;
            event.currentTarget.blur();
          }
        }}
      />
    </label>
  );
}

/** What can be done with the whole grid. */
function Deeds({ ix }: { ix: number }) {
  const { state, edit, commands, jobs } = useApp();
  const { t, bounds } = state;
  const [sure, setSure] = useState(false);
  // After each edit, not in the middle of a stroke.
  void state.grids.value;
  const book = edit.book;
  const around = (edit.live?.neighbours(ix) ?? []).filter((each) => book?.boundaryOf(each.grid) === book?.boundaryOf(ix));
  const [min, max] = bounds.value;
  const near = [ix, ...around.map((each) => each.grid)];
  return (
    <div class="deeds">
      {around.length > 0 && (
        <select
          class="button"
          aria-label={t("grid.merge")}
          value=""
          onChange={(event) => {
            const into = event.currentTarget.value;
            event.currentTarget.value = "";
            if (into !== "") commands.merge(ix, Number(into));
          }}
        >
          <option value="">{t("grid.merge")}</option>
          {around.map(({ grid }) => (
            <option key={grid} value={String(grid)}>
              {t("detail.grid", { code: shortCode(book?.grid(grid).code ?? "") })}
            </option>
          ))}
        </select>
      )}
      <Deed onClick={() => (sure ? (setSure(false), void commands.dissolve(ix)) : setSure(true))}>{t(sure ? "grid.dissolveSure" : "grid.dissolve")}</Deed>
      <Deed onClick={() => void jobs.suggest(ix)}>{t("grid.suggest")}</Deed>
      <Deed onClick={() => void jobs.rebalance({ grids: near, min, max })}>{t("grid.rebalance")}</Deed>
    </div>
  );
}

function Deed({ onClick, children }: { onClick: () => void; children: ComponentChildren }) {
  return (
    <button type="button" class="button" onClick={onClick}>
      {children}
    </button>
  );
}
