// A sheet of size by size grey pixels to draw on, by mouse, finger, pen and keys.

import { change, drag, node, paint, say } from "../interactive/kit.js";
import { COVER, cornerAt, paintFalls } from "./cover.js";

const GREY = 225; // of the pen
const RADIUS = { draw: 1.15, rub: 3 }; // of pen and rubber, in pixels
const CLOSED = 4; // an outline whose ends are as near as this is filled

// `start()` returns the pixels to draw on, as the tool wants them; `changed(pixels)` gets what was drawn.
// With the tool "cover" a square is moved instead: `moved(corner)` gets where to.
export function sketchPad({ size, tool, start, changed, moved }) {
  const canvas = node("canvas", { width: size, height: size, "aria-hidden": "true" });
  const cursor = node("div", { class: "cursor" });
  const said = node("span", { class: "unseen", role: "status" });
  const cover = node("div", { class: "cover", hidden: true });
  const falls = node("canvas", { class: "falls", hidden: true, "aria-hidden": "true" });
  cover.style.width = cover.style.height = `${(100 * COVER) / size}%`;
  const element = node("div", {
    class: "pad", tabindex: 0, role: "application", "aria-roledescription": "sheet to draw on",
  }, canvas, node("div", { class: "frame" }, cover), falls, cursor, said);
  let corner = null;
  let pixels = null;
  let path = [];
  let pen = { x: size / 2, y: size / 2, down: false };

  function begin(point) {
    pixels = Uint8ClampedArray.from(start());
    path = [point];
    stroke(pixels, size, point, point, tool());
    changed([...pixels]);
  }
  function go(point) {
    if (!path.length) return;
    stroke(pixels, size, path.at(-1), point, tool());
    path.push(point);
    changed([...pixels]);
  }
  function end() {
    const [first, last] = [path[0], path.at(-1)];
    if (path.length > 8 && tool() === "draw" && Math.hypot(first.x - last.x, first.y - last.y) < CLOSED) {
      fillOutline(pixels, size, path);
      changed([...pixels]);
    }
    path = [];
  }

  let pressed = false;
  drag(element, ({ x, y, width, height }) => {
    const point = { x: (x / width) * size, y: (y / height) * size };
    if (tool() === "cover") return moved(cornerAt(point, size));
    if (pressed) return go(point);
    pressed = true;
    pen.down = false;
    begin(point);
  }, "none");
  for (const name of ["pointerup", "pointercancel"])
    element.addEventListener(name, () => { if (pressed) end(); pressed = false; });

  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  element.addEventListener("keydown", (event) => {
    const step = MOVES[event.key];
    if (step) {
      const far = event.shiftKey ? 4 : 1;
      if (corner) {
        event.preventDefault();
        const [x, y] = corner.map((at, axis) => at + COVER / 2 + far * step[axis]);
        moved(cornerAt({ x, y }, size));
        return say(said, `Cover around row ${corner[1] + COVER / 2 + 1}, column ${corner[0] + COVER / 2 + 1}`);
      }
      const inside = (at) => Math.min(size - 0.5, Math.max(0.5, at));
      pen = { ...pen, x: inside(pen.x + far * step[0]), y: inside(pen.y + far * step[1]) };
      if (pen.down) go(pen);
    } else if (event.key === " " && !corner) {
      pen = { ...pen, down: !pen.down };
      if (pen.down) begin(pen); else end();
    } else return;
    event.preventDefault();
    mark();
    say(said, `Row ${Math.floor(pen.y) + 1}, column ${Math.floor(pen.x) + 1}, pen ${pen.down ? "down" : "up"}`);
  });
  element.addEventListener("blur", () => { if (pen.down) end(); pen.down = false; mark(); });
  const mark = () => {
    Object.assign(cursor.style, { left: `${(100 * pen.x) / size}%`, top: `${(100 * pen.y) / size}%` });
    cursor.classList.toggle("down", pen.down);
  };
  mark();

  // Pixels, and the corner of the cover, where there is one.
  function show(now, at) {
    paint(canvas, size, size, (i) => now[i] / 255);
    corner = at;
    cover.hidden = !at;
    element.classList.toggle("covering", Boolean(at));
    change(element, {
      "aria-label": `Sheet of ${size} by ${size} pixels. ` + (at ? "Arrow keys move the cover."
        : "Arrow keys move the pen, the space bar puts it down and lifts it."),
    });
    if (at) Object.assign(cover.style, { left: `${(100 * at[0]) / size}%`, top: `${(100 * at[1]) / size}%` });
  }
  // What is lost under the cover, place by place.
  function showFalls(found, side) {
    falls.hidden = !found;
    if (found) paintFalls(falls, found, side);
  }
  return { element, show, showFalls };
}

// A soft line.
function stroke(pixels, size, from, to, tool) {
  const radius = RADIUS[tool];
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const long = dx * dx + dy * dy;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [px, py] = [x + 0.5 - from.x, y + 0.5 - from.y];
      const along = long ? Math.min(1, Math.max(0, (px * dx + py * dy) / long)) : 0;
      const cover = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(px - along * dx, py - along * dy)));
      const i = y * size + x;
      if (tool === "draw") pixels[i] = Math.max(pixels[i], GREY * cover);
      else pixels[i] *= 1 - cover;
    }
  }
}

// The even-odd rule, at the middle of each pixel.
function fillOutline(pixels, size, path) {
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let inside = false;
      path.forEach((a, i) => {
        const b = path[(i + 1) % path.length];
        if (a.y > y + 0.5 !== b.y > y + 0.5 &&
          x + 0.5 < a.x + ((b.x - a.x) * (y + 0.5 - a.y)) / (b.y - a.y)) inside = !inside;
      });
      if (inside) pixels[y * size + x] = Math.max(pixels[y * size + x], 0.85 * GREY);
    }
  }
}

export const PAD_CSS = `
.pad { position: relative; aspect-ratio: 1; width: 100%; border-radius: 8px; cursor: crosshair;
  background: #000; border: 1px solid var(--control); }
.pad:focus-visible { outline: 3px solid #2f81e0; outline-offset: 2px; }
.pad canvas { display: block; width: 100%; height: 100%; border-radius: 7px; image-rendering: pixelated; }
.cursor { display: none; position: absolute; width: 14px; height: 14px; margin: -7px 0 0 -7px;
  border: 2px solid #fff; outline: 1px solid #000; border-radius: 50%; pointer-events: none; }
.frame { position: absolute; inset: 0; overflow: hidden; border-radius: 7px; pointer-events: none; }
.cover { position: absolute; background: #000; outline: 2px dashed #fff; outline-offset: -2px; }
.pad .falls { position: absolute; inset: 0; pointer-events: none; }
.pad.covering { cursor: move; }
.pad.covering:focus-visible .cover { outline: 3px solid #2f81e0; }
.cursor.down { background: #2f81e0; }
.pad:not(.covering):focus-visible .cursor { display: block; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
`;
