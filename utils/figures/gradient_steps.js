// Gradients along a small GoogLeNet, step by step through its training: of the main loss, of each
// head's and of all together, on a scale of powers of ten.

import { axis, lineChart, scale } from "../interactive/charts.js";
import {
  BRANCHES, COLOURS, SERIES, box, change, choice, count, figure, fixed, menu, node, place, say, shape,
  table, titled, track, words,
} from "../interactive/kit.js";

const LOSSES = { main: "main loss", aux1: "head 1", aux2: "head 2", joint: "all" };
const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const power = (n) => `10${[...String(n)].map((sign) => RAISED[sign]).join("")}`;

const sum = (list) => list.reduce((a, b) => a + b);

// Two digits: "0.083", "1.0", "12", "2.6·10⁻¹⁴"; a dash where a loss does not reach.
function written(value) {
  if (value == null) return "–";
  if (value === 0) return "0";
  if (value >= 0.001 && value < 99.5) return value.toPrecision(2);
  if (value >= 99.5 && value < 1000) return String(Number(value.toPrecision(2)));
  const [digits, exponent] = value.toExponential(1).split("e");
  return `${digits}·${power(Number(exponent))}`;
}

const kind = (name) => name.split(", ")[0];
const hasHeads = (name) => !name.endsWith("no heads");

function build({ get, move, control, drawing, summary }) {
  const stored = get("stored");
  const stages = get("stages");
  const settings = Object.keys(stored);

  const pick = control(menu, "setting", {
    label: "Setting",
    groups: [...new Set(settings.map(kind))].map((group) => [group, settings
      .filter((name) => kind(name) === group).map((name) => [name, name])]),
    change: (setting) => move({
      setting, moment: Math.min(get("moment"), stored[setting].images.length - 1),
    }),
  });
  const measure = control(choice, "measure", {
    legend: "Show", options: [["gradient", "gradient"], ["relative", "gradient ÷ weights"]],
  });
  const along = track({ label: "Moment of the training", change: (moment) => move({ moment }) });
  const seen = node("span", { class: "strong" });

  const chart = stageChart(drawing, stages);
  const keys = node("p", { class: "keys" }, Object.entries(LOSSES).map(([name, text]) => {
    const mark = shape("svg", { width: 16, height: 16, viewBox: "-8 -8 16 16", "aria-hidden": "true" },
      shape("path", { class: `mark ${name}`, d: MARKS[name](0, 0) }));
    return node("span", {}, mark, text);
  }));
  const curves = lineChart(drawing, {
    frame: { left: 26, right: 8, top: 8 }, kinds: ["small"], ticks: 4,
    lines: { other: { class: "curve other" }, own: {} },
  });
  const numbers = table({
    heads: ["", ...Object.values(LOSSES)],
    rows: stages.map(({ name }) => [name, Object.keys(LOSSES).map((loss) => `${loss}.${name}`)]),
  });
  return {
    title: "Gradients while it learns", head: pick,
    body: [
      node("div", { class: "actions" }, measure),
      node("div", { class: "steps" }, node("span", {}, "Start"), along, node("span", {}, "end"), seen),
      summary, node("div", {}, chart), keys,
      node("div", { class: "sides" }, titled("Loss on test images", curves), numbers),
    ],
    note: "Choose a setting, and step through its training with the slider. A mark is the norm of the " +
      "gradient of a stage's weights on one fixed batch, of one loss; the heads' losses count 0.3. " +
      "The scale is in powers of ten and fits the setting; lines span the seeds, down to the edge " +
      "where one has 0. Marks and numbers are medians over the seeds; the curve is their mean. The " +
      "dashed one is the same setting without its heads, or with them.",
    stored, stages, along, seen, chart, curves, numbers,
  };
}

function update(now, { stored, stages, along, seen, chart, curves, numbers }) {
  const one = stored[now.setting];
  const at = Math.min(now.moment, one.images.length - 1);
  const relative = now.measure === "relative";
  const shown = Object.fromEntries(Object.keys(LOSSES).map((loss) => [loss,
    one.losses[loss][at].map((v, i) => (v == null || !relative ? v : v / one.weights[at][i]))]));
  const when = at ? `after ${count(one.images[at])} images` : "before the first step";
  along.show(at, { max: one.images.length - 1, text: when });
  say(seen, when);
  numbers.show(Object.fromEntries(Object.keys(LOSSES).flatMap((loss) =>
    stages.map(({ name }, i) => [`${loss}.${name}`, written(shown[loss][i])]))));
  chart.show(now.setting, one, at, relative, shown);
  curves.show(losses(stored, now.setting, at));

  const [first, last] = [shown.joint[0], shown.joint.at(-1)];
  const loss = one.curve[0][at];
  const heads = [shown.aux1[0], shown.aux2[0]].filter((v) => v != null);
  const part = heads.length ? ` To the first convolution the main loss brings ` +
    `${written(shown.main[0])}, the heads ${heads.map(written).join(" and ")}.` : "";
  const summary = `${now.setting}, ${when}: the ${relative ? "relative " : ""}gradient of the first ` +
    `convolution is ${written(first)}, ${against(first, last)}.${part} ` +
    `Loss on test images: ${fixed(loss, 2)}.`;
  const results = { ...now, moment: at, images: one.images[at], seeds: one.seeds, loss,
    accuracy: one.accuracy, ...shown };
  return { summary, results };
}

