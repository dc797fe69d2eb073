// Pool a map: a thing moves by pixels; its map, the mean, the maximum and all numbers follow.

import {
  COLOURS, change, choice, connect, count, fixed, menu, node, onWidth, say, shape, slider, stage,
} from "../interactive/kit.js";
import { LAYOUT, box, place, words } from "./shared.js";

const POOLS = { average: "average", max: "maximum", none: "keep all" };
const LINES = { none: ["3x3", ""], max: ["5x5", "6 4"], average: ["1x1", ""] };
const EQUAL = 0.001; // scores nearer to one another than this are as good as equal
const FAR = 0.8; // the top of the chart: no change is larger

const percent = (share) => `${fixed(100 * share, 1)}%`;
const sum = (list) => list.reduce((a, b) => a + b, 0);

function render({ model, el }) {
  const { element: top, stop } = stage(el, { name: "Pool a map", css: LAYOUT + CSS });
  const [maps, changes, scores] = ["maps", "changes", "scores"].map((name) => model.get(name));
  const side = model.get("side");
  const most = changes.average.length - 1;
  const cells = Math.sqrt(maps.first.values[0].length);
  const classes = model.get("classes"); // the thing that moves, and what it lies on
  const numbers = { average: model.get("channels"), max: model.get("channels"),
    none: model.get("channels") * cells * cells };
  const said = { average: `all ${count(numbers.average)} means`,
    max: `all ${count(numbers.max)} maxima`, none: `all ${count(numbers.none)} numbers` };
  const { read, move, stop: disconnect } = connect(model, ["shift", "pool", "chosen"], update);

  const pick = menu({
    label: "Map", other: "",
    groups: [["channels of the last map", ["first", "second", "third"]], ["class maps", classes]]
      .map(([group, names]) => [group, names.map((name) => [name, maps[name].title])]),
    change: (chosen) => move({ chosen }),
  });
  const pool = choice({
    legend: "Pool",
    options: Object.entries(POOLS).map(([value, label]) => ({ value, label })),
    change: (value) => move({ pool: value }),
  });
  const shift = slider({ label: "Moved to the right, px", min: 0, max: most,
    change: (pixels) => move({ shift: pixels }) });

  const [left, up, piece] = model.get("place");
  const thing = shape("image", { href: model.get("piece"), y: up, width: piece, height: piece });
  const seen = shape("svg", { role: "img", viewBox: `0 0 ${side} ${side}`, class: "square" },
    shape("image", { href: model.get("ground"), width: side, height: side }), thing);
  const grid = Array.from({ length: cells * cells }, (_, i) => shape("rect", {
    x: i % cells, y: Math.floor(i / cells), width: 0.96, height: 0.96 }));
  const mark = shape("rect", { class: "mark", width: 0.96, height: 0.96 });
  const map = shape("svg", { role: "img", viewBox: `0 0 ${cells} ${cells}`, class: "square map" },
    grid, mark);
  const mapTitle = node("p", { class: "card-title" });
  const panels = node("div", { class: "panels" },
    node("div", {}, node("p", { class: "card-title" }, "What the network sees"), seen),
    node("div", {}, mapTitle, map));

  const summary = node("p", { class: "summary", role: "status" });
  const chart = shape("svg", { role: "img", class: "chart" });
  const rules = [0.2, 0.4, 0.6].map((share) => ({ share, line: shape("path", { class: "rule" }),
    text: words("soft") }));
  const curves = Object.entries(LINES).map(([name, [colour, dashes]]) => ({
    name, line: shape("path", { class: "curve", stroke: COLOURS[colour], "stroke-dasharray": dashes }),
    dot: shape("circle", { r: 5, fill: COLOURS[colour] }), text: node("span"),
    sample: shape("path", { class: "curve", stroke: COLOURS[colour], "stroke-dasharray": dashes,
      d: "M0 7 H28" }),
  }));
  const here = shape("path", { class: "here" });
  const axis = words("soft", "middle");
  chart.append(...rules.flatMap(({ line, text }) => [line, text]), here,
    ...curves.flatMap(({ line, dot }) => [line, dot]), axis);
  const key = node("div", { class: "key" }, curves.map(({ sample, text }) => node("span", {},
    shape("svg", { width: 28, height: 14, "aria-hidden": "true" }, sample), text)));
  const chartBox = node("div", { class: "chart-box" },
    node("p", { class: "card-title" }, "How far the numbers are from those before the move"), key, chart);

  const fields = {};
  const line = (name, title) => node("tr", {}, node("th", { scope: "row" }, title),
    [`${name}.before`, name].map((id) => (fields[id] = node("td", { "data-name": id }))));
  const table = node("table", {},
    node("thead", {}, node("tr", {}, node("td"),
      ["not moved", "now"].map((name) => node("th", { scope: "col" }, name)))),
    node("tbody", {}, line("mean", "mean of this map"), line("maximum", "maximum of this map"),
      classes.map((name) => line(`score.${name}`, `score of ${name}`))));

  top.append(
    node("div", { class: "head" }, node("p", { class: "title" }, "Pool a map"), pick.element),
    shift.element, node("div", { class: "actions" }, pool.element), panels, summary, chartBox, table,
    node("p", { class: "note" }, "Blue is above zero, orange below. Changes are shares of the " +
      "length of the vector before the move. The network was trained with the average: the " +
      "scores are those of the average, whatever is chosen above. A class map's mean, plus the " +
      "class's bias, is the class's score."),
  );
  let width = 0;

  function update() {
    const { shift: pixels, pool: how, chosen } = read();
    const { values, title, bias } = maps[chosen];
    const [now, before] = [values[pixels], values[0]].map((list) => list.map((v) => v / 1000));
    const mean = sum(now) / now.length;
    const maximum = Math.max(...now);
    const at = now.indexOf(maximum);
    const change0 = now.map((value, i) => value - before[i]);
    top.dataset.results = JSON.stringify({
      shift: pixels, pool: how, chosen, mean, maximum, at, bias,
      changes: Object.fromEntries(Object.keys(POOLS).map((name) => [name, changes[name][pixels]])),
      scores: Object.fromEntries(classes.map((name) => [name, scores[name][pixels]])),
    });
    pick.show(chosen);
    pool.show(how);
    shift.show(pixels);
    change(thing, { x: left + pixels });
    change(seen, { "aria-label": `A piece of a photograph of a ${classes[0]} on a lawn, moved ` +
      `${pixels} pixels to the right.` });

    // Keep all: what each number has changed by; else the map itself.
    const shown = how === "none" && pixels ? change0 : now;
    const scale = Math.max(...values.flat().map(Math.abs)) / 1000 || 1;
    grid.forEach((rect, i) => {
      rect.style.fill = COLOURS[shown[i] < 0 ? "3x3" : "1x1"];
      rect.style.fillOpacity = Math.min(1, Math.abs(shown[i]) / scale).toFixed(3);
    });
    box(mark, at % cells, Math.floor(at / cells), 0.96, 0.96);
    mark.style.display = how === "max" ? "" : "none";
    say(mapTitle, how === "none" && pixels ? `${title}: what changed` : title);
    change(map, { "aria-label": `${title}: ${cells} by ${cells} numbers, mean ${fixed(mean, 3)}, ` +
      `maximum ${fixed(maximum, 3)} in row ${Math.floor(at / cells) + 1}, column ${at % cells + 1}.` });

    const gap = scores[classes[0]][pixels] - scores[classes[1]][pixels];
    const winner = Math.abs(gap) < EQUAL ? null : classes[gap > 0 ? 0 : 1];
    const one = { average: `The mean of this map is ${fixed(mean, 3)}`,
      max: `The maximum of this map is ${fixed(maximum, 3)}, in row ` +
        `${Math.floor(at / cells) + 1}, column ${at % cells + 1}`,
      none: pixels ? `${change0.filter((v) => Math.abs(v) > 0.05 * scale).length} of the ` +
        `${now.length} numbers of this map changed by more than a twentieth of its largest`
        : `This map has ${now.length} numbers, each for one place` }[how];
    say(summary, `${pixels ? `Moved by ${pixels} px.` : "Not moved yet."} ${one}. Taken together, ` +
      `${said[how]} moved by ${percent(changes[how][pixels])}. ` + (winner
      ? `The higher of the two scores is that of ${winner}.`
      : "The two scores are as good as equal."));
    const write = (name, was, is) => { say(fields[`${name}.before`], fixed(was, 3)); say(fields[name], fixed(is, 3)); };
    write("mean", sum(before) / before.length, mean);
    write("maximum", Math.max(...before), maximum);
    for (const name of classes) {
      write(`score.${name}`, scores[name][0], scores[name][pixels]);
      fields[`score.${name}`].classList.toggle("winner", name === winner);
    }
    if (width) draw(pixels, how);
  }

  function draw(pixels, how) {
    const [high, low, first, last] = [14, 150, 36, width - 12];
    const X = (p) => first + ((last - first) * p) / most;
    const Y = (share) => low - ((low - high) * share) / FAR;
    change(chart, { width, height: low + 24, viewBox: `0 0 ${width} ${low + 24}`,
      "aria-label": `At ${pixels} pixels: ` + Object.keys(POOLS).map((name) =>
        `${said[name]} changed by ${percent(changes[name][pixels])}`).join(", ") + "." });
    for (const { share, line: rule, text } of rules) {
      change(rule, { d: `M${first} ${Y(share).toFixed(1)} H${last}` });
      place(text, 0, Y(share) + 4, `${100 * share}%`);
    }
    change(here, { d: `M${X(pixels).toFixed(1)} ${high} V${low}` });
    place(axis, (first + last) / 2, low + 19, `moved by 0 to ${most} px`);
    for (const { name, line: curve, dot, text } of curves) {
      change(curve, { d: changes[name].map((share, p) =>
        `${p ? "L" : "M"}${X(p).toFixed(1)} ${Y(share).toFixed(1)}`).join(" ") });
      change(dot, { cx: X(pixels).toFixed(1), cy: Y(changes[name][pixels]).toFixed(1) });
      curve.classList.toggle("lit", name === how);
      say(text, `${said[name]}: ${percent(changes[name][pixels])}`);
    }
  }

  const end = onWidth(chartBox, (now) => { width = now; update(); });
  update();
  return () => { disconnect(); stop(); end(); };
}

const CSS = `
.panels { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 14px; align-items: end; }
.card-title { font-weight: 650; padding-bottom: 6px; line-height: 1.25; }
.square { width: 100%; height: auto; border-radius: 4px; }
.map { background: var(--well); outline: 1px solid var(--line); }
.mark { fill: none; stroke: var(--ink); stroke-width: .16; }
.summary { min-height: calc(8.7em + 16px); }
.chart-box { min-width: 0; }
.key { display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: .93em; }
.key span { display: inline-flex; align-items: center; gap: 6px; }
.rule { stroke: var(--line); fill: none; }
.here { stroke: var(--control); fill: none; }
.curve { fill: none; stroke-width: 2; }
.curve.lit { stroke-width: 4; }
td.winner { font-weight: 650; }
@container (min-width: 620px) {
  .panels { max-width: 560px; justify-self: center; width: 100%; gap: 24px; }
  .summary { min-height: calc(4.35em + 16px); }
}
`;

export default { render };
