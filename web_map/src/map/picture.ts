/** The view as a picture to keep: what is on the screen, under a title and over legend, scale and source. */

import type L from "leaflet";
import { scaleBar } from "../kernels/scalebar";
import { FONT } from "../worker/labelpen";

export interface PictureWords {
  title: string;
  /** State of the plan and the day. */
  detail: string;
  /** Colours with their words, then lines and patterns. */
  rows: { colour: string; border: string; words: string }[];
  lines: { mark: string; words: string }[];
  /** Notes in sight, by their number on the map. */
  notes: { number: number; text: string }[];
  /** Names of the plans left and right of the divider or of the middle, where two are shown. */
  names: { text: string; x: number; right: boolean }[];
  source: string;
  metres: (metres: number) => string;
}

/** A map and the part of it that is in sight, in pixels of the frame. */
export interface Shown {
  map: L.Map;
  clip: { left: number; top: number; width: number; height: number };
}

const [MARGIN, TITLE, LINE] = [16, 52, 22];
const [INK, MUTED, PAPER] = ["#1d2126", "#59616b", "#ffffff"];
const MOST_PIXELS = 16_000_000;

/** Wait until no tile of a map is on its way, some seconds at most. */
export async function settled(map: L.Map): Promise<void> {
  for (let waited = 0; waited < 50; waited++) {
    let busy = false;
    map.eachLayer((layer) => {
      if ((layer as L.GridLayer & { isLoading?: () => boolean }).isLoading?.()) busy = true;
    });
    if (!busy) return;
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Draw what a frame shows; `ground` is the colour of what no map covers. */
export async function drawPicture(frame: HTMLElement, shown: Shown[], words: PictureWords, ground: string): Promise<Blob | null> {
  await Promise.all(shown.map(({ map }) => settled(map)));
  const { width, height } = frame.getBoundingClientRect();
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  if (!context) return null;
  context.font = `12px ${FONT}`;
  const foot = layOut(words, width - 2 * MARGIN, (text) => context.measureText(text).width);
  const total = TITLE + height + MARGIN + foot.height + MARGIN / 2;
  const ratio = Math.min(Math.max(1, devicePixelRatio || 1), Math.sqrt(MOST_PIXELS / (width * total)));
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(total * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = PAPER;
  context.fillRect(0, 0, width, total);
  drawTitle(context, words);
  context.translate(0, TITLE);
  for (const each of shown) drawMap(context, frame, each, ground);
  drawNames(context, words.names, shown);
  context.translate(MARGIN, height + MARGIN);
  drawFoot(context, foot, words);
  context.translate(width - 2 * MARGIN, 0);
  drawScale(context, shown[0].map, words);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

// All canvases of a map lie where they are on the screen: tiles, lines, marks. Pins are drawn after them.
function drawMap(context: CanvasRenderingContext2D, frame: HTMLElement, { map, clip }: Shown, ground: string): void {
  const origin = frame.getBoundingClientRect();
  context.save();
  context.beginPath();
  context.rect(clip.left, clip.top, clip.width, clip.height);
  context.clip();
  context.fillStyle = ground;
  context.fillRect(clip.left, clip.top, clip.width, clip.height);
  const layers = [...map.getContainer().querySelectorAll("canvas")].map((canvas) => ({ canvas, depth: depthOf(canvas) }));
  layers.sort((a, b) => compareDepth(a.depth, b.depth));
  for (const { canvas } of layers) {
    const box = canvas.getBoundingClientRect();
    if (box.width === 0 || canvas.width === 0 || getComputedStyle(canvas).visibility === "hidden") continue;
    context.globalAlpha = opacityOf(canvas, map.getContainer());
    context.drawImage(canvas, box.left - origin.left, box.top - origin.top, box.width, box.height);
  }
  context.globalAlpha = 1;
  for (const pin of map.getContainer().querySelectorAll<HTMLElement>(".note-pin")) drawPin(context, pin, origin);
  context.restore();
}

// The z-indices of the panes and layers around an element, from the outside in.
function depthOf(element: Element): number[] {
  const depth: number[] = [];
  for (let at: Element | null = element; at && !at.classList.contains("leaflet-container"); at = at.parentElement) {
    const index = Number(getComputedStyle(at).zIndex);
    if (!Number.isNaN(index)) depth.unshift(index);
  }
  return depth;
}

function compareDepth(a: number[], b: number[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i] - b[i];
  return 0;
}

function opacityOf(element: Element, within: Element): number {
  let opacity = 1;
  for (let at: Element | null = element; at && at !== within; at = at.parentElement)
    opacity *= Number(getComputedStyle(at).opacity);
  return opacity;
}

function drawPin(context: CanvasRenderingContext2D, pin: HTMLElement, origin: DOMRect): void {
  const path = pin.querySelector("path")?.getAttribute("d");
  const shape = pin.querySelector("svg");
  const box = pin.getBoundingClientRect();
  if (!path || !shape) return;
  context.save();
  context.translate(box.left - origin.left, box.top - origin.top);
  const outline = new Path2D(path);
  context.fillStyle = getComputedStyle(shape).fill;
  context.fill(outline);
  context.strokeStyle = PAPER;
  context.lineWidth = 1.5;
  context.stroke(outline);
  context.fillStyle = PAPER;
  context.font = `700 11px ${FONT}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(pin.textContent ?? "", 12, 11);
  context.restore();
}

function drawTitle(context: CanvasRenderingContext2D, { title, detail }: PictureWords): void {
  context.textBaseline = "middle";
  context.fillStyle = INK;
  context.font = `700 17px ${FONT}`;
  context.fillText(title, MARGIN, TITLE / 2);
  const width = context.measureText(title).width;
  context.fillStyle = MUTED;
  context.font = `13px ${FONT}`;
  context.fillText(detail, MARGIN + width + 14, TITLE / 2 + 1);
}

function drawNames(context: CanvasRenderingContext2D, names: PictureWords["names"], shown: Shown[]): void {
  context.font = `700 12px ${FONT}`;
  context.textBaseline = "middle";
  for (const { text, x, right } of names) {
    const width = context.measureText(text).width + 16;
    context.fillStyle = "rgba(255, 255, 255, 0.92)";
    context.fillRect(right ? x + 4 : x - width - 4, 10, width, 22);
    context.fillStyle = INK;
    context.fillText(text, right ? x + 12 : x - width + 4, 21);
  }
  if (names.length === 0) return;
  const { clip } = shown[shown.length - 1];
  context.fillStyle = PAPER;
  context.fillRect(names[0].x - 1.5, 0, 3, clip.height);
}

interface Foot {
  items: { x: number; y: number; kind: "row" | "line"; at: number }[];
  notes: { y: number; text: string }[];
  source: number;
  height: number;
}

const [SWATCH, GAP, SCALE_ROOM] = [22, 18, 180];

/** Places for the entries of the legend, one after the other and line by line, beside the room for the scale. */
function layOut(words: PictureWords, width: number, measure: (text: string) => number): Foot {
  const items: Foot["items"] = [];
  let [x, y] = [0, 0];
  const put = (kind: "row" | "line", at: number, text: string): void => {
    const needed = SWATCH + 8 + measure(text);
    if (x > 0 && x + needed > width - SCALE_ROOM) [x, y] = [0, y + LINE];
    items.push({ x, y, kind, at });
    x += needed + GAP;
  };
  words.rows.forEach(({ words: text }, i) => put("row", i, text));
  if (words.rows.length > 0 && words.lines.length > 0) [x, y] = [0, y + LINE];
  words.lines.forEach(({ words: text }, i) => put("line", i, text));
  if (items.length > 0) y += LINE;
  const notes = words.notes.map(({ number, text }) => {
    const place = { y, text: shorten(`${number}  ${text.replace(/\s+/g, " ")}`, width, measure) };
    y += LINE;
    return place;
  });
  const source = y;
  return { items, notes, source, height: Math.max(y + (words.source === "" ? 0 : LINE), 2 * LINE) };
}

/** As much of a text as fits, with three dots where it was cut. */
function shorten(text: string, width: number, measure: (text: string) => number): string {
  if (measure(text) <= width) return text;
  let [fits, most] = [0, text.length];
  while (fits + 1 < most) {
    const middle = (fits + most) >> 1;
    if (measure(`${text.slice(0, middle)} …`) <= width) fits = middle;
    else most = middle;
  }
  return `${text.slice(0, fits)} …`;
}

function drawFoot(context: CanvasRenderingContext2D, foot: Foot, words: PictureWords): void {
  context.font = `12px ${FONT}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  for (const { x, y, kind, at } of foot.items) {
    context.save();
    context.translate(x, y);
    if (kind === "row") drawColour(context, words.rows[at]);
    else drawMark(context, words.lines[at].mark);
    context.restore();
    context.fillStyle = INK;
    context.fillText(kind === "row" ? words.rows[at].words : words.lines[at].words, x + SWATCH + 8, y + 8);
  }
  context.fillStyle = INK;
  for (const { y, text } of foot.notes) context.fillText(text, 0, y + 8);
  context.fillStyle = MUTED;
  context.fillText(words.source, 0, foot.source + 8);
}

function drawColour(context: CanvasRenderingContext2D, { colour, border }: PictureWords["rows"][number]): void {
  context.fillStyle = colour;
  context.fillRect(0.75, 1.75, SWATCH - 1.5, 13);
  context.strokeStyle = border;
  context.lineWidth = 1.5;
  context.strokeRect(0.75, 1.75, SWATCH - 1.5, 13);
}

const DASHES: Record<string, number[]> = { dashes: [8, 3], force: [5, 3], old: [2, 3] };

// The same marks as in the legend on the page.
function drawMark(context: CanvasRenderingContext2D, mark: string): void {
  context.strokeStyle = mark === "force" || mark === "old" ? "#6a1b9a" : mark === "hatch" ? "#b3261e" : INK;
  context.lineWidth = mark === "line" ? 1 : 2;
  context.beginPath();
  if (mark === "line") {
    for (const y of [6.5, 9.5]) {
      context.moveTo(0, y);
      context.lineTo(SWATCH, y);
    }
  } else if (DASHES[mark]) {
    context.setLineDash(DASHES[mark]);
    context.moveTo(0, 8);
    context.lineTo(SWATCH, 8);
  } else if (mark === "lockedBorder") {
    context.lineWidth = 1.5;
    context.rect(0, 5, SWATCH, 6);
    for (const x of [8, 15]) {
      context.moveTo(x, 5);
      context.lineTo(x, 11);
    }
  } else {
    context.lineWidth = 1;
    context.rect(0.5, 1.5, SWATCH - 1, 13);
    for (let x = -8; x < SWATCH; x += 6) {
      if (mark !== "locked") line(context, x, 15, x + 13, 2);
      else {
        line(context, x, 15, x + 13, 2);
        line(context, x, 2, x + 13, 15);
      }
    }
  }
  context.stroke();
}

// A slanting line, cut off at the edges of the swatch.
function line(context: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  const at = (x: number): number => y0 + ((x - x0) * (y1 - y0)) / (x1 - x0);
  const [from, to] = [Math.max(0, x0), Math.min(SWATCH, x1)];
  if (from >= to) return;
  context.moveTo(from, at(from));
  context.lineTo(to, at(to));
}

function drawScale(context: CanvasRenderingContext2D, map: L.Map, words: PictureWords): void {
  const size = map.getSize();
  const middle = size.y / 2;
  const metres = map.distance(map.containerPointToLatLng([0, middle]), map.containerPointToLatLng([100, middle])) / 100;
  const bar = scaleBar(metres, 140);
  context.strokeStyle = INK;
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(-bar.pixels, 4);
  context.lineTo(-bar.pixels, 12);
  context.lineTo(-1, 12);
  context.lineTo(-1, 4);
  context.stroke();
  context.fillStyle = INK;
  context.font = `12px ${FONT}`;
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.fillText(words.metres(bar.metres), -1, 24);
}
