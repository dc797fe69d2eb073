// Pool a map: a thing moves by pixels; its map, the mean, the maximum and all numbers follow.

import { lineChart } from "../interactive/charts.js";
import {
  COLOURS, box, change, choice, count, figure, fixed, menu, node, percent, say, shape, slider,
  table, titled,
} from "../interactive/kit.js";

const POOLS = { average: "average", max: "maximum", none: "keep all" };
const LINES = {
  none: { stroke: COLOURS["3x3"] },
  max: { stroke: COLOURS["5x5"], "stroke-dasharray": "6 4" },
  average: { stroke: COLOURS["1x1"] },
};
const EQUAL = 0.001; // scores nearer to one another than this are as good as equal
const FAR = 0.8; // the top of the chart: no change is larger

const sum = (list) => list.reduce((a, b) => a + b, 0);

function build({ get, control, drawing, summary }) {
  const [maps, changes, scores, channels] = ["maps", "changes", "scores", "channels"].map(get);
  const classes = get("classes"); // the thing that moves, and what it lies on
  const all = channels * maps.first.values[0].length;
  const said = { average: `all ${count(channels)} means`, max: `all ${count(channels)} maxima`,
    none: `all ${count(all)} numbers` };

  const pick = control(menu, "chosen", {
    label: "Map",
    groups: [["channels of the last map", ["first", "second", "third"]], ["class maps", classes]]
      .map(([group, names]) => [group, names.map((name) => [name, maps[name].title])]),
  });
  const pool = control(choice, "pool", { legend: "Pool", options: Object.entries(POOLS) });
  const shift = control(slider, "shift", {
    label: "Moved to the right, px", min: 0, max: changes.average.length - 1,
  });
  const lawn = movedThing(get);
  const map = shownMap(maps);
  const chart = lineChart(drawing, {
    frame: { left: 36, right: 12, top: 14 }, kinds: [], ticks: 3, lines: LINES,
  });
  const key = Object.entries(LINES).map(([name, look]) => ({
    name, text: node("span"), sample: shape("path", { class: "curve", ...look, d: "M0 7 H28" }),
  }));
  const row = (name, title) => [title, [`${name}.before`, name]];
  const numbers = table({
    heads: ["", "not moved", "now"],
    rows: [row("mean", "mean of this map"), row("maximum", "maximum of this map"),
      ...classes.map((name) => row(`score.${name}`, `score of ${name}`))],
  });
  return {
    title: "Pool a map", head: pick,
    body: [
      shift, node("div", { class: "actions" }, pool),
      node("div", { class: "panels" }, titled("What the network sees", lawn), map),
      summary,
      titled("How far the numbers are from those before the move",
        node("div", { class: "key" }, key.map(({ sample, text }) => node("span", {},
          shape("svg", { width: 28, height: 14, "aria-hidden": "true" }, sample), text))), chart),
      numbers,
    ],
    note: "Blue is above zero, orange below. Changes are shares of the length of the vector before " +
      "the move. The network was trained with the average: the scores are those of the average, " +
      "whatever is chosen above. A class map's mean, plus the class's bias, is the class's score.",
    maps, changes, scores, classes, said, lawn, map, chart, key, numbers,
  };
}

function update({ shift, pool, chosen }, made) {
  const { changes, scores, classes, said } = made;
  const { values, title, bias } = made.maps[chosen];
  const [now, before] = [values[shift], values[0]].map((list) => list.map((v) => v / 1000));
  const mean = sum(now) / now.length;
  const maximum = Math.max(...now);
  const at = now.indexOf(maximum);
  const moved = now.map((value, i) => value - before[i]);
  const scale = Math.max(...values.flat().map(Math.abs)) / 1000 || 1;
  const place = `row ${Math.floor(at / made.map.cells) + 1}, column ${at % made.map.cells + 1}`;

  made.lawn.show(shift);
  // Keep all: what each number has changed by; else the map itself.
  const difference = pool === "none" && shift > 0;
  made.map.show(difference ? moved : now, {
    scale, at: pool === "max" ? at : null,
    title: difference ? `${title}: what changed` : title,
    label: `${title}: ${made.map.cells} by ${made.map.cells} numbers, mean ${fixed(mean, 3)}, ` +
      `maximum ${fixed(maximum, 3)} in ${place}.`,
  });
  showChanges(made, shift, pool);

  const gap = scores[classes[0]][shift] - scores[classes[1]][shift];
  const winner = Math.abs(gap) < EQUAL ? null : classes[gap > 0 ? 0 : 1];
  const pairs = {
    mean: [sum(before) / before.length, mean], maximum: [Math.max(...before), maximum],
    ...Object.fromEntries(classes.map((name) =>
      [`score.${name}`, [scores[name][0], scores[name][shift]]])),
  };
  made.numbers.show(Object.fromEntries(Object.entries(pairs).flatMap(([name, [was, is]]) =>
    [[`${name}.before`, fixed(was, 3)], [name, fixed(is, 3)]])));
  for (const name of classes)
    made.numbers.cells[`score.${name}`].classList.toggle("winner", name === winner);

  const one = {
    average: `The mean of this map is ${fixed(mean, 3)}`,
    max: `The maximum of this map is ${fixed(maximum, 3)}, in ${place}`,
    none: shift ? `${moved.filter((v) => Math.abs(v) > 0.05 * scale).length} of the ${now.length} ` +
      "numbers of this map changed by more than a twentieth of its largest"
      : `This map has ${now.length} numbers, each for one place`,
  }[pool];
  const summary = `${shift ? `Moved by ${shift} px.` : "Not moved yet."} ${one}. Taken together, ` +
    `${said[pool]} moved by ${percent(changes[pool][shift])}. ` + (winner
    ? `The higher of the two scores is that of ${winner}.`
    : "The two scores are as good as equal.");
  const of = (lists, names) => Object.fromEntries(names.map((name) => [name, lists[name][shift]]));
  return { summary, results: {
    shift, pool, chosen, mean, maximum, at, bias,
    changes: of(changes, Object.keys(POOLS)), scores: of(scores, classes),
  } };
}