// The gradient of the first convolution against that of the last module, in words.
function against(first, last) {
  if (!first && !last) return "as is that of the last module";
  if (!last) return "while that of the last module is zero";
  const end = `that of the last module (${written(last)})`;
  if (!first) return `far smaller than ${end}`;
  const ratio = first / last;
  if (ratio > 1 / 1.5 && ratio < 1.5) return `about as large as ${end}`;
  return ratio < 1 ? `${written(1 / ratio)} times smaller than ${end}`
    : `${written(ratio)} times larger than ${end}`;
}

// The curve of a setting, and that of the same setting without its heads, or with them.
function losses(stored, setting, at) {
  const one = stored[setting];
  const partner = Object.keys(stored).find((name) => name !== setting &&
    name.replace("no heads", "heads") === setting.replace("no heads", "heads"));
  const other = stored[partner];
  const all = [one, other].filter(Boolean);
  const last = Math.max(...all.flatMap(({ images }) => images));
  const [own, low, high] = one.curve.map((values) => values.map((v, i) => [one.images[i], v]));
  return {
    x: [0, last],
    y: [0, Math.max(3, ...all.flatMap(({ curve }) => curve[2]).filter((v) => v < 4))],
    ticks: [0, 1, 2, 3].map((v) => [v, v]),
    lines: { own, other: other?.curve[0].map((v, i) => [other.images[i], v]) },
    band: [...high, ...low.reverse()],
    dots: { own: own[at] },
    captions: ["0", "", `${count(last)} images`],
    label: `Loss on test images, from ${fixed(one.curve[0][0], 2)} to ` +
      `${fixed(one.curve[0].at(-1), 2)}${other
        ? `; ${partner}: to ${fixed(other.curve[0].at(-1), 2)}` : ""}.`,
  };
}

