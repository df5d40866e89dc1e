/** Zoom in quarter steps: level n of Leaflet is zoom n / 4, so that a plan fills the page and tiles stay crisp. */

import L from "leaflet";

const STEPS = 4;

export const QUARTER_STEPS: L.CRS = L.extend({}, L.CRS.EPSG3857, {
  scale: (level: number) => 256 * 2 ** (level / STEPS),
  zoom: (scale: number) => STEPS * Math.log2(scale / 256),
});

/** The usual zoom (0: the world in 256 pixels) of a level of Leaflet, and the reverse. */
export const mapZoom = (level: number): number => level / STEPS;
export const mapLevel = (zoom: number): number => STEPS * zoom;
