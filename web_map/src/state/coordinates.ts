/** Coordinates as people paste them. */

import type { Bbox } from "../api/types";

/**
 * Read "lon, lat" or "lat, lon" (comma, Chinese comma, semicolon or space). Where both orders are possible the one
 * inside or nearer to `bbox` is meant, else longitude first. Null for anything else.
 */
export function parseCoordinates(text: string, bbox: Bbox | null): [lon: number, lat: number] | null {
  const match = /^\s*\(?\s*([+-]?\d{1,3}(?:\.\d+)?)\s*°?\s*[,，;；\s]\s*([+-]?\d{1,3}(?:\.\d+)?)\s*°?\s*\)?\s*$/.exec(text);
  if (!match) return null;
  const [first, second] = [Number(match[1]), Number(match[2])];
  const orders = [
    [first, second],
    [second, first],
  ].filter(([lon, lat]) => Math.abs(lon) <= 180 && Math.abs(lat) <= 85) as [number, number][];
  if (orders.length === 0) return null;
  if (orders.length === 1 || !bbox) return orders[0];
  return distance(orders[1], bbox) < distance(orders[0], bbox) ? orders[1] : orders[0];
}

function distance([lon, lat]: [number, number], [west, south, east, north]: Bbox): number {
  return Math.hypot(Math.max(west - lon, 0, lon - east), Math.max(south - lat, 0, lat - north));
}
