/** Where the phone is (WGS 84, with its accuracy), and how far away something else. */

export interface Position {
  lon: number;
  lat: number;
  accuracy: number;
}

export type PositionTrouble = "denied" | "none" | "insecure";

/** Follow the phone until the returned function is called; fixes get better while it looks. */
export function followPosition(take: (position: Position) => void, fail: (trouble: PositionTrouble) => void): () => void {
  if (!window.isSecureContext) {
    fail("insecure");
    return () => undefined;
  }
  if (!("geolocation" in navigator)) {
    fail("none");
    return () => undefined;
  }
  const id = navigator.geolocation.watchPosition(
    ({ coords }) => take({ lon: coords.longitude, lat: coords.latitude, accuracy: Math.max(1, coords.accuracy) }),
    (error) => fail(error.code === error.PERMISSION_DENIED ? "denied" : "none"),
    { enableHighAccuracy: true, maximumAge: 5_000, timeout: 30_000 },
  );
  return () => navigator.geolocation.clearWatch(id);
}

const RADIUS_M = 6_371_008.8;
const RADIANS = Math.PI / 180;

export type Direction = "n" | "ne" | "e" | "se" | "s" | "sw" | "w" | "nw";
const DIRECTIONS: Direction[] = ["n", "ne", "e", "se", "s", "sw", "w", "nw"];

interface LonLat {
  lon: number;
  lat: number;
}

/** Metres from one place to another, and in which direction it lies. */
export function wayTo(from: LonLat, to: LonLat): { metres: number; direction: Direction } {
  const [a, b] = [from.lat * RADIANS, to.lat * RADIANS];
  const turn = (to.lon - from.lon) * RADIANS;
  const half = Math.sin((b - a) / 2) ** 2 + Math.cos(a) * Math.cos(b) * Math.sin(turn / 2) ** 2;
  const metres = 2 * RADIUS_M * Math.asin(Math.min(1, Math.sqrt(half)));
  const x = Math.cos(a) * Math.sin(b) - Math.sin(a) * Math.cos(b) * Math.cos(turn);
  const bearing = Math.atan2(Math.sin(turn) * Math.cos(b), x);
  return { metres, direction: DIRECTIONS[(Math.round(bearing / (Math.PI / 4)) + 8) % 8] };
}
