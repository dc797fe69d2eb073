// Gradients along a small GoogLeNet, step by step through its training: of the main loss, of each
// head's and of all together, on a scale of powers of ten.

import {
  BRANCHES, COLOURS, change, choice, connect, count, fixed, menu, node, onWidth, say, shape, stage,
} from "../interactive/kit.js";
import { LAYOUT, box, place, words } from "./shared.js";

const LOSSES = { main: "main loss", aux1: "head 1", aux2: "head 2", joint: "all" };
const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const power = (n) => `10${[...String(n)].map((sign) => RAISED[sign]).join("")}`;

// Two digits: "0.083", "1.0", "12", "2.6·10⁻¹⁴"; a dash where a loss does not reach.
function written(value) {
  if (value == null) return "–";
  if (value === 0) return "0";
  if (value >= 0.001 && value < 99.5) return value.toPrecision(2);
  if (value >= 99.5 && value < 1000) return String(Number(value.toPrecision(2)));
  const [digits, exponent] = value.toExponential(1).split("e");
  return `${digits}·${power(Number(exponent))}`;
}

function render({ model, el }) {
  const { element: top, stop } = stage(el, { name: "Gradients while it learns", css: LAYOUT + CSS });
  const stored = model.get("stored");
  const stages = model.get("stages");
  const settings = Object.keys(stored);
  const { read, move, stop: disconnect } = connect(model, ["setting", "moment", "measure"], update);

  const kind = (name) => name.split(", ")[0];
  const hasHeads = (name) => !name.endsWith("no heads");
  const partner = (name) => settings.find((other) =>
    other !== name && other.replace("no heads", "heads") === name.replace("no heads", "heads"));

  // Controls
  const pick = menu({
    label: "Setting", other: "",
    groups: [...new Set(settings.map(kind))].map((group) => [group, settings
      .filter((name) => kind(name) === group).map((name) => [name, name])]),
    change: (setting) => move({
      setting, moment: Math.min(read().moment, stored[setting].images.length - 1),
    }),
  });
  const measure = choice({
    legend: "Show",
    options: [{ value: "gradient", label: "gradient" },
      { value: "relative", label: "gradient ÷ weights" }],
    change: (value) => move({ measure: value }),
  });
  const along = node("input", {
    type: "range", min: 0, step: 1, "aria-label": "Moment of the training",
    oninput: () => move({ moment: along.valueAsNumber }),
  });
  const seen = node("span", { class: "strong" });
  const steps = node("div", { class: "steps" },
    node("span", {}, "Start"), along, node("span", {}, "end"), seen);

  // The network, image at the left, and the gradients above it
  const columns = stages.map(({ widths }) => ({
    band: shape("rect", { class: "column" }),
    parts: widths.map((_, j) => shape("rect", {
      style: `fill: ${widths.length > 1 ? COLOURS[BRANCHES[j]] : "var(--slab)"}` })),
    name: words("middle"),
    spread: shape("path", { class: "spread" }),
    marks: {
      joint: shape("path", { class: "mark joint" }), main: shape("path", { class: "mark main" }),
      aux1: shape("path", { class: "mark aux1" }), aux2: shape("path", { class: "mark aux2" }),
    },
  }));
  const heads = stages.map(({ head }) => head && {
    line: shape("path", { class: "stalk" }), sign: shape("rect", { class: "head-box" }),
    text: words("middle small"),
  });
  const grid = Array.from({ length: 24 }, () => ({
    line: shape("path", { class: "grid" }), text: words("soft end small"),
  }));
  const ends = [words("soft small"), words("soft end small")];
  const empty = [words("middle small empty"), words("middle small empty")]; // instead of marks
  const chart = shape("svg", { role: "img", class: "chart" },
    grid.flatMap(({ line, text }) => [line, text]), columns.map(({ band }) => band),
    heads.filter(Boolean).flatMap(({ line, sign, text }) => [line, sign, text]),
    columns.flatMap(({ parts, name, spread, marks }) =>
      [...parts, name, spread, ...Object.values(marks)]), ends, empty);
  const chartBox = node("div", { class: "chart-box" }, chart);
  const keys = node("p", { class: "keys" }, Object.entries(LOSSES).map(([name, text]) => {
    const mark = shape("svg", { width: 16, height: 16, viewBox: "-8 -8 16 16", "aria-hidden": "true" },
      shape("path", { class: `mark ${name}`, d: MARKS[name](0, 0) }));
    return node("span", {}, mark, text);
  }));

  // The curve
  const curve = {
    other: shape("path", { class: "curve other" }), own: shape("path", { class: "curve" }),
    range: shape("path", { class: "range" }), now: shape("circle", { r: 5, class: "dot" }),
  };
  const marksY = [0, 1, 2, 3].map(() => ({
    line: shape("path", { class: "grid" }), text: words("soft end small") }));
  const axis = [words("soft small"), words("soft end small")];
  const curves = shape("svg", { role: "img" }, marksY.flatMap(({ line, text }) => [line, text]),
    curve.range, curve.other, curve.own, curve.now, axis);
  const curveBox = node("div", { class: "curve-box" },
    node("p", { class: "card-title" }, "Loss on test images"), curves);

  // Words and numbers
  const summary = node("p", { class: "summary", role: "status" });
  const cells = {};
  const cell = (name) => (cells[name] = node("td", { "data-name": name }));
  const numbers = node("table", {},
    node("thead", {}, node("tr", {}, node("td"),
      Object.values(LOSSES).map((name) => node("th", { scope: "col" }, name)))),
    node("tbody", {}, stages.map(({ name }) => node("tr", {},
      node("th", { scope: "row" }, name),
      Object.keys(LOSSES).map((loss) => cell(`${loss}.${name}`))))));

  top.append(
    node("div", { class: "head" }, node("p", { class: "title" }, "Gradients while it learns"),
      pick.element),
    node("div", { class: "actions" }, measure.element), steps, summary, chartBox, keys,
    node("div", { class: "sides" }, curveBox, numbers),
    node("p", { class: "note" }, "Choose a setting, and step through its training with the slider. " +
      "A mark is the norm of the gradient of a stage's weights on one fixed batch, of one loss; the " +
      "heads' losses count 0.3. The scale is in powers of ten and fits the setting; lines span the " +
      "seeds, down to the edge where one has 0. Marks and numbers are medians over the seeds; the " +
      "curve is their mean. The dashed one is the same setting without its heads, or with them."));

  let widths = { chart: 0, curve: 0 };

  function update() {
    const now = read();
    const one = stored[now.setting];
    const at = Math.min(now.moment, one.images.length - 1);
    const relative = now.measure === "relative";
    const value = (loss, i, moment = at) => {
      const found = one.losses[loss][moment][i];
      return found == null ? null : relative ? found / one.weights[moment][i] : found;
    };
    const shown = Object.fromEntries(Object.keys(LOSSES).map((loss) =>
      [loss, stages.map((_, i) => value(loss, i))]));
    const [loss] = one.curve.map((line) => line[at]);
    const [first, last] = [shown.joint[0], shown.joint.at(-1)];
    top.dataset.results = JSON.stringify({ ...now, moment: at, images: one.images[at],
      seeds: one.seeds, loss, accuracy: one.accuracy, ...shown });

    pick.show(now.setting);
    measure.show(now.measure);
    change(along, { max: one.images.length - 1 });
    along.value = at;
    along.style.setProperty("--part", at / Math.max(1, one.images.length - 1));
    const when = at ? `after ${count(one.images[at])} images` : "before the first step";
    change(along, { "aria-valuetext": when });
    say(seen, when);

    const ratio = first / last;
    const end = `that of the last module (${written(last)})`;
    const against = !first && !last ? "as is that of the last module"
      : !last ? "while that of the last module is zero"
      : !first ? `far smaller than ${end}`
      : ratio > 1 / 1.5 && ratio < 1.5 ? `about as large as ${end}`
      : ratio < 1 ? `${written(1 / ratio)} times smaller than ${end}`
      : `${written(ratio)} times larger than ${end}`;
    const heads0 = [shown.aux1[0], shown.aux2[0]].filter((v) => v != null);
    const part = heads0.length ? ` To the first convolution the main loss brings ` +
      `${written(shown.main[0])}, the heads ${heads0.map(written).join(" and ")}.` : "";
    say(summary, `${now.setting}, ${when}: the ${relative ? "relative " : ""}gradient of the first ` +
      `convolution is ${written(first)}, ${against}.${part} Loss on test images: ${fixed(loss, 2)}.`);
    for (const name of Object.keys(LOSSES))
      stages.forEach(({ name: own }, i) => say(cells[`${name}.${own}`], written(shown[name][i])));
    if (widths.chart) drawChart(now, one, at, relative, shown);
    if (widths.curve) drawCurve(now, one, at);
  }

  function drawChart(now, one, at, relative, shown) {
    const width = widths.chart;
    const H = { top: 12, low: 216, heads: 232, net: 264, tall: 36, name: 318, end: 340 };
    const left = 34;
    const wide = (width - left) / stages.length;
    const all = one.images.flatMap((_, moment) => stages.flatMap((_, i) => [
      ...Object.keys(LOSSES).map((loss) => one.losses[loss][moment][i]),
      one.low[moment][i], one.high[moment][i]]
      .filter((v) => v > 0).map((v) => (relative ? v / one.weights[moment][i] : v))));
    const low = Math.floor(Math.log10(Math.min(...all)) - 0.1);
    const high = Math.max(low + 2, Math.ceil(Math.log10(Math.max(...all)) + 0.1));
    const Y = (v) => H.low - ((H.low - H.top) * (Math.log10(v) - low)) / (high - low);
    const X = (i) => left + (i + 0.5) * wide;
    const every = Math.ceil((high - low) / 8);
    change(chart, {
      width, height: H.end, viewBox: `0 0 ${width} ${H.end}`,
      "aria-label": `${now.setting}: gradient norms of ${stages.length} stages, from image to ` +
        `scores, between ${power(low)} and ${power(high)}; the table has the numbers.`,
    });
    grid.forEach(({ line, text }, i) => {
      const level = low + i * every;
      const there = level <= high;
      change(line, { d: there ? `M${left} ${Y(10 ** level).toFixed(1)} H${width}` : null });
      place(text, left - 5, there ? Y(10 ** level) + 4 : 0, there ? power(level) : "");
    });
    const widest = Math.max(...stages.map(({ widths: w }) => w.reduce((a, b) => a + b)));
    const scale = (0.8 * wide) / widest;
    const apart = hasHeads(now.setting) ? Math.min(11, 0.28 * wide) : 0;
    stages.forEach(({ name, widths: w }, i) => {
      const column = columns[i];
      box(column.band, left + i * wide, H.top - 6, wide, H.low - H.top + 12);
      const total = w.reduce((a, b) => a + b) * scale;
      let x = X(i) - total / 2;
      column.parts.forEach((part, j) => {
        box(part, x, H.net, Math.max(w[j] * scale - (w.length > 1 ? 1 : 0), 0.75), H.tall);
        x += w[j] * scale;
      });
      place(column.name, X(i), H.name, wide < 34 && name === "conv1" ? "c1" : name);
      const [least, most] = [one.low, one.high].map((spread) => (spread[at][i] > 0
        ? Y(spread[at][i] / (relative ? one.weights[at][i] : 1)) : H.low).toFixed(1));
      change(column.spread, { d: one.high[at][i] > 0 ? `M${X(i).toFixed(1)} ${least} V${most}` : null });
      for (const loss of Object.keys(LOSSES)) {
        const v = shown[loss][i];
        const hidden = !v || (loss === "joint" && !hasHeads(now.setting));
        change(column.marks[loss], {
          d: hidden ? null : MARKS[loss](X(i) + SIDES[loss] * apart, Y(v),
            Math.min(apart + 8, 0.42 * wide)) });
      }
      if (!heads[i]) return;
      const { line, sign, text } = heads[i];
      const on = hasHeads(now.setting);
      for (const element of [line, sign, text]) element.style.visibility = on ? "" : "hidden";
      change(line, { d: `M${X(i).toFixed(1)} ${H.net - 1} V${H.heads + 17}` });
      const half = Math.min(24, 0.5 * wide + 6);
      box(sign, X(i) - half, H.heads, 2 * half, 18);
      place(text, X(i), H.heads + 13, wide < 40 ? `h ${stages[i].head.at(-1)}`
        : LOSSES[stages[i].head]);
    });
    const none = Object.values(shown).every((row) => row.every((v) => !v)) &&
      one.high[at].every((v) => !v);
    ["All zero: nothing to draw", "on a scale of powers of ten"].forEach((text, i) =>
      place(empty[i], left + (width - left) / 2, (H.top + H.low) / 2 + 16 * i, none ? text : ""));
    place(ends[0], left, H.end - 4, "← image");
    place(ends[1], width, H.end - 4, "scores →");
  }

  function drawCurve(now, one, at) {
    const width = widths.curve;
    const [left, top0, low, height] = [26, 8, 150, 172];
    const other = stored[partner(now.setting)];
    const lines = [one, other].filter(Boolean);
    const most = Math.max(3, ...lines.flatMap(({ curve: c }) => c[2]).filter((v) => v < 4));
    const last = Math.max(...lines.flatMap(({ images }) => images));
    const X = (n) => left + ((width - left - 8) * n) / last;
    const Y = (v) => Math.max(top0, low - ((low - top0) * v) / most);
    const path = (images, values) => values
      .map((v, i) => `${i ? "L" : "M"}${X(images[i]).toFixed(1)} ${Y(v).toFixed(1)}`).join(" ");
    change(curves, {
      width, height, viewBox: `0 0 ${width} ${height}`,
      "aria-label": `Loss on test images, from ${fixed(one.curve[0][0], 2)} to ` +
        `${fixed(one.curve[0].at(-1), 2)}${other ? `; ${partner(now.setting)}: to ` +
        fixed(other.curve[0].at(-1), 2) : ""}.`,
    });
    marksY.forEach(({ line, text }, i) => {
      change(line, { d: `M${left} ${Y(i).toFixed(1)} H${width}` });
      place(text, left - 6, Y(i) + 4, String(i));
    });
    change(curve.own, { d: path(one.images, one.curve[0]) });
    change(curve.other, { d: other ? path(other.images, other.curve[0]) : null });
    change(curve.range, { d: `${path(one.images, one.curve[2])} ` +
      `${one.images.map((_, i) => one.images.length - 1 - i).map((i) =>
        `L${X(one.images[i]).toFixed(1)} ${Y(one.curve[1][i]).toFixed(1)}`).join(" ")} Z` });
    change(curve.now, { cx: X(one.images[at]).toFixed(1), cy: Y(one.curve[0][at]).toFixed(1) });
    place(axis[0], left, height - 4, "0");
    place(axis[1], width, height - 4, `${count(last)} images`);
  }

  const stops = [
    onWidth(chartBox, (now) => { widths.chart = now; update(); }),
    onWidth(curveBox, (now) => { widths.curve = now; update(); }),
  ];
  update();
  return () => { disconnect(); stop(); stops.forEach((end) => end()); };
}

