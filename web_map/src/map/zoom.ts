/** Zoom levels in half steps: level n of Leaflet is zoom n / 2, so that tiles are crisp at every half zoom. */

import L from "leaflet";

export const HALF_STEPS: L.CRS = L.extend({}, L.CRS.EPSG3857, {
  scale: (level: number) => 256 * 2 ** (level / 2),
  zoom: (scale: number) => 2 * Math.log2(scale / 256),
});

/** The usual zoom (0: the world in 256 pixels) of a level of Leaflet, and the reverse. */
export const mapZoom = (level: number): number => level / 2;
export const mapLevel = (zoom: number): number => 2 * zoom;
