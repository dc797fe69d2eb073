// Build a module: the six numbers of an Inception module, its shape and its cost, branch by branch.

import {
  BRANCHES, COLOURS, change, compared, count, figure, menu, millions, node, place, say, several, shape,
  slider, table, times, words,
} from "../interactive/kit.js";
import {
  MODULE_CSS, drawFunnels, drawJoined, drawSlab, fullScale, mapSize, moduleParts, weights,
} from "./module_drawing.js";

const MOST_IN = 1024;
const MOST = 512; // filters in one convolution
// Branch -> its numbers, with what their sliders are called.
const NUMBERS = {
  "1x1": { conv1x1: "filters" },
  "3x3": { reduce3x3: "reduce", conv3x3: "filters" },
  "5x5": { reduce5x5: "reduce", conv5x5: "filters" },
  "pool": { pool_proj: "project" },
};
const LEAVABLE = ["reduce3x3", "reduce5x5", "pool_proj"]; // None leaves the 1x1 out
const TITLES = { "1x1": "1×1", "3x3": "3×3", "5x5": "5×5", "pool": "pool" };

// Weights and output channels of each branch; the naive module has the same filters and no reductions.
function costs(module) {
  const { in_channels: c, size } = module;
  const behind = (reduce, out, k) =>
    reduce === null ? weights(c, out, k) : weights(c, reduce, 1) + weights(reduce, out, k);
  const parameters = {
    "1x1": weights(c, module.conv1x1, 1),
    "3x3": behind(module.reduce3x3, module.conv3x3, 3),
    "5x5": behind(module.reduce5x5, module.conv5x5, 5),
    "pool": module.pool_proj === null ? 0 : weights(c, module.pool_proj, 1),
  };
  const channels = {
    "1x1": module.conv1x1, "3x3": module.conv3x3, "5x5": module.conv5x5,
    "pool": module.pool_proj ?? c,
  };
  const sum = (numbers) => BRANCHES.reduce((total, branch) => total + numbers[branch], 0);
  parameters.all = sum(parameters);
  channels.all = sum(channels);
  const area = size[0] * size[1];
  const macs = Object.fromEntries(Object.entries(parameters).map(([name, n]) => [name, n * area]));
  return { channels, parameters, macs };
}

const naiveOf = (module) => ({ ...module, reduce3x3: null, reduce5x5: null, pool_proj: null });
const isNaive = (module) => LEAVABLE.every((name) => module[name] === null);

// "÷ 9.7", "× 1.3", "almost the same": the bar above against the bar below it.
function factor(now, without) {
  if (now === without) return "the same";
  const ratio = times(now < without ? without / now : now / without);
  if (ratio === "1.0") return "almost the same";
  return `${now < without ? "÷" : "×"} ${ratio}`;
}