// The losses' marks stand side by side, so that none hides another; the bar of all spans them.
const SIDES = { main: -1, aux1: 0, aux2: 1, joint: 0 };
const MARKS = {
  main: (x, y) => `M${(x - 5).toFixed(1)} ${y.toFixed(1)} a5 5 0 1 0 10 0 a5 5 0 1 0 -10 0 Z`,
  aux1: (x, y) => `M${x.toFixed(1)} ${(y - 6).toFixed(1)} l6 10.5 h-12 Z`,
  aux2: (x, y) => `M${(x - 4.5).toFixed(1)} ${(y - 4.5).toFixed(1)} h9 v9 h-9 Z`,
  joint: (x, y, half = 8) => `M${(x - half).toFixed(1)} ${(y - 1.2).toFixed(1)} ` +
    `h${(2 * half).toFixed(1)} v2.4 h${(-2 * half).toFixed(1)} Z`,
};

const CSS = `
.steps { display: grid; grid-template-columns: auto minmax(0, 1fr) auto; gap: 4px 10px;
  align-items: center; font-size: .93em; }
.steps .strong { grid-column: 1 / -1; font-weight: 650; }
.chart-box, .curve-box { min-width: 0; }
.small { font-size: 11px; }
.grid { stroke: var(--line); fill: none; }
.column { fill: transparent; }
.spread { stroke: var(--slab); stroke-width: 1.5; fill: none; }
.mark { stroke: var(--paper); stroke-width: 1.2; paint-order: stroke; }
.mark.main { fill: ${COLOURS["1x1"]}; }
.mark.aux1 { fill: ${COLOURS["3x3"]}; }
.mark.aux2 { fill: ${COLOURS.pool}; }
.mark.joint { fill: var(--ink); }
.empty { stroke: var(--paper); stroke-width: 6; paint-order: stroke; }
.stalk { stroke: var(--control); stroke-width: 1.5; fill: none; }
.head-box { fill: var(--well); stroke: var(--control); rx: 4px; }
.keys { display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: .93em; }
.keys span { display: inline-flex; align-items: center; gap: 6px; }
.card-title { font-weight: 650; padding-bottom: 8px; }
.curve { fill: none; stroke: var(--ink); stroke-width: 2; }
.curve.other { stroke: var(--slab); stroke-dasharray: 5 4; }
.range { fill: var(--ink); fill-opacity: .12; }
.dot { fill: ${COLOURS["3x3"]}; stroke: var(--paper); stroke-width: 1.5; }
.summary { min-height: calc(8.7em + 16px); }
.sides { display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr); align-items: start; }
@container (max-width: 420px) { th, td { padding: 3px 3px; } }
@container (min-width: 620px) {
  .summary { min-height: calc(5.8em + 16px); }
  .sides { grid-template-columns: minmax(0, 1fr) minmax(0, 1.15fr); gap: 24px; }
}
`;

export default { render };
