/** A small map on a canvas: moved with a finger, closer with two or the buttons, tapped to say where. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { CaseRow } from "../api/cases";
import type { BaseFile } from "../api/phone";
import { decodeBundle } from "../api/wgb1";
import { lonLatToUnit } from "../kernels/geometry";
import { type Base, type BaseMeta, readBase } from "../worker/basemap";
import { usePhone } from "./context";
import { borderOf, draw, LEAST_ZOOM, type Look, lookAt, MOST_ZOOM, placeAt, scaleOf, type Scene } from "./draw";
import type { Position } from "./place";

interface Props {
  plan: number | null;
  row: CaseRow | null;
  me: Position | null;
  /** A place that was tapped. */
  place: Position | null;
  border: { type: string; coordinates: unknown } | null;
  label: string;
  tap: ((lon: number, lat: number) => void) | null;
}

const TAP_PX = 10;
/** Reading a base map takes a phone a while: the last one stays. */
let lastBase: { etag: string; base: Base; attribution: string } | null = null;

function readFile({ etag, bytes }: BaseFile): Base {
  const bundle = decodeBundle<BaseMeta>(bytes);
  lastBase = { etag, base: readBase(bundle), attribution: bundle.meta.attribution };
  return lastBase.base;
}

export function PhoneMap({ plan, row, me, place, border, label, tap }: Props) {
  const phone = usePhone();
  const { state, t } = phone;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [look, setLook] = useState<Look | null>(null);
  const [base, setBase] = useState<Base | null>(lastBase?.base ?? null);
  const [loading, setLoading] = useState(true);
  useEffect(() => {
    void phone
      .base(plan)
      .then((file) => {
        if (!file) return;
        setBase(lastBase && file.etag && lastBase.etag === file.etag ? lastBase.base : readFile(file));
      })
      .catch(() => undefined)
      .finally(() => setLoading(false));
  }, [plan]);
  const spot = useMemo<Position | null>(
    () => place ?? (row ? { lon: row.lon, lat: row.lat, accuracy: row.accuracy_m } : null),
    [place, row],
  );
  const outline = useMemo(() => borderOf(border), [border]);
  const [width, height] = [canvas.current?.clientWidth || 340, canvas.current?.clientHeight || 300];
  const first = startOf(spot, me, base, width, height);
  const shown = look ?? first;
  const scene: Scene = { base, border: outline, spot, me, theme: state.dark.value ? "dark" : "light" };
  const latest = useRef({ shown, scene });
  latest.current = { shown, scene };

  useEffect(() => {
    const paint = (): void => {
      const { shown: at, scene: now } = latest.current;
      if (canvas.current && at) draw(canvas.current, at, now);
    };
    const frame = requestAnimationFrame(paint);
    addEventListener("resize", paint);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener("resize", paint);
    };
  });
  useFingers(canvas, () => latest.current.shown, setLook, tap);

  const zoom = (by: number): void => {
    if (shown) setLook({ ...shown, zoom: Math.max(LEAST_ZOOM, Math.min(MOST_ZOOM, shown.zoom + by)) });
  };
  const centre = (at: Position): void => {
    const [x, y] = lonLatToUnit(at.lon, at.lat);
    setLook({ x, y, zoom: Math.max(17, shown?.zoom ?? 17) });
  };
  return (
    <div class="map-frame">
      <canvas ref={canvas} class="map" role="img" aria-label={label} />
      <div class="map-buttons">
        <button type="button" aria-label={t("map.in")} onClick={() => zoom(1)}>
          +
        </button>
        <button type="button" aria-label={t("map.out")} onClick={() => zoom(-1)}>
          −
        </button>
        {spot && (
          <button type="button" onClick={() => centre(spot)}>
            {t(tap ? "map.place" : "map.case")}
          </button>
        )}
        {me && (
          <button type="button" onClick={() => centre(me)}>
            {t("map.me")}
          </button>
        )}
      </div>
      {base && lastBase && <p class="map-source">{lastBase.attribution}</p>}
      {!base && (
        <p class="map-words" role="status">
          {t(loading ? "map.loading" : "map.none")}
        </p>
      )}
    </div>
  );
}

// The case and the phone where they are near each other, else the case; the town where nothing is known.
function startOf(spot: Position | null, me: Position | null, base: Base | null, width: number, height: number): Look | null {
  if (spot && me && Math.hypot(spot.lon - me.lon, spot.lat - me.lat) < 0.05) return lookAt([spot, me], width, height);
  const one = spot ?? me;
  if (one) return lookAt([one], width, height);
  if (!base) return null;
  const { coords } = base.streets;
  if (coords.length === 0) return null;
  const middle = 2 * Math.floor(coords.length / 4);
  return { x: coords[middle], y: coords[middle + 1], zoom: 15 };
}

interface Finger {
  x: number;
  y: number;
}

function useFingers(
  canvas: { current: HTMLCanvasElement | null },
  now: () => Look | null,
  set: (look: Look) => void,
  tap: ((lon: number, lat: number) => void) | null,
): void {
  const taps = useRef(tap);
  taps.current = tap;
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const fingers = new Map<number, Finger>();
    let moved = 0;
    const at = (event: PointerEvent): Finger => {
      const box = element.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    const down = (event: PointerEvent): void => {
      if (fingers.size === 0) moved = 0;
      else moved = Infinity;
      fingers.set(event.pointerId, at(event));
      element.setPointerCapture(event.pointerId);
    };
    const move = (event: PointerEvent): void => {
      const before = fingers.get(event.pointerId);
      const look = now();
      if (!before || !look) return;
      const after = at(event);
      fingers.set(event.pointerId, after);
      moved += Math.hypot(after.x - before.x, after.y - before.y);
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
      if (other) set(pinched(look, other, before, after, element));
      else if (moved > TAP_PX) {
        const scale = scaleOf(look.zoom);
        set({ ...look, x: look.x - (after.x - before.x) / scale, y: look.y - (after.y - before.y) / scale });
      }
    };
    const up = (event: PointerEvent): void => {
      const look = now();
      if (event.type === "pointerup" && fingers.size === 1 && moved <= TAP_PX && look && taps.current) {
        const { x, y } = at(event);
        // The map stays where it is.
        set(look);
        taps.current(...placeAt(look, x, y, element.clientWidth, element.clientHeight));
      }
      fingers.delete(event.pointerId);
    };
    element.addEventListener("pointerdown", down);
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", up);
    element.addEventListener("pointercancel", up);
    return () => {
      element.removeEventListener("pointerdown", down);
      element.removeEventListener("pointermove", move);
      element.removeEventListener("pointerup", up);
      element.removeEventListener("pointercancel", up);
    };
  }, []);
}

// The finger that rests keeps its place on the map.
function pinched(look: Look, rest: Finger, before: Finger, after: Finger, element: HTMLElement): Look {
  const spread = (finger: Finger): number => Math.max(10, Math.hypot(finger.x - rest.x, finger.y - rest.y));
  const zoom = Math.max(LEAST_ZOOM, Math.min(MOST_ZOOM, look.zoom + Math.log2(spread(after) / spread(before))));
  const [dx, dy] = [rest.x - element.clientWidth / 2, rest.y - element.clientHeight / 2];
  const [old, fresh] = [scaleOf(look.zoom), scaleOf(zoom)];
  return { x: look.x + dx / old - dx / fresh, y: look.y + dy / old - dy / fresh, zoom };
}