function build({ get, move, control, drawing, glide, summary }) {
  const presets = get("presets");
  const kept = {}; // the width of a 1x1 that is left out, for when it comes back
  for (const name of LEAVABLE) kept[name] = get(name) ?? Object.values(presets)[0][name];

  const preset = menu({
    label: "Preset", other: "your own module",
    groups: [["GoogLeNet", Object.keys(presets).map((name) => [name, `Inception ${name}`])]],
    change: (name) => { glide(); move(presets[name]); },
  });
  const naive = node("button", {
    type: "button",
    onclick: () => {
      glide();
      const off = LEAVABLE.every((name) => get(name) === null);
      move(Object.fromEntries(LEAVABLE.map((name) => [name, off ? kept[name] : null])));
    },
  }, "Make it naive");
  const input = control(slider, "in_channels", { label: "Input channels", min: 1, max: MOST_IN });
  const map = control(mapSize, "size");

  // A slider of a branch; a 1x1 that may be left out has a box beside it.
  const numbered = (name, branch, label) => {
    const own = slider({
      label, hint: `${TITLES[branch]} branch: `, min: 1, max: MOST, colour: COLOURS[branch],
      change: (value) => move({ [name]: value }),
    });
    if (!LEAVABLE.includes(name)) return own;
    const box = node("input", {
      type: "checkbox", "aria-label": `${TITLES[branch]} branch: ${label} with a 1×1 convolution`,
      onchange: () => { glide(); move({ [name]: box.checked ? kept[name] : null }); },
    });
    own.element.prepend(box);
    own.element.classList.add("leavable");
    const show = (value) => {
      kept[name] = value ?? kept[name];
      own.show(kept[name]);
      box.checked = value !== null;
      own.range.disabled = own.field.disabled = !box.checked;
    };
    return { element: own.element, show };
  };
  const cards = BRANCHES.map((branch) => node("div", {
    class: "card", role: "group", "aria-label": `${TITLES[branch]} branch`,
    style: `--colour: ${COLOURS[branch]}`,
  }, node("p", { class: "card-title" }, `${TITLES[branch]} branch`),
  Object.entries(NUMBERS[branch]).map(([name, label]) =>
    control(() => numbered(name, branch, label), name))));

  const picture = modulePicture(drawing, glide);
  const bars = branchBars();
  const numbers = moduleTable();
  return {
    title: "Build an Inception module", head: node("div", { class: "actions" }, preset, naive),
    body: [
      summary, node("div", {}, picture), node("div", { class: "branches" }, cards),
      node("div", { class: "common" }, input, map), bars, numbers,
    ],
    note: "Widths show channels, to one scale. Weights without biases; stride 1, padding that keeps " +
      "the size. Without its projection the pooling branch passes all its channels on.",
    presets, preset, naive, picture, bars, numbers,
  };
}

function update(module, { presets, preset, naive, picture, bars, numbers }) {
  const now = costs(module);
  const without = costs(naiveOf(module));
  const name = Object.keys(presets).find((key) => Object.keys(module).every((n) =>
    JSON.stringify(presets[key][n]) === JSON.stringify(module[n])));
  preset.show(name);
  change(naive, { "aria-pressed": String(isNaive(module)) });
  picture.show(module, now);
  bars.show(now.macs, without.macs);
  numbers.show(now, without);

  const naiveWeights = without.parameters.all;
  const summary = `${name ? `Inception ${name}` : "Your module"}: ` +
    `${several(module.in_channels, "channel")} in, ${count(now.channels.all)} out, ` +
    `${several(now.parameters.all, "weight")}, ${millions(now.macs.all)} multiply-adds. ` +
    (isNaive(module)
      ? "It is the naive module: nothing is reduced, and the pooling branch passes its input on."
      : `Naive: ${several(naiveWeights, "weight")}, ` +
        `${compared(naiveWeights, now.parameters.all)}, and ` +
        `${several(without.channels.all, "channel")} out.`);
  return { summary, results: { now, naive: without } };
}

// Of each branch a bar for this module and one for the naive module, and how they compare.
function branchBars() {
  const bars = BRANCHES.map((branch) => {
    const [now, without] = ["now", "without"].map((kind) => node("i", { class: kind }));
    const ratio = node("span", { class: "ratio" });
    const row = node("div", { class: "bar", style: `--colour: ${COLOURS[branch]}` },
      node("span", {}, TITLES[branch]), node("span", { class: "pair" }, now, without), ratio);
    return { branch, now, without, ratio, row };
  });
  const element = node("div", { class: "chart" },
    node("p", { class: "card-title" }, "Multiply-adds by branch"),
    node("p", { class: "note legend", "aria-hidden": "true" },
      node("i", { class: "now" }), " this module ",
      node("i", { class: "without" }), " the naive module"),
    bars.map(({ row }) => row));
  const show = (macs, naive) => {
    const longest = Math.max(...BRANCHES.flatMap((branch) => [macs[branch], naive[branch]]));
    for (const { branch, now, without, ratio } of bars) {
      const [x, y] = [macs[branch], naive[branch]];
      now.style.width = `${(100 * x) / longest}%`;
      without.style.width = `${(100 * y) / longest}%`;
      say(ratio, y === 0 && x > 0 ? "extra" : factor(x, y));
    }
  };
  return { element, show };
}

