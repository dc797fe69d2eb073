// Bottleneck calculator: a k x k convolution, directly and behind a 1x1 reduction.

import {
  COLOURS, change, choice, compared, connect, count, fixed, menu, node, onWidth, say, several, shape,
  slider, stage,
} from "../interactive/kit.js";
import { LAYOUT, box, fullScale, funnelPath, mapSize, place, weights, words } from "./shared.js";

const KERNELS = [1, 3, 5, 7];
const MOST = 1024; // channels
const THUMB = 11; // half the slider's thumb: the curve's axis begins and ends at its centre

function costs({ c_in, c_red, c_out, kernel_size, size }) {
  const area = size[0] * size[1];
  const direct = weights(c_in, c_out, kernel_size);
  const reduce = weights(c_in, c_red, 1);
  const convolve = weights(c_red, c_out, kernel_size);
  const perChannel = c_in + kernel_size ** 2 * c_out; // weights that one channel of c_red costs
  return {
    direct, reduce, convolve, reduced: reduce + convolve,
    direct_macs: direct * area, reduce_macs: reduce * area, convolve_macs: convolve * area,
    reduced_macs: (reduce + convolve) * area,
    saving: direct / (reduce + convolve), break_even: direct / perChannel,
  };
}

function sentence({ direct, reduced }) {
  const numbers = `${several(reduced, "weight")} instead of ${count(direct)}, ` +
    `${compared(reduced, direct)}.`;
  if (reduced < direct) return ["The reduction saves: ", numbers];
  if (reduced > direct) return ["The reduction costs more: ", numbers];
  return ["The reduction neither saves nor costs: ", numbers];
}

// To two digits behind the point; what would read 1.00 or 0.00 says more.
function factor(saving) {
  const written = fixed(saving, 2);
  if (written === "1.00" && saving !== 1) return "almost 1";
  return saving < 0.1 ? String(Number(saving.toPrecision(2))) : written;
}

