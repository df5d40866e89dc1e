import assert from "node:assert/strict";
import { test } from "node:test";
import { spreadOverTiles, tileKey } from "../src/kernels/tilespread";
import { randomFrom } from "./random";

test("boxes are spread over tiles as looking at every box for every tile would do", () => {
  const random = randomFrom(3);
  for (let round = 0; round < 40; round++) {
    const side = [64, 100.5, 37][round % 3];
    const more = [0, 3.5, 20][round % 3];
    const boxes = Array.from({ length: 1 + Math.floor(random() * 60) }, () => {
      const [x, y] = [Math.floor(random() * 900), Math.floor(random() * 900)];
      return [x, y, x + Math.floor(random() * 90), y + Math.floor(random() * 90)];
    });
    const found = spreadOverTiles(boxes.flat(), side, more);
    let tiles = 0;
    for (let ty = -2; ty < 32; ty++) {
      for (let tx = -2; tx < 32; tx++) {
        const [west, north, east, south] = [tx * side, ty * side, (tx + 1) * side, (ty + 1) * side];
        // A tile has its western and northern edge, not the others.
        const here = boxes.filter(
          ([x0, y0, x1, y1]) => x1 + more >= west && x0 - more < east && y1 + more >= north && y0 - more < south,
        );
        const box = found.get(tileKey(tx, ty));
        assert.equal(box !== undefined, here.length > 0);
        if (!box) continue;
        tiles++;
        assert.deepEqual(box, [
          Math.max(west, Math.min(...here.map(([x0]) => x0 - more))),
          Math.max(north, Math.min(...here.map(([, y0]) => y0 - more))),
          Math.min(east, Math.max(...here.map(([, , x1]) => x1 + more))),
          Math.min(south, Math.max(...here.map(([, , , y1]) => y1 + more))),
        ]);
      }
    }
    assert.equal(found.size, tiles);
  }
  assert.equal(spreadOverTiles([5, 5, 4, 4], 10).size, 0);
});
