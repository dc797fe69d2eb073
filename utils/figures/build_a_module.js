// Build a module: the six numbers of an Inception module, its shape and its cost, branch by branch.

import {
  BRANCHES, COLOURS, change, compared, connect, count, menu, millions, node, onWidth, say,
  several, shape, slider, stage, times,
} from "../interactive/kit.js";
import { LAYOUT, box, fullScale, funnelPath, mapSize, place, weights, words } from "./shared.js";

const MOST_IN = 1024;
const MOST = 512; // filters in one convolution
const NUMBERS = [
  "in_channels", "size", "conv1x1", "reduce3x3", "conv3x3", "reduce5x5", "conv5x5", "pool_proj",
];
const LEAVABLE = { reduce3x3: "3x3", reduce5x5: "5x5", pool_proj: "pool" }; // None leaves the 1x1 out
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

// "÷ 9.7", "× 1.3", "almost the same": the bar above against the bar below it.
function factor(now, without) {
  if (now === without) return "the same";
  const ratio = times(now < without ? without / now : now / without);
  if (ratio === "1.0") return "almost the same";
  return `${now < without ? "÷" : "×"} ${ratio}`;
}

function render({ model, el }) {
  const { element: top, stop } = stage(el, { name: "Build an Inception module", css: LAYOUT + CSS });
  const presets = model.get("presets");
  const { read, move, stop: disconnect } = connect(model, NUMBERS, update);
  const kept = {}; // the width of a 1x1 that is left out, for when it comes back
  const first = Object.values(presets)[0];
  for (const name of Object.keys(LEAVABLE)) kept[name] = model.get(name) ?? first[name];

  let settled;
  const glide = () => {
    top.classList.add("glide");
    clearTimeout(settled);
    settled = setTimeout(() => top.classList.remove("glide"), 400);
  };

  // Controls
  const preset = menu({
    label: "Preset", other: "your own module",
    groups: [["GoogLeNet", Object.keys(presets).map((name) => [name, `Inception ${name}`])]],
    change: (name) => { glide(); move(presets[name]); },
  });
  const naive = node("button", {
    type: "button", "aria-pressed": "false",
    onclick: () => {
      glide();
      const all = Object.keys(LEAVABLE);
      const off = all.every((name) => model.get(name) === null);
      move(Object.fromEntries(all.map((name) => [name, off ? kept[name] : null])));
    },
  }, "Make it naive");
  const input = slider({
    label: "Input channels", min: 1, max: MOST_IN, change: (in_channels) => move({ in_channels }),
  });
  const map = mapSize(read, move);

  const controls = {};
  const numbered = (name, branch, label) => {
    const made = slider({
      label, hint: `${TITLES[branch]} branch: `, min: 1, max: MOST, colour: COLOURS[branch],
      change: (value) => {
        if (name in LEAVABLE) kept[name] = value;
        move({ [name]: value });
      },
    });
    if (name in LEAVABLE) {
      made.box = node("input", {
        type: "checkbox", "aria-label": `${TITLES[branch]} branch: ${label} with a 1×1 convolution`,
        onchange: () => { glide(); move({ [name]: made.box.checked ? kept[name] : null }); },
      });
      made.element.prepend(made.box);
      made.element.classList.add("leavable");
    }
    controls[name] = made;
    return made.element;
  };
  const cards = {
    "1x1": [numbered("conv1x1", "1x1", "filters")],
    "3x3": [numbered("reduce3x3", "3x3", "reduce"), numbered("conv3x3", "3x3", "filters")],
    "5x5": [numbered("reduce5x5", "5x5", "reduce"), numbered("conv5x5", "5x5", "filters")],
    "pool": [numbered("pool_proj", "pool", "project")],
  };
  const branches = node("div", { class: "branches" }, BRANCHES.map((branch) =>
    node("div", { class: "card", role: "group", "aria-label": `${TITLES[branch]} branch`,
      style: `--colour: ${COLOURS[branch]}` },
    node("p", { class: "card-title" }, `${TITLES[branch]} branch`), cards[branch])));

  // The module, input below, concatenation above
  const columns = Object.fromEntries(BRANCHES.map((branch) => [branch, {
    beam: shape("path"), funnel: shape("path"), ribbon: shape("path"),
    low: shape("rect"), high: shape("rect"), joined: shape("rect"),
    lowCount: words("halo strong middle"), highCount: words("halo strong middle"),
    lowKernel: words("halo soft middle"), highKernel: words("halo soft middle"),
    joinedCount: words("halo strong middle"),
  }]));
  for (const branch of BRANCHES) {
    for (const [name, part] of Object.entries(columns[branch])) {
      if (part.tagName !== "text") part.style.fill = COLOURS[branch];
      part.classList.add(name);
    }
  }
  const source = shape("rect", { class: "source" });
  const outText = words("strong middle");
  const inText = words("strong middle");
  const ruler = shape("path", { class: "ruler" });
  const rulerText = words("soft");
  const layers = ["beam", "funnel", "ribbon", "low", "high", "joined", "lowKernel", "highKernel",
    "lowCount", "highCount", "joinedCount"];
  const picture = shape("svg", { role: "img" },
    layers.map((layer) => BRANCHES.map((branch) => columns[branch][layer])),
    source, outText, inText, shape("g", {}, ruler, rulerText));
  const pictureBox = node("div", { class: "picture" }, picture);

  // Words, bars and numbers
  const summary = node("p", { class: "summary", role: "status" });
  const bars = Object.fromEntries(BRANCHES.map((branch) => {
    const now = node("i", { class: "now" });
    const without = node("i", { class: "without" });
    const ratio = node("span", { class: "ratio" });
    const row = node("div", { class: "bar", style: `--colour: ${COLOURS[branch]}` },
      node("span", {}, TITLES[branch]), node("span", { class: "pair" }, now, without), ratio);
    return [branch, { now, without, ratio, row }];
  }));
  const chart = node("div", { class: "chart" },
    node("p", { class: "card-title" }, "Multiply-adds by branch"),
    node("p", { class: "note legend", "aria-hidden": "true" },
      node("i", { class: "now" }), " this module ",
      node("i", { class: "without" }), " the naive module"),
    Object.values(bars).map(({ row }) => row));
  const cell = (name) => {
    const now = node("span", { "data-name": name });
    const without = node("span", { "data-name": `naive.${name}`, class: "soft-line" });
    return { cell: node("td", {}, now, without), now, without };
  };
  const cells = {};
  const table = node("table", {},
    node("caption", {},
      "Each cell: this module, and below it the naive one: the same filters, no reduction, no projection."),
    node("thead", {}, node("tr", {}, node("th", { scope: "col" }, "branch"),
      ["channels out", "weights", "multiply-adds"].map((name) => node("th", { scope: "col" }, name)))),
    node("tbody", {}, [...BRANCHES, "all"].map((branch) =>
      node("tr", { class: branch === "all" ? "sum" : "" },
        node("th", { scope: "row" }, branch === "all" ? "in all" : TITLES[branch]),
        ["channels", "parameters", "macs"].map((kind) => {
          const made = cell(`${kind}.${branch}`);
          cells[`${kind}.${branch}`] = made;
          return made.cell;
        })))));

  top.append(
    node("div", { class: "head" }, node("p", { class: "title" }, "Build an Inception module"),
      node("div", { class: "actions" }, preset.element, naive)),
    summary, pictureBox, branches,
    node("div", { class: "common" }, input.element, map.element), chart, table,
    node("p", { class: "note" }, "Widths show channels, to one scale. Weights without biases; " +
      "stride 1, padding that keeps the size. Without its projection the pooling branch passes all " +
      "its channels on."));

  let width = 0;
  let full = 0; // channels that fill the picture's width

  function update() {
    const module = read();
    const now = costs(module);
    const without = costs(naiveOf(module));
    top.dataset.results = JSON.stringify({ now, naive: without });

    const name = Object.keys(presets).find((key) =>
      NUMBERS.every((n) => JSON.stringify(presets[key][n]) === JSON.stringify(module[n])));
    preset.show(name ?? null);
    const off = Object.keys(LEAVABLE).every((n) => module[n] === null);
    naive.setAttribute("aria-pressed", String(off));
    input.show(module.in_channels);
    map.show(module.size);
    for (const [number, control] of Object.entries(controls)) {
      const left = module[number] === null;
      if (!left && number in LEAVABLE) kept[number] = module[number];
      control.show(left ? kept[number] : module[number]);
      if (control.box) {
        control.box.checked = !left;
        control.range.disabled = control.field.disabled = left;
      }
    }

    const called = name ? `Inception ${name}` : "Your module";
    const naiveWeights = without.parameters.all;
    say(summary, `${called}: ${several(module.in_channels, "channel")} in, ` +
      `${count(now.channels.all)} out, ${several(now.parameters.all, "weight")}, ` +
      `${millions(now.macs.all)} multiply-adds. ` +
      (off
        ? "It is the naive module: nothing is reduced, and the pooling branch passes its input on."
        : `Naive: ${several(naiveWeights, "weight")}, ` +
          `${compared(naiveWeights, now.parameters.all)}, and ` +
          `${several(without.channels.all, "channel")} out.`));

    for (const [key, { now: a, without: b }] of Object.entries(cells)) {
      const [kind, branch] = key.split(".");
      write(a, count(now[kind][branch]));
      write(b, count(without[kind][branch]));
    }
    const longest = Math.max(...BRANCHES.map((b) => Math.max(now.macs[b], without.macs[b])));
    for (const branch of BRANCHES) {
      const { now: a, without: b, ratio } = bars[branch];
      a.style.width = `${(100 * now.macs[branch]) / longest}%`;
      b.style.width = `${(100 * without.macs[branch]) / longest}%`;
      const [x, y] = [now.macs[branch], without.macs[branch]];
      say(ratio, y === 0 && x > 0 ? "extra" : factor(x, y));
    }
    if (width) draw(module, now);
  }

  function draw(module, now) {
    const slot = width / 4;
    // Every slab must fit its column, and the input and the output the whole width.
    const widest = Math.max(module.reduce3x3 ?? 0, module.reduce5x5 ?? 0,
      ...BRANCHES.map((branch) => now.channels[branch]));
    const needed = Math.max(4.24 * widest, module.in_channels, now.channels.all);
    const next = fullScale(needed);
    if (full && next !== full) glide();
    full = next;
    const scale = width / full;
    const H = { out: 16, top: 26, bar: 24, high: 118, slab: 9, low: 224, input: 322, end: 346 };
    // The ruler stands beside the output's name, and below everything where there is no room.
    const narrow = width < 500;
    const rulerAt = narrow ? H.end + 28 : 0;
    const height = H.end + (narrow ? 46 : 24);
    change(picture, {
      width, height, viewBox: `0 0 ${width} ${height}`,
      "aria-label": `The module to scale: from ${several(module.in_channels, "input channel")} below, ` +
        `four branches of ${BRANCHES.map((b) => now.channels[b]).join(", ")} channels rise side by side and are ` +
        `joined above to ${now.channels.all} channels.`,
    });
    const wide = module.in_channels * scale;
    const from = [(width - wide) / 2, (width + wide) / 2];
    box(source, from[0], H.input, wide, H.end - H.input);
    place(inText, width / 2, H.end + 17,
      `input: ${several(module.in_channels, "channel")}, ${module.size.join(" × ")}`);
    place(outText, width / 2, 13, `output: ${several(now.channels.all, "channel")}`);
    const reduces = {
      "1x1": null, "3x3": module.reduce3x3, "5x5": module.reduce5x5, "pool": module.pool_proj,
    };
    const kernels = { "1x1": "1×1", "3x3": "3×3", "5x5": "5×5", "pool": "max 3×3" };
    let at = (width - now.channels.all * scale) / 2;
    BRANCHES.forEach((branch, i) => {
      const parts = columns[branch];
      const middle = (i + 0.5) * slot;
      const out = now.channels[branch] * scale;
      const half = Math.max(out, 1.5) / 2;
      const two = reduces[branch] !== null; // a reduction below, or for pooling a projection above
      const pool = branch === "pool";
      // The pool keeps its input's channels; where a projection follows, it is drawn as a sign.
      const lowHalf = pool
        ? Math.min(38, slot / 2 - 2)
        : Math.max((reduces[branch] ?? 0) * scale, 1.5) / 2;
      const lowTop = pool ? H.low - 7 : H.low;
      const lowSlab = pool ? 22 : H.slab;
      const foot = two ? lowTop + lowSlab : H.high + H.slab;
      const footHalf = two ? lowHalf : half;
      change(parts.beam, {
        d: funnelPath(foot + 2, middle - footHalf, middle + footHalf, H.input - 2, ...from, true),
      });
      const under = H.high + H.slab + 2;
      change(parts.funnel, {
        d: two
          ? funnelPath(under, middle - half, middle + half,
            lowTop - 2, middle - lowHalf, middle + lowHalf, true)
          : funnelPath(under, middle, middle, under, middle, middle, true),
      });
      change(parts.ribbon, {
        d: funnelPath(H.top + H.bar + 2, at, at + out, H.high - 2, middle - half, middle + half, true),
      });
      if (two) box(parts.low, middle - lowHalf, lowTop, 2 * lowHalf, lowSlab);
      else box(parts.low, middle, H.low, 0, lowSlab);
      parts.low.setAttribute("rx", pool ? 11 : 2);
      parts.low.classList.toggle("sign", pool);
      box(parts.high, middle - half, H.high, 2 * half, H.slab);
      parts.high.setAttribute("rx", 2);
      box(parts.joined, at, H.top, Math.max(out - (i < 3 ? 1.5 : 0), 0.75), H.bar);
      const made = count(now.channels[branch]);
      place(parts.joinedCount, at + out / 2, H.top + 17, out > 10 * made.length + 4 ? made : "");
      place(parts.highCount, middle, H.high + H.slab + 16, made);
      place(parts.lowCount, middle, pool ? lowTop + 15 : H.low + H.slab + 16,
        two ? (pool ? "max 3×3" : count(reduces[branch])) : "");
      place(parts.highKernel, middle, H.high + 62, two ? (pool ? "1×1" : kernels[branch]) : "");
      // The other kernel's name lies in the beam, a part `t` of the way along the curve.
      const t = two ? 0.5 : pool ? 0.22 : 0.36;
      const across = 3 * (1 - t) * t * t + t ** 3;
      const down = 1.5 * (1 - t) * t + t ** 3;
      place(parts.lowKernel, middle + across * (width / 2 - middle), foot + 6 + down * (H.input - foot),
        two ? (pool ? "" : "1×1") : kernels[branch]);
      at += out;
    });
    const step = 2 ** Math.max(0, Math.ceil(Math.log2(26 / scale)));
    change(ruler, { d: `M1 4 v6 h${(step * scale).toFixed(1)} v-6` });
    place(rulerText, step * scale + 8, 13, several(step, "channel"));
    change(ruler.parentNode, { transform: `translate(0 ${rulerAt})` });
  }

  const stopWidth = onWidth(pictureBox, (now) => { width = now; update(); });
  update();
  return () => { disconnect(); stop(); stopWidth(); };
}

// Writes a number, and marks it for a moment where it changed.
function write(element, text) {
  if (element.textContent === text) return;
  const known = element.textContent !== "";
  element.textContent = text;
  if (!known || !element.animate || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  element.animate([{ background: "var(--mark)" }, { background: "transparent" }], { duration: 900 });
}

const CSS = `
.stage { --mark: #ffe08a; }
.stage[data-theme="dark"] { --mark: #6b5613; }
button[aria-pressed="true"] { background: var(--ink); color: var(--paper); }
.summary { min-height: calc(7.25em + 16px); }
.picture { min-width: 0; }
.beam { fill-opacity: .16; }
.funnel { fill-opacity: .34; }
.ribbon { fill-opacity: .34; }
.source { fill: var(--slab); rx: 3px; }
.ruler { fill: none; stroke: var(--soft); }
rect.sign { fill: var(--paper) !important; stroke: #CC79A7; stroke-width: 2; }
.branches { display: grid; gap: 10px; grid-template-columns: 1fr; }
.card { border: 1px solid var(--line); border-top: 4px solid var(--colour); border-radius: 6px;
  padding: 6px 8px 2px; min-width: 0; }
.card-title { font-weight: 650; }
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

export default { render };
