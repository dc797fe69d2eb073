// Pool a map: a thing is dragged about a frame; its map, and three ways to end a network, follow.

import { lineChart } from "../interactive/charts.js";
import {
  box, change, drag, figure, fixed, menu, node, say, shape, slider, titled,
} from "../interactive/kit.js";

const CELLS = 7;
const LINES = {
  all: { stroke: "var(--soft)", "stroke-dasharray": "6 4" },
  mean: { stroke: "var(--ink)" },
};

// The largest of 3×3, at every second place: (n, n) -> (n / 2, n / 2).
function pooled(map, n) {
  return Array.from({ length: (n * n) / 4 }, (_, i) => {
    const [top, left] = [2 * Math.floor(i / (n / 2)) - 1, 2 * (i % (n / 2)) - 1];
    let most = 0;
    for (let y = Math.max(0, top); y < top + 3; y++)
      for (let x = Math.max(0, left); x < left + 3; x++) most = Math.max(most, map[y * n + x]);
    return most;
  });
}

function mapOf({ edge, side, place }, thing, right, down) {
  const small = Math.sqrt(thing.length);
  const [top, left] = [place[0] + down, place[1] + right];
  const pixel = (y, x) => (y < top || x < left || y >= top + small || x >= left + small
    ? 0 : thing[(y - top) * small + x - left] / 255);
  const edges = Array.from({ length: side * side }, (_, i) => {
    const [y, x] = [Math.floor(i / side), i % side];
    let sum = 0;
    edge.forEach((line, a) => line.forEach((weight, b) => {
      if (weight) sum += weight * pixel(y + a - 1, x + b - 1);
    }));
    return Math.max(0, sum);
  });
  return pooled(pooled(edges, side), side / 2);
}

const length = (list) => Math.hypot(...list);
const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;

function build({ get, move, control, drawing, summary }) {
  const [things, edge, side, place, most] = ["things", "edge", "side", "place", "most"].map(get);
  const thing = control(menu, "thing", {
    label: "Thing", groups: [["clothes", Object.keys(things).map((name) => [name, name])]],
  });
  const moves = [["right", "Moved to the right, px"], ["down", "Moved down, px"]]
    .map(([name, label]) => control(slider, name, { label, min: -most, max: most }));

  // The frame, its cells, and the thing on it
  const pixels = things[Object.keys(things)[0]].map(() =>
    shape("rect", { width: 1.02, height: 1.02 }));
  const small = Math.sqrt(pixels.length);
  pixels.forEach((rect, i) => change(rect, { x: i % small, y: Math.floor(i / small) }));
  const piece = shape("g", {}, pixels);
  const lines = Array.from({ length: CELLS - 1 }, (_, i) => (i + 1) * (side / CELLS))
    .map((at) => `M${at} 0 V${side} M0 ${at} H${side}`).join(" ");
  const frame = shape("svg", { role: "img", viewBox: `0 0 ${side} ${side}`, class: "square frame" },
    shape("rect", { width: side, height: side }), piece, shape("path", { class: "cells", d: lines }));
  let start = null; // where it was taken, and how far it was moved then
  frame.addEventListener("pointerdown", () => { start = null; });
  drag(frame, ({ x, y, width, height }) => {
    const at = { x: (x / width) * side, y: (y / height) * side };
    start ??= { ...at, right: model.right, down: model.down };
    const within = (value) => Math.max(-most, Math.min(most, Math.round(value)));
    move({ right: within(start.right + at.x - start.x), down: within(start.down + at.y - start.y) });
  }, "none");
  const model = { right: 0, down: 0 }; // as shown last

  const map = cells("square map", CELLS);
  const mark = shape("rect", { class: "mark" });
  map.element.append(mark);
  const ends = Object.fromEntries(["mean", "maximum", "all"].map((name) =>
    [name, { drawn: cells(name === "all" ? "strip" : "one", name === "all" ? CELLS ** 2 : 1,
      name === "all" ? 1 : undefined), said: node("span", { "data-name": name }) }]));
  const end = (name, title) => node("div", { class: `end ${name}` },
    node("p", {}, node("b", {}, title), " ", ends[name].said), ends[name].drawn);
  const chart = lineChart(drawing, {
    frame: { left: 40, right: 12, top: 14 }, kinds: [], ticks: 3, lines: LINES,
  });
  return {
    title: "Pool a map", head: thing,
    body: [
      node("div", { class: "moves" }, moves),
      node("div", { class: "panels" },
        titled("Drag the thing, in any direction", frame),
        titled("Its map of upright edges", map),
        titled("Three ways to end the network", node("div", { class: "ends" },
          end("mean", "mean:"), end("maximum", "maximum:"), end("all", "keep all:")))),
      summary,
      titled("How far from where it began: all numbers (dashed) and their mean", chart),
    ],
    note: "The network: one 3×3 filter, dark left and bright right; ReLU; twice a max pool of 3×3 that takes " +
      "every second place. A cell of the map stands for 4 pixels: the lines on the frame show them. In the map, " +
      "more is darker on white, lighter on dark; a frame marks the maximum. Shares are of the length of all numbers, or of the mean, before the move.",
    things, edge, side, place, most, model, pixels, piece, frame, map, mark, ends, chart,
  };
}