function render({ model, el }) {
  const { element: top, stop } = stage(el, { name: "Bottleneck calculator", css: LAYOUT + CSS });
  const presets = model.get("presets");

  const state = connect(model, ["c_in", "c_red", "c_out", "kernel_size", "size"], update);
  let wanted = model.get("c_red"); // comes back when C_in, having been below it, allows it again
  let chosen = null; // the reader's preset: two branches of the paper have the same numbers
  let ours = false;
  const move = (changes) => {
    wanted = changes.c_red ?? wanted;
    const next = { ...state.read(), ...changes };
    ours = true;
    state.move({ ...next, c_red: Math.min(wanted, next.c_in) });
    ours = false;
  };
  const glide = () => {
    top.classList.add("glide");
    setTimeout(() => top.classList.remove("glide"), 400);
  };

  // Controls
  const preset = menu({
    label: "Preset", other: "your own numbers",
    groups: presets.map(({ module, branches }) => [`Inception ${module}`,
      branches.map((b) => [`${module} ${b.kernel_size}`,
        `${module}, ${b.kernel_size}×${b.kernel_size} branch: ${b.c_in} → ${b.c_red} → ${b.c_out}`])]),
    change: (key) => { glide(); chosen = key; move(Object.fromEntries(all)[key]); },
  });
  const all = presets.flatMap(({ module, branches }) =>
    branches.map((b) => [`${module} ${b.kernel_size}`, b]));
  const cIn = slider({
    label: "Input channels C_in", min: 2, max: MOST, change: (c_in) => move({ c_in }),
  });
  const cOut = slider({
    label: "Output channels C_out", min: 1, max: MOST, change: (c_out) => move({ c_out }),
  });
  const cRed = slider({
    label: "Reduced channels C_red", min: 1, max: MOST, change: (c_red) => move({ c_red }),
  });
  for (const control of [cIn, cOut, cRed]) subscript(control.caption);
  const kernel = choice({
    legend: "Kernel k×k", options: KERNELS.map((k) => ({ value: k, label: String(k) })),
    change: (kernel_size) => move({ kernel_size }),
  });
  const map = mapSize(state.read, move);

  // Two paths, to scale
  const rows = [0, 1].map(() => ({
    heading: words("strong"), total: words("end"),
    slabs: [shape("rect"), shape("rect"), shape("rect")],
    funnels: [shape("path"), shape("path")],
    counts: [words("strong"), words("strong middle"), words("strong end")],
    kernels: [words("halo strong middle"), words("halo strong middle")],
    costs: [words("halo middle"), words("halo middle")],
    bars: [shape("rect"), shape("rect")],
  }));
  const stripes = shape("pattern", {
    id: "stripes", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)",
  }, shape("rect", { width: 6, height: 6, style: "fill: var(--tint)" }),
  shape("rect", { width: 3, height: 6, style: `fill: ${COLOURS["1x1"]}` }));
  const paths = shape("svg", { role: "img" }, shape("defs", {}, stripes),
    rows.map((row) => Object.values(row).flat()));

  // The cost as a function of C_red
  const parts = {
    saving: shape("path", { class: "saving" }), losing: shape("path", { class: "losing" }),
    floor: shape("path", { class: "axis" }), even: shape("path", { class: "even" }),
    direct: shape("path", { class: "direct" }), line: shape("path", { class: "line" }),
    drop: shape("path", { class: "drop" }), point: shape("circle", { r: 9, class: "point" }),
    saves: words("soft"), costs: words("soft end"),
    directText: words("halo"), evenText: words("halo"), here: words("halo strong"),
  };
  const curve = shape("svg", { role: "img", class: "curve" }, shape("defs", {}, shape("pattern", {
    id: "hatch", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(-45)",
  }, shape("rect", { width: 2.5, height: 7, class: "hatching" }))), Object.values(parts));
  let grip = null; // the pointer that drags, and how pixels become channels
  const drag = (event) => {
    const at = (event.clientX - curve.getBoundingClientRect().left - THUMB) / (grip.width - 2 * THUMB);
    const c_in = model.get("c_in");
    move({ c_red: Math.min(c_in, Math.max(1, Math.round(1 + at * (c_in - 1)))) });
  };
  curve.addEventListener("pointerdown", (event) => {
    grip = { width: curve.clientWidth };
    curve.setPointerCapture(event.pointerId);
    drag(event);
  });
  curve.addEventListener("pointermove", (event) => { if (grip) drag(event); });
  for (const end of ["pointerup", "pointercancel"]) curve.addEventListener(end, () => { grip = null; });
  const least = node("span", { class: "limit" }, "1");
  const most = node("span", { class: "limit" });
  const curveBox = node("div", { class: "curve-box" },
    node("p", { class: "curve-title" },
      "Weights of the reduced path, for every C", node("sub", {}, "red")),
    curve, cRed.element);
  cRed.element.classList.add("below");
  cRed.element.prepend(least);
  cRed.element.append(most);

  // Words and numbers
  const verdict = node("strong");
  const figures = node("span");
  const summary = node("p", { class: "summary", role: "status" }, verdict, figures);
  const cell = (name) => node("td", { "data-name": name });
  const lines = [
    ["direct", "", ["direct", "direct_macs"]],
    ["1×1", "", ["reduce", "reduce_macs"]],
    ["then k×k", "", ["convolve", "convolve_macs"]],
    ["1×1 and k×k", "sum", ["reduced", "reduced_macs"]],
  ].map(([name, kind, cells]) => {
    const head = node("th", { scope: "row" }, name);
    return { head, row: node("tr", { class: kind }, head, cells.map(cell)) };
  });
  const saving = cell("saving");
  const breakEven = cell("break_even");
  const table = node("table", {},
    node("thead", {}, node("tr", {}, node("td"), node("th", { scope: "col" }, "weights"),
      node("th", { scope: "col" }, "multiply-adds"))),
    node("tbody", {}, lines.map(({ row }) => row),
      node("tr", {}, node("th", { scope: "row" }, "saving factor"), saving,
        node("td", {}, "the same")),
      node("tr", {}, node("th", { scope: "row" }, "break-even at C", node("sub", {}, "red")), breakEven,
        node("td", {}, "the same"))));

  top.append(
    node("div", { class: "head" },
      node("p", { class: "title" }, "What does a 1×1 reduction save?"), preset.element),
    summary,
    node("div", { class: "sides" },
      node("div", { class: "controls" }, cIn.element, cOut.element, kernel.element, map.element,
        node("p", { class: "note" }, "Heights show channels and bars show weights, each to one scale. " +
          "Without biases; stride 1, padding that keeps the size.")),
      node("div", { class: "paths" }, paths)),
    curveBox, table);

  let widths = { paths: 0, curve: 0 };

  function update() {
    const now = state.read();
    const { c_in, c_red, c_out, kernel_size: k, size } = now;
    if (!ours) wanted = c_red; // Python moved
    const cost = costs(now);
    top.dataset.results = JSON.stringify(cost);

    const same = ([, b]) => b.c_in === c_in && b.c_red === c_red && b.c_out === c_out &&
      b.kernel_size === k && b.size[0] === size[0] && b.size[1] === size[1];
    const fitting = all.filter(same).map(([key]) => key);
    preset.show(fitting.includes(chosen) ? chosen : fitting[0] ?? null);
    cIn.show(c_in);
    cOut.show(c_out);
    cRed.show(c_red, { max: c_in });
    kernel.show(k);
    map.show(size);
    say(most, count(c_in));

    const [start, rest] = sentence(cost);
    say(verdict, start);
    say(figures, rest);
    top.classList.toggle("worse", cost.reduced >= cost.direct);
    for (const name of Object.keys(cost)) {
      const target = table.querySelector(`[data-name="${name}"]`);
      if (!target) continue;
      if (name === "saving") say(target, factor(cost.saving));
      else if (name === "break_even") say(target, fixed(cost.break_even, 1));
      else say(target, count(cost[name]));
    }
    say(lines[0].head, `direct ${k}×${k}`);
    say(lines[2].head, `then ${k}×${k}`);
    say(lines[3].head, `1×1 and ${k}×${k}`);
    top.style.setProperty("--accent", colour(k));
    if (widths.paths) drawPaths(now, cost);
    if (widths.curve) drawCurve(now, cost);
  }

  function drawPaths({ c_in, c_red, c_out, kernel_size: k }, cost) {
    const width = widths.paths;
    const tall = 92;
    const thick = 10;
    const scale = tall / fullScale(Math.max(c_in, c_out));
    const kernelColour = colour(k);
    change(paths, {
      width, height: 2 * 176 - 14, viewBox: `0 0 ${width} ${2 * 176 - 14}`,
      "aria-label": `Two paths from ${c_in} to ${several(c_out, "channel")}, to scale: directly, ` +
        `${several(cost.direct, "weight")}; through ${several(c_red, "channel")}, ` +
        `${several(cost.reduced, "weight")}.`,
    });
    const perWeight = width / Math.max(cost.direct, cost.reduced);
    const plans = [
      {
        heading: width < 320 ? `Direct: ${k}×${k}` : `Direct: one ${k}×${k} convolution`,
        total: several(cost.direct, "weight"),
        chain: [c_in, c_out],
        kernels: [[k, cost.direct, kernelColour]],
      },
      {
        heading: width < 320 ? `1×1, then ${k}×${k}` : `Reduced: 1×1, then ${k}×${k}`,
        total: several(cost.reduced, "weight"),
        chain: [c_in, c_red, c_out],
        kernels: [[1, cost.reduce, COLOURS["1x1"]], [k, cost.convolve, kernelColour]],
      },
    ];
    plans.forEach(({ heading, total, chain, kernels }, i) => {
      const row = rows[i];
      const y = i * 176;
      const middle = y + 26 + tall / 2;
      place(row.heading, 0, y + 13, heading);
      place(row.total, width, y + 13, total);
      const x = chain.map((_, j) => (j * (width - thick)) / (chain.length - 1));
      const last = chain.length - 1;
      row.slabs.forEach((slab, j) => {
        const shown = j <= last;
        const half = shown ? Math.max(0.75, (chain[j] * scale) / 2) : 0;
        box(slab, shown ? x[j] : width, middle - half, shown ? thick : 0, 2 * half);
        slab.setAttribute("rx", Math.min(3, half));
      });
      // The middle text belongs to the reduced path only; the last one to the output.
      const at = last === 1 ? [0, null, 1] : [0, 1, 2];
      row.counts.forEach((text, j) => {
        if (at[j] === null) return say(text, "");
        const where = [0, x[1] + thick / 2, width][j];
        const number = count(chain[at[j]]);
        place(text, where, y + 26 + tall + 17, [`in ${number}`, number, `${number} out`][j]);
      });
      row.funnels.forEach((funnel, j) => {
        if (j >= last) return change(funnel, { d: null });
        const [a, b] = [chain[j] * scale / 2, chain[j + 1] * scale / 2].map((h) => Math.max(0.75, h));
        change(funnel, {
          d: funnelPath(x[j] + thick + 2, middle - a, middle + a, x[j + 1] - 2, middle - b, middle + b),
          style: `fill: ${kernels[j][2]}; fill-opacity: .3`,
        });
        const mid = (x[j] + thick + x[j + 1]) / 2;
        place(row.kernels[j], mid, middle - 2, `${kernels[j][0]}×${kernels[j][0]}`);
        place(row.costs[j], mid, middle + 14, count(kernels[j][1]));
      });
      const bar = y + 26 + tall + 26;
      let from = 0;
      row.bars.forEach((rect, j) => {
        const long = j < last ? Math.max(1, kernels[j][1] * perWeight) : 0;
        box(rect, from, bar, long, 10);
        change(rect, { style: `fill: ${last === 2 && j === 0 ? "url(#stripes)" : kernelColour}` });
        from += long;
      });
    });
  }

  function drawCurve({ c_in, c_red, kernel_size: k }, cost) {
    const width = widths.curve;
    const height = 210;
    const [left, right, high, low] = [THUMB, width - THUMB, 30, height - 4];
    const slope = cost.break_even > 0 ? cost.direct / cost.break_even : 0;
    const greatest = slope * c_in * 1.04;
    const X = (c) => (c_in > 1 ? left + ((c - 1) / (c_in - 1)) * (right - left) : right);
    const Y = (w) => low - (w / greatest) * (low - high);
    const even = Math.max(1, cost.break_even);
    const [xe, ye, xp, yp] = [X(even), Y(cost.direct), X(c_red), Y(cost.reduced)];
    const f = (n) => n.toFixed(1);
    change(curve, {
      width, height, viewBox: `0 0 ${width} ${height}`,
      "aria-label": `Weights of the reduced path grow in a straight line with C_red; ` +
        `they reach the direct path's ${count(cost.direct)} at ${fixed(cost.break_even, 1)} channels. ` +
        `Now: ${several(c_red, "channel")}, ${several(cost.reduced, "weight")}.`,
    });
    const y1 = Y(slope);
    change(parts.saving, { d: `M${f(left)} ${f(ye)} L${f(xe)} ${f(ye)} L${f(left)} ${f(y1)} Z` });
    change(parts.losing, {
      d: `M${f(xe)} ${f(ye)} L${f(right)} ${f(ye)} L${f(right)} ${f(Y(slope * c_in))} Z`,
    });
    change(parts.floor, { d: `M${f(left)} ${low} H${f(right)}` });
    change(parts.even, { d: `M${f(xe)} ${f(high - 12)} V${low}` });
    change(parts.direct, { d: `M${f(left)} ${f(ye)} H${f(right)}` });
    change(parts.line, { d: `M${f(left)} ${f(y1)} L${f(right)} ${f(Y(slope * c_in))}` });
    change(parts.drop, { d: `M${f(xp)} ${f(yp)} V${low}` });
    change(parts.point, { cx: f(xp), cy: f(yp) });

    const evenRight = xe > width / 2;
    change(parts.evenText, { class: `halo ${evenRight ? "end" : ""}` });
    place(parts.evenText, evenRight ? xe - 6 : xe + 6, 14, `break-even: ${fixed(cost.break_even, 1)}`);
    change(parts.directText, { class: `halo ${evenRight ? "" : "end"}` });
    place(parts.directText, evenRight ? left : right, ye - 7, `direct: ${count(cost.direct)}`);
    // Below the line, right of the point, where nothing else stands; else above it on the left.
    const said = count(cost.reduced);
    const wide = 9 * said.length;
    const below = xp + 14 + wide < right && (xp < xe || (xp - left) / (right - left) < 0.3);
    const hereAt = below ? [xp + 14, Math.min(low - 8, yp + 18)] : [xp - 16, yp - 6];
    change(parts.here, { class: `halo strong ${below ? "" : "end"}` });
    place(parts.here, ...hereAt, said);
    const savesAt = ye + 0.3 * (y1 - ye);
    const free = Math.abs(hereAt[1] - savesAt) > 20 || hereAt[0] - (below ? 0 : wide) > left + 160;
    const room = free && xe - left > 200 && y1 - ye > 60;
    place(parts.saves, left + 12, savesAt, room ? "the reduction saves" : "");
    const lossRoom = right - xe > 170 && ye - high > 80;
    place(parts.costs, right - 12, ye - 30, lossRoom ? "the reduction costs more" : "");
  }

  const stops = [
    onWidth(paths.parentNode, (width) => { widths.paths = width; update(); }),
    onWidth(curveBox, (width) => { widths.curve = width; update(); }),
  ];
  update();
  return () => { state.stop(); stop(); stops.forEach((f) => f()); };
}

