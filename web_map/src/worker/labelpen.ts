/** Draws the labels of a view as one picture, so that the page only has to show it. */

import type { LabelView, PlacedLabel, Theme, View } from "./protocol";

export const FONT = 'system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans SC", "Noto Sans CJK SC", sans-serif';

type Context = OffscreenCanvasRenderingContext2D;

interface Inks {
  halo: string;
  grid: string;
  alert: string;
  street: string;
  number: string;
  area: string;
}

const INKS: Record<Theme, Inks> = {
  light: {
    halo: "rgba(255, 255, 255, 0.92)",
    grid: "#1d2126",
    alert: "#b3261e",
    street: "#575249",
    number: "#4b4740",
    area: "#565b63",
  },
  dark: {
    halo: "rgba(20, 23, 27, 0.88)",
    grid: "#f2f0eb",
    alert: "#ff9b8f",
    street: "#c5c2bb",
    number: "#b5b2ab",
    area: "#e6e2da",
  },
};

/** Draw the labels of a view; grids come last, over all others. */
export function drawLabels(view: LabelView, labels: PlacedLabel[], theme: Theme, locked: ReadonlySet<number>): ImageBitmap {
  const { ratio } = view;
  const canvas = new OffscreenCanvas(Math.max(1, view.width * ratio), Math.max(1, view.height * ratio));
  const context = canvas.getContext("2d");
  if (context) {
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    writeLabels(context, view, labels, theme, locked);
  }
  return canvas.transferToImageBitmap();
}

/** Write labels onto a picture whose unit is a pixel of the page. */
export function writeLabels(
  context: Context,
  view: View,
  labels: PlacedLabel[],
  theme: Theme,
  locked: ReadonlySet<number>,
): void {
  context.lineJoin = "round";
  context.textAlign = "center";
  context.textBaseline = "middle";
  const pen = new LabelPen(context, view, INKS[theme], locked);
  for (const label of labels) if (label.kind !== "grid") pen.draw(label);
  for (const label of labels) if (label.kind === "grid") pen.draw(label);
}

class LabelPen {
  constructor(
    private readonly context: Context,
    private readonly view: View,
    private readonly inks: Inks,
    private readonly locked: ReadonlySet<number>,
  ) {}

  draw(label: PlacedLabel): void {
    const { context, inks, view } = this;
    const [x, y] = [(label.x - view.x0) / view.step, (label.y - view.y0) / view.step];
    if (label.kind === "grid") return this.drawGrid(label, x, y);
    if (label.kind === "facility") {
      context.beginPath();
      context.arc(x, y, 2.5, 0, 2 * Math.PI);
      context.fillStyle = inks.street;
      context.fill();
      return this.write(label.text, x, y + 12, `500 ${label.font}px ${FONT}`, inks.street);
    }
    const ink = label.kind === "street" ? inks.street : label.kind === "area" ? inks.area : inks.number;
    const weight = label.kind === "area" ? 600 : 400;
    context.save();
    context.translate(x, y);
    context.rotate(label.angle);
    if (label.kind === "area") context.letterSpacing = "1px";
    this.write(label.text, 0, 0, `${weight} ${label.font}px ${FONT}`, ink);
    context.restore();
  }

  private drawGrid(label: PlacedLabel, x: number, y: number): void {
    const { context, inks } = this;
    const small = Math.max(10, label.font - 2);
    const head = label.alert ? `${label.text} !` : label.text;
    const ink = label.alert ? inks.alert : inks.grid;
    const top = label.detail ? y - small / 2 : y;
    this.write(head, x, top, `700 ${label.font}px ${FONT}`, ink);
    if (label.grid !== undefined && this.locked.has(label.grid))
      this.drawPadlock(x - context.measureText(head).width / 2 - 9, top);
    if (label.detail) this.write(label.detail, x, y + label.font / 2 + 1, `500 ${small}px ${FONT}`, inks.grid);
  }

  private drawPadlock(x: number, y: number): void {
    const { context, inks } = this;
    context.beginPath();
    context.rect(x - 4.5, y - 1, 9, 7);
    context.moveTo(x - 3, y - 1);
    context.arc(x, y - 2, 3, Math.PI, 0);
    context.lineTo(x + 3, y - 1);
    context.strokeStyle = inks.halo;
    context.lineWidth = 4;
    context.stroke();
    context.strokeStyle = context.fillStyle = inks.grid;
    context.lineWidth = 1.5;
    context.stroke();
    context.fillRect(x - 4.5, y - 1, 9, 7);
  }

  private write(text: string, x: number, y: number, font: string, ink: string): void {
    const { context, inks } = this;
    context.font = font;
    context.lineWidth = 3.5;
    context.strokeStyle = inks.halo;
    context.strokeText(text, x, y);
    context.fillStyle = ink;
    context.fillText(text, x, y);
  }
}