function movedThing(get) {
  const side = get("side");
  const [left, top, piece] = get("place");
  const thing = shape("image", { href: get("piece"), y: top, width: piece, height: piece });
  const element = shape("svg", { role: "img", viewBox: `0 0 ${side} ${side}`, class: "square" },
    shape("image", { href: get("ground"), width: side, height: side }), thing);
  const show = (pixels) => {
    change(thing, { x: left + pixels });
    change(element, { "aria-label": `A piece of a photograph of a ${get("classes")[0]} on a lawn, ` +
      `moved ${pixels} pixels to the right.` });
  };
  return { element, show };
}

// Numbers as a map, from -scale to scale; the place `at` is marked.
function shownMap(maps) {
  const cells = Math.sqrt(maps.first.values[0].length);
  const grid = Array.from({ length: cells * cells }, (_, i) => shape("rect", {
    x: i % cells, y: Math.floor(i / cells), width: 0.96, height: 0.96 }));
  const mark = shape("rect", { class: "mark", width: 0.96, height: 0.96 });
  const svg = shape("svg", { role: "img", viewBox: `0 0 ${cells} ${cells}`, class: "square map" },
    grid, mark);
  const heading = node("p", { class: "card-title" });
  const show = (values, { scale, at, title, label }) => {
    grid.forEach((rect, i) => {
      rect.style.fill = COLOURS[values[i] < 0 ? "3x3" : "1x1"];
      rect.style.fillOpacity = Math.min(1, Math.abs(values[i]) / scale).toFixed(3);
    });
    mark.style.display = at === null ? "none" : "";
    if (at !== null) box(mark, at % cells, Math.floor(at / cells), 0.96, 0.96);
    say(heading, title);
    change(svg, { "aria-label": label });
  };
  return { element: node("div", {}, heading, svg), show, cells };
}

function showChanges({ changes, said, chart, key }, shift, pool) {
  const names = Object.keys(POOLS);
  const most = changes.average.length - 1;
  const phrase = (name, between) => `${said[name]}${between}${percent(changes[name][shift])}`;
  chart.show({
    x: [0, most], y: [0, FAR], ticks: [0.2, 0.4, 0.6].map((share) => [share, `${100 * share}%`]),
    lines: Object.fromEntries(names.map((name) => [name, changes[name].map((share, p) => [p, share])])),
    dots: Object.fromEntries(names.map((name) => [name, [shift, changes[name][shift]]])),
    here: shift, lit: pool, captions: ["", `moved by 0 to ${most} px`, ""],
    label: `At ${shift} pixels: ${names.map((name) => phrase(name, " changed by ")).join(", ")}.`,
  });
  for (const { name, text } of key) say(text, phrase(name, ": "));
}

const CSS = `
.panels { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 14px; align-items: end; }
.card-title { padding-bottom: 6px; line-height: 1.25; }
.square { width: 100%; height: auto; border-radius: 4px; }
.map { background: var(--well); outline: 1px solid var(--line); }
.mark { fill: none; stroke: var(--ink); stroke-width: .16; }
.summary { min-height: calc(8.7em + 16px); }
.key { display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: .93em; }
.key span { display: inline-flex; align-items: center; gap: 6px; }
td.winner { font-weight: 650; }
@container (min-width: 620px) {
  .panels { max-width: 560px; justify-self: center; width: 100%; gap: 24px; }
  .summary { min-height: calc(4.35em + 16px); }
}
`;

export default figure({
  name: "Pool a map", css: CSS, state: ["shift", "pool", "chosen"], build, update,
});