const colour = (k) => COLOURS[`${k}x${k}`] ?? "var(--slab)";

// "Input channels C_in" with the index set low.
function subscript(label) {
  const [before, index] = label.textContent.split("_");
  label.replaceChildren(before, node("sub", {}, index));
}

const CSS = `
.stage { --tint: color-mix(in srgb, #0072B2 25%, var(--paper)); }
sub { font-size: .75em; line-height: 0; }
.summary { min-height: calc(4.35em + 16px); border-left: 5px solid var(--accent); }
.worse .summary { border-left-style: double; }
.sides { display: grid; gap: 16px 28px; }
.controls { display: grid; gap: 8px; align-content: start; }
.paths, .curve-box { min-width: 0; }
.curve { cursor: ew-resize; touch-action: pan-y; }
.curve-title { font-weight: 650; margin-bottom: 2px; text-wrap: balance; }
.curve-box .below { grid-template-columns: 1fr auto auto 1fr; gap: 0 6px; }
.curve-box .below input[type="range"] { grid-row: 1; }
.below .limit { color: var(--soft); padding: 0 4px; min-width: 3.2em; font-size: .93em; }
.below .limit:last-child { text-align: right; }
.saving { fill: var(--accent); fill-opacity: .18; }
.losing { fill: url(#hatch); fill-opacity: .6; }
.hatching { fill: var(--loss); }
.axis { stroke: var(--control); }
.even { stroke: var(--ink); stroke-dasharray: 1 4; stroke-linecap: round; stroke-width: 2; }
.direct { stroke: var(--ink); stroke-dasharray: 7 5; stroke-width: 1.5; }
.line { stroke: var(--accent); stroke-width: 3; }
.drop { stroke: var(--accent); stroke-width: 1.5; }
.point { fill: var(--accent); stroke: var(--paper); stroke-width: 3; }
.paths rect { fill: var(--slab); }
.axis, .even, .direct, .line, .drop { fill: none; }
@container (min-width: 620px) {
  .summary { min-height: calc(1.45em + 16px); }
  .sides { grid-template-columns: minmax(200px, 240px) 1fr; }
}
`;

export default { render };
