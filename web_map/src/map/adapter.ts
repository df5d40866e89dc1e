/** The map as the rest of the app knows it. Leaflet is imported in this folder and nowhere else. */

import L from "leaflet";
import "leaflet/dist/leaflet.css";
import type { Bbox } from "../api/types";
import type { CellPalette } from "../kernels/palette";
import type { Engine } from "../worker/engine";
import { lonLatToUnit, unitToLonLat } from "../kernels/geometry";
import type { Place, Sketch } from "../state/tools";
import { attachHand, type HandEvents } from "./hand";
import { Overlay, type OverlayContent } from "./overlay";
import { SketchLayer } from "./sketch";
import { BaseTiles, GridTiles } from "./tiles";
import { QUARTER_STEPS, mapLevel } from "./zoom";

export interface MapEvents {
  /** A click or tap; `cell` is undefined where the map is not drawn yet, -1 outside of all cells. */
  click(lon: number, lat: number, cell: number | undefined): void;
  /** The cell under the pointer, -1 where there is none. */
  hover(cell: number): void;
  /** All visible tiles of the grids are on the page. */
  painted(): void;
}

export interface MapWords {
  zoomIn: string;
  zoomOut: string;
  map: string;
}

export interface MapView {
  /** For the other files of this folder. */
  readonly leaflet: L.Map;
  fit(bbox: Bbox, options?: { animate?: boolean; maxZoom?: number }): void;
  /** Move the map where something covers this point. */
  reveal(lon: number, lat: number): void;
  /** Keep clear of what covers the lower edge (the sheet on a phone), in pixels. */
  setCovered(bottom: number): void;
  resize(): void;
  baseReady(): void;
  gridsReady(): void;
  /** Have what is in sight drawn from what the worker has loaded behind it, and call back when that is there. */
  prepare(done: () => void): void;
  /** Show that, in one frame, in these colours. */
  swap(palette: CellPalette): void;
  clear(): void;
  recolour(palette: CellPalette): void;
  /** Colour the cells in these boxes (four numbers each, in units) again, at once. */
  recolourIn(boxes: ArrayLike<number>): void;
  /** Draw the borders near these boxes again, as soon as the worker has them. */
  redrawLinesIn(boxes: ArrayLike<number>): void;
  /** Ask for the labels again. */
  relabel(): void;
  /** Let a hand draw on the map. */
  attachHand(events: HandEvents): void;
  setHand(mode: "pan" | "draw" | "point"): void;
  setTaking(on: boolean): void;
  setSketch(sketch: Sketch | null): void;
  /** Circle of the brush, radius in units; 0 hides it. */
  setBrush(pointer: Place | null, radius: number): void;
  setHandWords(text: string, at: Place | null): void;
  /** The cell at a place in units; -1 where none is, or none is drawn there. */
  cellAt(x: number, y: number): number;
  /** Middle of what is in sight, in units. */
  centre(): [x: number, y: number];
  /** Move a place into sight if it is not. */
  show(lon: number, lat: number, zoom?: number): void;
  /** Draw the borders again (other colours). */
  redrawLines(): void;
  redrawAll(): void;
  mark(content: OverlayContent): void;
  setWords(words: MapWords): void;
  setMotion(allowed: boolean): void;
}