// The network, image at the left, and the gradients above it.
function stageChart(drawing, stages) {
  const columns = stages.map(({ widths, head }) => ({
    band: shape("rect", { class: "column" }),
    parts: widths.map((_, j) => shape("rect", {
      style: `fill: ${widths.length > 1 ? COLOURS[BRANCHES[j]] : "var(--slab)"}` })),
    name: words("middle"),
    spread: shape("path", { class: "spread" }),
    marks: Object.fromEntries(["joint", "main", "aux1", "aux2"].map((loss) =>
      [loss, shape("path", { class: `mark ${loss}` })])),
    head: head && {
      line: shape("path", { class: "stalk" }), sign: shape("rect", { class: "head-box" }),
      text: words("middle", "small"),
    },
  }));
  const grid = axis(24, "end", "small");
  const ends = [words("soft", "small"), words("soft", "end", "small")];
  const empty = [0, 1].map(() => words("middle", "small", "empty")); // instead of marks
  const widest = Math.max(...stages.map(({ widths }) => sum(widths)));

  const draw = (width, setting, one, at, relative, shown) => {
    const H = { top: 12, low: 216, heads: 232, net: 264, tall: 36, name: 318, end: 340 };
    const left = 34;
    const wide = (width - left) / stages.length;
    const all = one.images.flatMap((_, moment) => stages.flatMap((_, i) => [
      ...Object.keys(LOSSES).map((loss) => one.losses[loss][moment][i]),
      one.low[moment][i], one.high[moment][i]]
      .filter((v) => v > 0).map((v) => (relative ? v / one.weights[moment][i] : v))));
    const low = Math.floor(Math.log10(Math.min(...all)) - 0.1);
    const high = Math.max(low + 2, Math.ceil(Math.log10(Math.max(...all)) + 0.1));
    const level = scale(low, high, H.low, H.top);
    const Y = (v) => level(Math.log10(v));
    const every = Math.ceil((high - low) / 8);
    const levels = Array.from({ length: Math.floor((high - low) / every) + 1 }, (_, i) => low + i * every);
    grid.show(levels.map((n) => [level(n), power(n)]), { left, right: width, at: left - 5 });

    const heads = hasHeads(setting);
    const thick = (0.8 * wide) / widest;
    const apart = heads ? Math.min(11, 0.28 * wide) : 0;
    stages.forEach(({ name, widths, head }, i) => {
      const column = columns[i];
      const X = left + (i + 0.5) * wide;
      box(column.band, left + i * wide, H.top - 6, wide, H.low - H.top + 12);
      let x = X - (sum(widths) * thick) / 2;
      column.parts.forEach((part, j) => {
        box(part, x, H.net, Math.max(widths[j] * thick - (widths.length > 1 ? 1 : 0), 0.75), H.tall);
        x += widths[j] * thick;
      });
      place(column.name, X, H.name, wide < 34 && name === "conv1" ? "c1" : name);
      const [least, most] = [one.low, one.high].map((spread) => (spread[at][i] > 0
        ? Y(spread[at][i] / (relative ? one.weights[at][i] : 1)) : H.low).toFixed(1));
      change(column.spread, { d: one.high[at][i] > 0 ? `M${X.toFixed(1)} ${least} V${most}` : null });
      for (const [loss, mark] of Object.entries(column.marks)) {
        const v = shown[loss][i];
        const hidden = !v || (loss === "joint" && !heads);
        change(mark, { d: hidden ? null : MARKS[loss](X + SIDES[loss] * apart, Y(v),
          Math.min(apart + 8, 0.42 * wide)) });
      }
      if (!head) return;
      const { line, sign, text } = column.head;
      for (const element of [line, sign, text]) element.style.visibility = heads ? "" : "hidden";
      change(line, { d: `M${X.toFixed(1)} ${H.net - 1} V${H.heads + 17}` });
      const half = Math.min(24, 0.5 * wide + 6);
      box(sign, X - half, H.heads, 2 * half, 18);
      place(text, X, H.heads + 13, wide < 40 ? `h ${head.at(-1)}` : LOSSES[head]);
    });
    const none = Object.values(shown).every((row) => row.every((v) => !v)) &&
      one.high[at].every((v) => !v);
    ["All zero: nothing to draw", "on a scale of powers of ten"].forEach((text, i) =>
      place(empty[i], left + (width - left) / 2, (H.top + H.low) / 2 + 16 * i, none ? text : ""));
    place(ends[0], left, H.end - 4, "← image");
    place(ends[1], width, H.end - 4, "scores →");
    return {
      height: H.end,
      label: `${setting}: gradient norms of ${stages.length} stages, from image to ` +
        `scores, between ${power(low)} and ${power(high)}; the table has the numbers.`,
    };
  };
  return drawing({
    class: "chart",
    parts: [grid.parts, columns.map(({ band }) => band),
      columns.map(({ head }) => head && Object.values(head)),
      columns.map(({ parts, name, spread, marks }) => [parts, name, spread, Object.values(marks)]),
      ends, empty],
    draw,
  });
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
.column { fill: transparent; }
.spread { stroke: var(--slab); stroke-width: 1.5; fill: none; }
.mark { stroke: var(--paper); stroke-width: 1.2; paint-order: stroke; }
.mark.main { fill: ${SERIES[0]}; }
.mark.aux1 { fill: ${SERIES[1]}; }
.mark.aux2 { fill: ${SERIES[2]}; }
.mark.joint { fill: var(--ink); }
.empty { stroke: var(--paper); stroke-width: 6; paint-order: stroke; }
.stalk { stroke: var(--control); stroke-width: 1.5; fill: none; }
.head-box { fill: var(--well); stroke: var(--control); rx: 4px; }
.keys { display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: .93em; }
.keys span { display: inline-flex; align-items: center; gap: 6px; }
.curve { stroke: var(--ink); }
.curve.other { stroke: var(--slab); stroke-dasharray: 5 4; }
.band { fill: var(--ink); fill-opacity: .12; }
.dot { fill: var(--ink); stroke: var(--paper); stroke-width: 1.5; }
.summary { min-height: calc(8.7em + 16px); }
@container (max-width: 420px) { th, td { padding: 3px 3px; } }
@container (min-width: 620px) {
  .summary { min-height: calc(5.8em + 16px); }
  .sides { grid-template-columns: minmax(0, 1fr) minmax(0, 1.15fr); gap: 24px; }
}
`;

export default figure({
  name: "Gradients while it learns", css: CSS, state: ["setting", "moment", "measure"], build, update,
});
