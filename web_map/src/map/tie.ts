/** Two maps that move together, whichever of them is moved. */

import type L from "leaflet";

/** What Leaflet keeps to itself, and what every plug-in of this kind uses. */
interface Inside extends L.Map {
  _animatingZoom?: boolean;
  _rawPanBy(offset: L.Point): void;
  _move(center: L.LatLng, zoom: number, data?: object): L.Map;
  _moveStart(zoomChanged: boolean, noMoveStart: boolean): Inside;
  _animateZoom(center: L.LatLng, zoom: number, startAnim: boolean, noUpdate?: boolean): void;
}

/** Tie `b` to `a`, beginning with the view of `a`, until the returned function is called. */
export function tieMaps(a: L.Map, b: L.Map): () => void {
  // While one follows, what it tells of its own movement is not passed back.
  let following = false;
  const led = (work: () => void): void => {
    if (following) return;
    following = true;
    try {
      work();
    } finally {
      following = false;
    }
  };

  const lead = (from: Inside, to: Inside): (() => void) => {
    const onMove = (): void =>
      led(() => {
        if (from._animatingZoom || to._animatingZoom) return;
        if (from.getZoom() !== to.getZoom()) {
          to._move(from.getCenter(), from.getZoom(), { pinch: true, round: false });
          return;
        }
        const offset = to.project(from.getCenter()).subtract(to.project(to.getCenter())).round();
        if (offset.x === 0 && offset.y === 0) return;
        to._rawPanBy(offset);
        to.fire("move");
      });
    const onZoomAnimation = (event: L.LeafletEvent): void =>
      led(() => {
        const { center, zoom } = event as L.ZoomAnimEvent;
        if (!to._animatingZoom && zoom !== to.getZoom()) to._moveStart(true, false)._animateZoom(center, zoom, true);
      });
    const onEnd = (): void =>
      led(() => {
        if (from._animatingZoom) return;
        // Its own animation ends a moment later; then it is put right.
        if (to._animatingZoom) to.once("moveend", onEnd);
        else if (from.getZoom() !== to.getZoom()) to.setView(from.getCenter(), from.getZoom(), { animate: false });
        else {
          const offset = to.project(from.getCenter()).subtract(to.project(to.getCenter())).round();
          if (offset.x !== 0 || offset.y !== 0) to._rawPanBy(offset);
          to.fire("move").fire("moveend");
        }
      });
    from.on("move", onMove);
    from.on("zoomanim", onZoomAnimation);
    from.on("moveend", onEnd);
    return () => {
      from.off("move", onMove);
      from.off("zoomanim", onZoomAnimation);
      from.off("moveend", onEnd);
    };
  };

  b.setView(a.getCenter(), a.getZoom(), { animate: false });
  const ends = [lead(a as Inside, b as Inside), lead(b as Inside, a as Inside)];
  return () => ends.forEach((end) => end());
}