export function createMap(element: HTMLElement, engine: Engine, events: MapEvents): MapView {
  const map = L.map(element, {
    attributionControl: false,
    zoomControl: false,
    crs: QUARTER_STEPS,
    minZoom: mapLevel(4),
    maxZoom: mapLevel(20),
    zoomDelta: mapLevel(1),
    wheelPxPerZoomLevel: 50,
    // Fading would give every tile a new opacity in every frame.
    fadeAnimation: false,
    maxBoundsViscosity: 0.8,
    zoomAnimationThreshold: mapLevel(4),
    worldCopyJump: false,
  });
  map.setView([30, 110], mapLevel(5), { animate: false });
  const zoom = L.control.zoom({ position: "bottomright", zoomInTitle: "+", zoomOutTitle: "-" }).addTo(map);
  L.control.scale({ position: "bottomleft", imperial: false, maxWidth: 120 }).addTo(map);
  const base = new BaseTiles(engine).addTo(map);
  const grids = new GridTiles(engine).addTo(map);
  const overlay = new Overlay((view) => {
    if (base.ready || grids.ready) engine.labels(view, (labels, of) => overlay.setLabels(labels, of));
  }).addTo(map);
  const sketch = new SketchLayer(map);
  let covered = 0;
  let motion = true;

  const cellAt = (latlng: L.LatLng): number | undefined => grids.cellAt(map.project(latlng, map.getZoom()), map.getZoom());
  const placeAt = (event: MouseEvent): Place => {
    const latlng = map.mouseEventToLatLng(event);
    const [x, y] = lonLatToUnit(latlng.lng, latlng.lat);
    return { x, y, cell: cellAt(latlng) ?? -1 };
  };
  map.on("click", ({ latlng }) => events.click(latlng.lng, latlng.lat, cellAt(latlng)));
  let asked = 0;
  map.on("mousemove", ({ latlng }) => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      events.hover(cellAt(latlng) ?? -1);
    });
  });
  map.on("mouseout", () => events.hover(-1));

  return {
    leaflet: map,
    fit([west, south, east, north], options = {}) {
      const corners = L.latLngBounds([south, west], [north, east]);
      const maxZoom = mapLevel(options.maxZoom ?? 18);
      const padding = { paddingTopLeft: L.point(20, 20), paddingBottomRight: L.point(20, 20 + covered) };
      map.fitBounds(corners, { ...padding, maxZoom, animate: motion && (options.animate ?? true) });
    },
    reveal(lon, lat) {
      const point = map.latLngToContainerPoint([lat, lon]);
      const lowest = map.getSize().y - covered - 40;
      if (point.y > lowest) map.panBy([0, point.y - lowest / 2], { animate: motion });
    },
    setCovered(bottom) {
      covered = bottom;
    },
    resize: () => map.invalidateSize({ animate: false, pan: false }),
    baseReady() {
      base.ready = true;
      base.refresh(false);
      if (grids.ready) grids.refresh(false);
      overlay.renew();
    },
    gridsReady() {
      grids.ready = true;
      grids.refresh(true);
      grids.whenSettled(() => requestAnimationFrame(() => events.painted()));
      overlay.renew();
    },
    prepare: (done) => grids.prepare(done),
    swap(palette) {
      grids.swap(palette);
      base.swap();
      overlay.renew();
    },
    clear() {
      base.ready = grids.ready = false;
      base.redraw();
      grids.redraw();
      overlay.setLabels(null);
    },
    recolour: (palette) => grids.recolour(palette),
    recolourIn: (boxes) => grids.recolourIn(boxes),
    redrawLinesIn(boxes) {
      if (grids.ready) grids.refreshIn(boxes);
    },
    relabel: () => overlay.renew(),
    attachHand(hand) {
      map.boxZoom.disable();
      attachHand(map, placeAt, hand);
    },
    setHand(mode) {
      element.classList.toggle("is-drawing", mode === "draw");
      element.classList.toggle("is-pointing", mode === "point");
    },
    setTaking: (on) => void element.classList.toggle("is-taking", on),
    setSketch: (drawn) => sketch.setSketch(drawn),
    setBrush: (pointer, radius) => sketch.setBrush(pointer, radius),
    setHandWords: (text, at) => sketch.setWords(text, at),
    cellAt(x, y) {
      const [lon, lat] = unitToLonLat(x, y);
      return cellAt(L.latLng(lat, lon)) ?? -1;
    },
    centre() {
      const { lng, lat } = map.getCenter();
      return lonLatToUnit(lng, lat);
    },
    show(lon, lat, zoom = 0) {
      if (map.getZoom() < mapLevel(zoom)) {
        const middle = map.project([lat, lon], mapLevel(zoom)).add([0, covered / 2]);
        map.setView(map.unproject(middle, mapLevel(zoom)), mapLevel(zoom), { animate: false });
        return;
      }
      const point = map.latLngToContainerPoint([lat, lon]);
      const size = map.getSize();
      const inside = point.x > 40 && point.y > 40 && point.x < size.x - 40 && point.y < size.y - covered - 40;
      if (!inside) map.panBy([point.x - size.x / 2, point.y - (size.y - covered) / 2], { animate: motion });
    },
    redrawLines() {
      if (grids.ready) grids.refresh(false);
    },
    redrawAll() {
      if (base.ready) base.refresh(false);
      if (grids.ready) grids.refresh(false);
    },
    mark: (content) => overlay.setContent(content),
    setWords(words) {
      element.setAttribute("aria-label", words.map);
      const [zoomIn, zoomOut] = zoom.getContainer()?.querySelectorAll("a") ?? [];
      for (const [button, word] of [[zoomIn, words.zoomIn], [zoomOut, words.zoomOut]] as const) {
        button?.setAttribute("title", word);
        button?.setAttribute("aria-label", word);
      }
    },
    setMotion(allowed) {
      motion = allowed;
      map.options.zoomAnimation = allowed;
    },
  };
}