// Each cell has two lines: this module, and the naive one.
function moduleTable() {
  const kinds = { channels: "channels out", parameters: "weights", macs: "multiply-adds" };
  const cells = [];
  const cell = (kind, branch) => {
    const name = `${kind}.${branch}`;
    const now = node("span", { "data-name": name });
    const without = node("span", { "data-name": `naive.${name}`, class: "soft-line" });
    cells.push({ kind, branch, now, without });
    return [now, without];
  };
  const { element } = table({
    caption: "Each cell: this module, and below it the naive one: the same filters, no reduction, " +
      "no projection.",
    heads: ["branch", ...Object.values(kinds)],
    rows: [...BRANCHES, "all"].map((branch) => [TITLES[branch] ?? "in all",
      Object.keys(kinds).map((kind) => cell(kind, branch)), branch === "all" ? "sum" : null]),
  });
  const show = (module, naive) => {
    for (const { kind, branch, now, without } of cells) {
      write(now, count(module[kind][branch]));
      write(without, count(naive[kind][branch]));
    }
  };
  return { element, show };
}

// The module, input below, concatenation above.
function modulePicture(drawing, glide) {
  const { branches, source, inText, outText, parts } = moduleParts({
    lowKernel: ["soft", "middle"], highKernel: ["soft", "middle"],
    lowCount: ["strong", "middle"], highCount: ["strong", "middle"],
    joinedCount: ["strong", "middle"],
  });
  const ruler = shape("path", { class: "ruler" });
  const rulerText = words("soft");
  const ruled = shape("g", {}, ruler, rulerText);
  let full = 0; // channels that fill the picture's width

  return drawing({ parts: [parts, ruled], draw(width, module, { channels }) {
    const reduces = [null, module.reduce3x3, module.reduce5x5, module.pool_proj];
    const slot = width / 4;
    // Every slab must fit its column, and the input and the output the whole width.
    const widest = Math.max(...reduces.slice(1, 3), ...BRANCHES.map((branch) => channels[branch]));
    const next = fullScale(Math.max(4.24 * widest, module.in_channels, channels.all));
    if (full && next !== full) glide();
    full = next;
    const scale = width / full;
    const H = { top: 26, bar: 24, high: 118, slab: 9, low: 224, input: 322, end: 346 };
    const from = { middle: width / 2, half: (module.in_channels * scale) / 2,
      top: H.input, tall: H.end - H.input };
    drawSlab(source, from, null);
    place(inText, width / 2, H.end + 17,
      `input: ${several(module.in_channels, "channel")}, ${module.size.join(" × ")}`);
    place(outText, width / 2, 13, `output: ${several(channels.all, "channel")}`);

    let at = (width - channels.all * scale) / 2;
    BRANCHES.forEach((branch, i) => {
      const own = branches[i];
      const middle = (i + 0.5) * slot;
      const out = channels[branch] * scale;
      const pool = branch === "pool";
      const kernel = pool ? "max 3×3" : TITLES[branch];
      const high = { middle, half: Math.max(out, 1.5) / 2, top: H.high, tall: H.slab };
      // The pool keeps its input's channels; where a projection follows, it is drawn as a sign.
      const low = pool
        ? { middle, half: Math.min(38, slot / 2 - 2), top: H.low - 7, tall: 22, sign: true }
        : { middle, half: Math.max(reduces[i] * scale, 1.5) / 2, top: H.low, tall: H.slab };
      const two = reduces[i] !== null; // a reduction below, or for pooling a projection above
      const joined = { middle: at + out / 2, half: out / 2, top: H.top, tall: H.bar };
      drawFunnels(own, { source: from, low: two ? low : null, high, joined });
      drawSlab(own.low, two ? low : { ...low, half: 0 });
      drawSlab(own.high, high);
      drawJoined(own.joined, joined, i < 3);
      const made = count(channels[branch]);
      place(own.joinedCount, at + out / 2, H.top + 17, out > 10 * made.length + 4 ? made : "");
      place(own.highCount, middle, H.high + H.slab + 16, made);
      place(own.lowCount, middle, pool ? low.top + 15 : H.low + H.slab + 16,
        two ? (pool ? kernel : count(reduces[i])) : "");
      place(own.highKernel, middle, H.high + 62, two ? (pool ? "1×1" : kernel) : "");
      // The other kernel's name lies in the beam, a part `t` of the way along the curve.
      const foot = two ? low.top + low.tall : H.high + H.slab;
      const t = two ? 0.5 : pool ? 0.22 : 0.36;
      const across = 3 * (1 - t) * t * t + t ** 3;
      const down = 1.5 * (1 - t) * t + t ** 3;
      place(own.lowKernel, middle + across * (width / 2 - middle), foot + 6 + down * (H.input - foot),
        two ? (pool ? "" : "1×1") : kernel);
      at += out;
    });

    // The ruler stands beside the output's name, and below everything where there is no room.
    const narrow = width < 500;
    const step = 2 ** Math.max(0, Math.ceil(Math.log2(26 / scale)));
    change(ruler, { d: `M1 4 v6 h${(step * scale).toFixed(1)} v-6` });
    place(rulerText, step * scale + 8, 13, several(step, "channel"));
    change(ruled, { transform: `translate(0 ${narrow ? H.end + 28 : 0})` });
    return {
      height: H.end + (narrow ? 46 : 24),
      label: `The module to scale: from ${several(module.in_channels, "input channel")} below, four ` +
        `branches of ${BRANCHES.map((branch) => channels[branch]).join(", ")} channels rise side by ` +
        `side and are joined above to ${channels.all} channels.`,
    };
  } });
}