// Values in 0..1 as cells, in rows of `across`.
function cells(kind, across, down = across) {
  const rects = Array.from({ length: across * down }, (_, i) => shape("rect", {
    x: i % across, y: Math.floor(i / across), width: 0.94, height: 0.94 }));
  const element = shape("svg", { role: "img", viewBox: `0 0 ${across} ${down}`, class: kind,
    preserveAspectRatio: "none" }, rects);
  const show = (values, label) => {
    rects.forEach((rect, i) => { rect.style.fillOpacity = Math.min(1, values[i]).toFixed(3); });
    change(element, { "aria-label": label });
  };
  return { element, show };
}

function update({ right, down, thing }, made) {
  const { things, side, place, most, model } = made;
  Object.assign(model, { right, down });
  const at = (x, y) => mapOf(made, things[thing], x, y);
  const [now, before] = [at(right, down), at(0, 0)];
  const apart = (map) => ({
    all: length(map.map((value, i) => value - before[i])) / length(before),
    mean: Math.abs(mean(map) / mean(before) - 1),
  });
  const changed = apart(now);
  const maximum = Math.max(...now);
  const peak = now.indexOf(maximum);
  const percent = (share) => `${Math.round(100 * share)}%`;

  made.pixels.forEach((rect, i) => {
    const grey = things[thing][i];
    rect.style.fill = `rgb(${grey} ${grey} ${grey})`;
  });
  change(made.piece, { transform: `translate(${place[1] + right} ${place[0] + down})` });
  change(made.frame, { "aria-label": `${thing} in a black frame, moved ${right} pixels to the right and ` +
    `${down} down.` });
  const strongest = Math.max(...before);
  const shade = (values) => values.map((value) => value / strongest);
  made.map.show(shade(now), `A map of ${CELLS} by ${CELLS} cells, its maximum in row ` +
    `${Math.floor(peak / CELLS) + 1}, column ${(peak % CELLS) + 1}.`);
  box(made.mark, peak % CELLS, Math.floor(peak / CELLS), 0.94, 0.94);
  const { ends } = made;
  ends.mean.drawn.show(shade([mean(now)]), "The mean as one cell");
  ends.maximum.drawn.show(shade([maximum]), "The maximum as one cell");
  ends.all.drawn.show(shade(now), "All cells of the map in one row");
  say(ends.mean.said, fixed(mean(now), 3));
  say(ends.maximum.said, fixed(maximum, 3));
  say(ends.all.said, `${CELLS ** 2} numbers`);

  const rows = Array.from({ length: 2 * most + 1 }, (_, i) => [i - most, apart(at(i - most, down))]);
  const line = (name) => rows.map(([x, far]) => [x, far[name]]);
  made.chart.show({
    x: [-most, most], y: [0, 1.5], ticks: [0.5, 1, 1.5].map((share) => [share, percent(share)]),
    lines: { all: line("all"), mean: line("mean") },
    dots: { all: [right, changed.all], mean: [right, changed.mean] }, here: right,
    captions: [`${most} px left`, "0", `${most} px right`],
    label: `All numbers differ by ${percent(changed.all)}, their mean by ${percent(changed.mean)}.`,
  });

  const whole = [right, down].every((moved) => moved % (side / CELLS) === 0);
  const same = changed.mean < 1e-9;
  const moves = [[right, "right", "left"], [down, "down", "up"]].filter(([by]) => by !== 0)
    .map(([by, ahead, back]) => `${Math.abs(by)} px ${by > 0 ? ahead : back}`);
  const summary = right === 0 && down === 0
    ? "In the middle. Drag the thing by one cell, 4 pixels, and then by half a cell."
    : `Moved ${moves.join(" and ")}, ${whole ? "whole cells" : "not by whole cells"}: ` +
      `all numbers differ by ${percent(changed.all)}, the mean ` +
      (same ? "not at all." : `by ${percent(changed.mean)}.`);
  return { summary, results: { right, down, thing, mean: mean(now), maximum, at: peak, changed: changed.all } };
}

const CSS = `
.moves { display: grid; gap: 8px 24px; }
.panels { display: grid; gap: 16px 20px; grid-template-columns: repeat(2, minmax(0, 1fr)); align-items: start; }
.panels > :last-child { grid-column: 1 / -1; }
.card-title { padding-bottom: 6px; line-height: 1.25; min-height: 2.8em; align-content: end; }
.square { width: 100%; height: auto; aspect-ratio: 1; border-radius: 4px; }
.frame { cursor: grab; background: #000000; }
.frame:active { cursor: grabbing; }
.cells { stroke: #8a96a6; stroke-width: .08; fill: none; }
.map, .one, .strip { background: var(--paper); outline: 1px solid var(--line); }
.map rect, .one rect, .strip rect { fill: var(--ink); }
.map rect { stroke: var(--line); stroke-width: .03; }
.map .mark { fill: none; stroke: #E69F00; stroke-width: .16; }
.ends { display: grid; gap: 10px 18px; grid-template-columns: repeat(2, minmax(0, 1fr)); }
.end.all { grid-column: 1 / -1; }
.end p { padding-bottom: 4px; }
.one { width: 34px; height: 34px; }
.strip { width: 100%; height: 22px; }
.summary { min-height: calc(4.35em + 16px); }
@container (min-width: 620px) {
  .moves { grid-template-columns: 1fr 1fr; }
  .panels { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .panels > :last-child { grid-column: auto; }
  .summary { min-height: calc(1.45em + 16px); }
}
`;

export default figure({
  name: "Pool a map", css: CSS, state: ["right", "down", "thing"], build, update,
});
