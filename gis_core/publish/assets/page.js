"use strict";
// The shareable page of a plan: everything it shows is in this file. Coordinates are decimetres, x east, y south.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const words = data.words;
  const canvas = document.getElementById("map");
  const pen = canvas.getContext("2d");
  const byId = (id) => document.getElementById(id);
  const view = { x: 0, y: 0, scale: 1 }; // decimetres at the upper left corner, CSS pixels a decimetre
  let width = 0, height = 0, ratio = 1, chosen = -1, asked = 0;

  // Flat rings and lines with differences (x0, y0, dx, dy, ...) to paths and boxes.
  function read(parts, closed) {
    const path = new Path2D();
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (const part of parts) {
      let x = 0, y = 0;
      for (let i = 0; i < part.length; i += 2) {
        x += part[i];
        y += part[i + 1];
        if (i === 0) path.moveTo(x, y); else path.lineTo(x, y);
        box[0] = Math.min(box[0], x); box[1] = Math.min(box[1], y);
        box[2] = Math.max(box[2], x); box[3] = Math.max(box[3], y);
      }
      if (closed) path.closePath();
    }
    return { path, box };
  }
  const shapes = (rows, closed) => rows.map((row) => Object.assign(read(row.p, closed), row));
  const grids = data.grids.map((grid) => Object.assign(read(grid.p, true), grid));
  const layers = {
    green: shapes(data.green, true), water: shapes(data.water, true), areas: shapes(data.areas, true),
    streets: shapes(data.streets, false), rails: shapes(data.rails, false), buildings: shapes(data.buildings, true),
  };
  const whole = grids.reduce((all, { box }) => [Math.min(all[0], box[0]), Math.min(all[1], box[1]),
    Math.max(all[2], box[2]), Math.max(all[3], box[3])], [Infinity, Infinity, -Infinity, -Infinity]);

  const seen = ({ box }) => (box[2] - view.x) * view.scale > 0 && (box[3] - view.y) * view.scale > 0 &&
    (box[0] - view.x) * view.scale < width && (box[1] - view.y) * view.scale < height;

  function draw() {
    asked = 0;
    const k = view.scale * ratio, pixel = 1 / view.scale;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.fillStyle = "#f7f4ef";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.setTransform(k, 0, 0, k, -view.x * k, -view.y * k);
    pen.lineJoin = pen.lineCap = "round";
    for (const [name, colour] of [["green", "#d6e8c9"], ["water", "#b9d8ee"]]) {
      pen.fillStyle = colour;
      for (const shape of layers[name]) if (seen(shape)) pen.fill(shape.path, "evenodd");
    }
    const streets = layers.streets.filter((each) => seen(each) && (each.w > 40 || view.scale > 0.025));
    for (const [colour, more] of [["#bdb5a8", 1.2], ["#ffffff", 0]]) {
      pen.strokeStyle = colour;
      for (const street of streets) {
        pen.lineWidth = Math.max(street.w, 1.2 * pixel) + more * pixel;
        pen.stroke(street.path);
      }
    }
    pen.strokeStyle = "#6a6a6a";
    pen.lineWidth = 1.6 * pixel;
    pen.setLineDash([6 * pixel, 3 * pixel]);
    for (const rail of layers.rails) if (seen(rail)) pen.stroke(rail.path);
    pen.setLineDash([]);
    grids.forEach((grid, i) => {
      if (!seen(grid)) return;
      pen.globalAlpha = chosen >= 0 && i !== chosen ? 0.22 : 0.5;
      pen.fillStyle = data.colours[grid.colour];
      pen.fill(grid.path, "evenodd");
    });
    pen.globalAlpha = 1;
    if (view.scale > 0.02) {
      pen.lineWidth = 0.8 * pixel;
      for (const house of layers.buildings) {
        if (!seen(house)) continue;
        pen.fillStyle = house.g === chosen ? "#c7ae87" : "#ddd3c3";
        pen.strokeStyle = "#8b7858";
        pen.fill(house.path, "evenodd");
        pen.stroke(house.path);
      }
    }
    pen.strokeStyle = "#2b2b2b";
    pen.lineWidth = 1.3 * pixel;
    for (const grid of grids) if (seen(grid)) pen.stroke(grid.path);
    pen.strokeStyle = "#5b3a99";
    pen.lineWidth = 2.4 * pixel;
    for (const area of layers.areas) pen.stroke(area.path);
    if (chosen >= 0) {
      pen.strokeStyle = "#b0184a";
      pen.lineWidth = 4 * pixel;
      pen.stroke(grids[chosen].path);
    }
    letters();
  }

  function letters() {
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const taken = [[0, height - 46, 190, height]];
    const family = '"PingFang SC","Microsoft YaHei","Noto Sans SC","Noto Sans CJK SC",system-ui,sans-serif';
    const write = (text, x, y, size, colour, strong, angle = 0) => {
      pen.font = `${strong ? 600 : 400} ${size}px ${family}`;
      const w = pen.measureText(text).width, c = Math.abs(Math.cos(angle)), s = Math.abs(Math.sin(angle));
      const bw = (w * c + size * s) / 2 + 2, bh = (w * s + size * c) / 2 + 1;
      if (x < bw || y < bh || x > width - bw || y > height - bh) return;
      const box = [x - bw, y - bh, x + bw, y + bh];
      if (taken.some((t) => t[0] < box[2] && t[2] > box[0] && t[1] < box[3] && t[3] > box[1])) return;
      taken.push(box);
      pen.save();
      pen.translate(x, y);
      pen.rotate(angle);
      pen.lineWidth = 3;
      pen.strokeStyle = "rgba(255,255,255,0.9)";
      pen.strokeText(text, 0, 0);
      pen.fillStyle = colour;
      pen.fillText(text, 0, 0);
      pen.restore();
    };
    const at = ([x, y]) => [(x - view.x) * view.scale, (y - view.y) * view.scale];
    const order = grids.map((_, i) => i).sort((a, b) => (b === chosen) - (a === chosen));
    for (const i of order) {
      const large = view.scale * (grids[i].box[2] - grids[i].box[0]) > 150;
      write(large ? grids[i].code : grids[i].short, ...at(grids[i].label), large ? 15 : 13, "#1b1b1b", true);
      if (large && grids[i].name) {
        const [x, y] = at(grids[i].label);
        write(grids[i].name, x, y + 20, 13, "#1b1b1b", false);
      }
    }
    if (view.scale > 0.05) {
      for (const street of layers.streets) {
        if (!street.n || !seen(street) || street.l * view.scale < street.n.length * 13) continue;
        write(street.n, ...at(street.m), 12, "#565656", false, street.a);
      }
    }
    if (view.scale > 0.14) {
      for (const house of layers.buildings) if (house.n && seen(house)) write(house.n, ...at(house.m), 11, "#3a2f1c", false);
      for (const place of data.facilities) write("● " + place.n, ...at(place.m), 11, "#1d6b45", false);
    }
    if (data.across) {
      pen.save();
      pen.translate(width / 2, height / 2);
      pen.rotate(-Math.atan2(height, width));
      pen.font = `600 ${Math.min(width, height) / 8}px ${family}`;
      pen.fillStyle = "rgba(176,24,74,0.16)";
      pen.fillText(data.across, 0, 0);
      pen.restore();
    }
    scaleBar();
  }

  function scaleBar() {
    const most = 130 / view.scale / 10; // metres
    const decade = 10 ** Math.floor(Math.log10(most));
    const metres = [5, 2, 1].map((n) => n * decade).find((n) => n <= most);
    const long = metres * 10 * view.scale;
    pen.fillStyle = "rgba(255,255,255,0.9)";
    pen.fillRect(8, height - 40, long + 60, 32);
    pen.fillStyle = "#1b1b1b";
    pen.fillRect(16, height - 20, long, 4);
    pen.font = "12px system-ui, sans-serif";
    pen.textAlign = "left";
    pen.fillText(metres >= 1000 ? `${metres / 1000} km` : `${metres} m`, 16, height - 29);
    pen.textAlign = "center";
    pen.font = "600 14px system-ui, sans-serif";
    pen.fillText(words.north, long + 48, height - 30);
    pen.beginPath();
    pen.moveTo(long + 48, height - 25); pen.lineTo(long + 43, height - 11); pen.lineTo(long + 48, height - 15);
    pen.lineTo(long + 53, height - 11);
    pen.fill();
  }

  const redraw = () => { if (!asked) asked = requestAnimationFrame(draw); };

  function measure(sharper) {
    const box = canvas.getBoundingClientRect();
    width = box.width; height = box.height;
    ratio = sharper || Math.min(window.devicePixelRatio || 1, 3);
    canvas.width = Math.max(1, Math.round(width * ratio));
    canvas.height = Math.max(1, Math.round(height * ratio));
  }

  function show(box) {
    const w = Math.max(box[2] - box[0], 200), h = Math.max(box[3] - box[1], 200);
    view.scale = Math.min(width / w, height / h) * 0.9;
    view.x = (box[0] + box[2]) / 2 - width / view.scale / 2;
    view.y = (box[1] + box[3]) / 2 - height / view.scale / 2;
    redraw();
  }

  function zoom(factor, x = width / 2, y = height / 2) {
    const scale = Math.min(Math.max(view.scale * factor, 0.0005), 4);
    view.x += x / view.scale - x / scale;
    view.y += y / view.scale - y / scale;
    view.scale = scale;
    redraw();
  }

  function choose(i, move) {
    chosen = i;
    rows.forEach((row, place) => {
      row.classList.toggle("chosen", place === i);
      row.querySelector("button").setAttribute("aria-pressed", String(place === i));
    });
    const panel = byId("facts");
    panel.replaceChildren();
    if (i >= 0) {
      const grid = grids[i];
      const add = (parent, tag, text, kind) => {
        const made = document.createElement(tag);
        if (text) made.textContent = text;
        if (kind) made.className = kind;
        parent.append(made);
        return made;
      };
      add(panel, "h2", `${words.grid} ${grid.code}`);
      const under = [grid.name, grid.community].filter(Boolean).join(" · ");
      if (under) add(panel, "div", under, "hint");
      const list = add(panel, "dl");
      for (const [name, value, off] of grid.facts) {
        add(list, "dt", name);
        add(list, "dd", value, off ? "off" : "");
      }
      if (grid.staff.length) {
        const people = add(panel, "ul");
        for (const person of grid.staff) add(people, "li", person);
      }
      rows[i].scrollIntoView({ block: "nearest" });
      if (move) show(grid.box);
    }
    byId("hint").hidden = i >= 0;
    panel.hidden = i < 0;
    redraw();
  }

  function find(text) {
    const wanted = text.trim().toLowerCase();
    let first = -1, count = 0;
    grids.forEach((grid, i) => {
      const hit = !wanted || `${grid.code} ${grid.name} ${grid.community}`.toLowerCase().includes(wanted);
      rows[i].hidden = !hit;
      if (!hit) return;
      count += 1;
      if (first < 0 || grid.code.toLowerCase() === wanted) first = i;
    });
    byId("none").hidden = count > 0;
    return wanted ? first : -1;
  }

  const body = byId("rows");
  const rows = grids.map((grid, i) => {
    const row = document.createElement("tr");
    const cells = [grid.code, [grid.name, grid.community].filter(Boolean).join(" · "), grid.households];
    cells.forEach((text, place) => {
      const cell = document.createElement("td");
      if (place === 0) {
        const swatch = document.createElement("span");
        swatch.className = "swatch";
        swatch.style.background = data.colours[grid.colour];
        const button = document.createElement("button");
        button.className = "pick";
        button.append(text);
        cell.append(swatch, button);
      } else cell.append(text);
      if (place === 2) cell.className = grid.off ? "number off" : "number";
      row.append(cell);
    });
    row.addEventListener("click", () => choose(i, true));
    body.append(row);
    return row;
  });

  const search = byId("search");
  search.addEventListener("input", () => find(search.value));
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    const hit = find(search.value);
    if (hit >= 0) choose(hit, true);
  });
  byId("in").addEventListener("click", () => zoom(1.5));
  byId("out").addEventListener("click", () => zoom(1 / 1.5));
  byId("all").addEventListener("click", () => { search.value = ""; find(""); choose(-1, false); show(whole); });
  byId("print").addEventListener("click", () => window.print());

  const fingers = new Map();
  let moved = 0;
  const place = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, place(event));
    if (fingers.size === 1) moved = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = place(event);
    if (fingers.size === 1) {
      view.x -= (now[0] - before[0]) / view.scale;
      view.y -= (now[1] - before[1]) / view.scale;
      moved += Math.abs(now[0] - before[0]) + Math.abs(now[1] - before[1]);
    } else {
      const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
      const apart = (a) => Math.hypot(a[0] - other[0], a[1] - other[1]) || 1;
      zoom(apart(now) / apart(before), other[0], other[1]);
      moved += 10;
    }
    fingers.set(event.pointerId, now);
    redraw();
  });
  const lift = (event) => {
    const there = fingers.delete(event.pointerId);
    if (!there || event.type === "pointercancel" || moved > 6 || fingers.size) return;
    const [x, y] = place(event);
    pen.setTransform(1, 0, 0, 1, 0, 0);
    const px = view.x + x / view.scale, py = view.y + y / view.scale;
    choose(grids.findIndex((grid) => pen.isPointInPath(grid.path, px, py, "evenodd")), false);
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("wheel", (event) => { event.preventDefault(); zoom(Math.exp(-event.deltaY * 0.0015), ...place(event)); }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const step = 60 / view.scale;
    const keys = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (keys[event.key]) { view.x += keys[event.key][0]; view.y += keys[event.key][1]; redraw(); event.preventDefault(); }
    if (event.key === "+" || event.key === "=") zoom(1.5);
    if (event.key === "-") zoom(1 / 1.5);
    if (event.key === "Escape") choose(-1, false);
  });

  let kept = null;
  window.addEventListener("beforeprint", () => {
    kept = { ...view };
    measure(3);
    show(chosen >= 0 ? grids[chosen].box : whole);
    draw();
  });
  window.addEventListener("afterprint", () => { measure(0); Object.assign(view, kept); draw(); });
  new ResizeObserver(() => {
    const middle = [view.x + width / 2 / view.scale, view.y + height / 2 / view.scale], first = width === 0;
    measure(0);
    if (first) { show(whole); return; }
    view.x = middle[0] - width / 2 / view.scale;
    view.y = middle[1] - height / 2 / view.scale;
    draw();
  }).observe(canvas);
})();