// Writes a number, and marks it for a moment where it changed.
function write(element, text) {
  if (element.textContent === text) return;
  const known = element.textContent !== "";
  element.textContent = text;
  if (!known || !element.animate || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  element.animate([{ background: "var(--mark)" }, { background: "transparent" }], { duration: 900 });
}

const CSS = `${MODULE_CSS}
.stage { --mark: #ffe08a; }
.stage[data-theme="dark"] { --mark: #6b5613; }
button[aria-pressed="true"] { background: var(--ink); color: var(--paper); }
.summary { min-height: calc(7.25em + 16px); }
.ruler { fill: none; stroke: var(--soft); }
.branches { display: grid; gap: 10px; grid-template-columns: 1fr; }
.card { border: 1px solid var(--line); border-top: 4px solid var(--colour); border-radius: 6px;
  padding: 6px 8px 2px; min-width: 0; }
.card-title { padding-bottom: 0; }
.branches .slider { grid-template-columns: 1fr auto; gap: 0 5px; font-size: .95em; }
.branches .leavable { grid-template-columns: auto 1fr auto; }
.common { display: grid; gap: 4px 24px; align-items: center; }
.chart { display: grid; gap: 5px; }
.bar { display: grid; grid-template-columns: 2.6em 1fr 8.6em; align-items: center; gap: 8px;
  font-size: .93em; }
.pair { display: grid; gap: 2px; }
.ratio { text-align: right; white-space: nowrap; }
i { display: block; height: 9px; min-width: 1px; border-radius: 2px; }
.now { background: var(--colour); }
.without { border: 1.5px solid var(--colour); }
.legend i { display: inline-block; width: 22px; --colour: var(--ink); }
.legend .without { margin-left: 10px; }
td span { display: block; border-radius: 3px; }
.soft-line { color: var(--soft); }
tr.sum .soft-line { font-weight: 400; }
tbody th { vertical-align: top; }
.branches input[type="number"] { width: 3.6em; padding: 1px 2px 1px 5px; }
@container (min-width: 300px) { .branches { grid-template-columns: 1fr 1fr; gap: 8px; } }
@container (min-width: 620px) {
  .summary { min-height: calc(4.35em + 16px); }
  .branches { grid-template-columns: repeat(4, 1fr); }
  .common { grid-template-columns: 1fr auto; }
}
`;

export default figure({
  name: "Build an Inception module",
  css: CSS,
  state: ["in_channels", "size", ...Object.values(NUMBERS).flatMap(Object.keys)],
  build,
  update,
});
