/** What a picture of the view says and shows, from the state of the page. */

import type L from "leaflet";
import { formatMetres } from "../i18n";
import { css } from "../kernels/palette";
import type { Compare } from "../state/compare";
import type { Desk } from "../state/desk";
import { legendLines, legendRows, modeWords } from "../state/legend";
import type { State } from "../state/state";
import { drawPicture, type PictureWords, type Shown } from "./picture";

export interface Camera {
  state: State;
  desk: Desk;
  compare: Compare;
  map: L.Map;
  /** The maps of the second plan, where two are shown. */
  other: () => L.Map | null;
  save: (file: Blob, name: string) => void;
}

/** Keep the view as a PNG at the pixels of the device. */
export async function takePicture({ state, desk, compare, map, other, save }: Camera): Promise<void> {
  const frame = map.getContainer().closest<HTMLElement>(".map-frame");
  const plan = state.plan.peek();
  if (!frame || !plan) return;
  const view = compare.view.peek();
  const second = view === null ? null : other();
  const { width, height } = frame.getBoundingClientRect();
  const middle = view === "swipe" ? width * compare.share.peek() : width / 2;
  const upright = second !== null && view === "side" && map.getSize().y < height - 1;
  const parts: Shown[] = second
    ? [
        { map: second, clip: clipOf(second, frame, view === "swipe" ? middle : null) },
        { map, clip: clipOf(map, frame, null) },
      ]
    : [{ map, clip: { left: 0, top: 0, width, height } }];
  const names = second && !upright ? [
    { text: compare.other.peek()?.name ?? "", x: middle, right: false },
    { text: plan.name, x: middle, right: true },
  ] : [];
  const ground = getComputedStyle(map.getContainer()).backgroundColor;
  // The second plan lies over the first one where it is swiped.
  const shown = view === "swipe" ? [...parts].reverse() : parts;
  const file = await drawPicture(frame, shown, wordsOf(state, map, names), ground);
  if (!file) return desk.say("export.noPicture", {}, true);
  const name = `${plan.name.replace(/[^\p{L}\p{N}._-]+/gu, "-")}-${today()}.png`;
  save(file, name);
  desk.say("export.done", { name });
}

function clipOf(map: L.Map, frame: HTMLElement, right: number | null): Shown["clip"] {
  const [box, origin] = [map.getContainer().getBoundingClientRect(), frame.getBoundingClientRect()];
  const width = right === null ? box.width : right;
  return { left: box.left - origin.left, top: box.top - origin.top, width, height: box.height };
}

function wordsOf(state: State, map: L.Map, names: PictureWords["names"]): PictureWords {
  const { t } = state;
  const plan = state.plan.peek();
  const inSight = map.getBounds();
  const notes = state.showNotes.peek() ? state.notes.peek() : [];
  const shown = state.force.peek() === "ready" ? state.forceShown.peek() : "none";
  const force = {
    none: [],
    all: [{ mark: "force", words: t("layer.force.line") }],
    changes: [{ mark: "old", words: t("layer.force.dots") }],
  }[shown];
  return {
    title: plan?.name ?? "",
    detail: `${t(`state.${plan?.state ?? "draft"}`)} · ${today()} · ${t("mode")}: ${modeWords(state)}`,
    rows: legendRows(state).map(({ colour, words }) => ({ colour: css(colour, 0.75), border: css(colour), words })),
    lines: [...legendLines(state), ...force],
    notes: notes.flatMap(({ lon, lat, text }, i) => (inSight.contains([lat, lon]) ? [{ number: i + 1, text }] : [])),
    names,
    source: [state.detail.peek()?.attribution ?? "", "Wangge 网格"].filter(Boolean).join(" · "),
    metres: (metres) => (metres >= 1000 ? `${metres / 1000} km` : `${formatMetres(metres)} m`.replace(".0", "")),
  };
}

/** The day here, as 2026-11-22. */
function today(): string {
  const now = new Date();
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}
