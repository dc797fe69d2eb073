// Bottleneck calculator: a k x k convolution, directly and behind a 1x1 reduction.

import { scale } from "../interactive/charts.js";
import {
  COLOURS, box, change, choice, compared, count, drag, figure, fixed, menu, node, place, say,
  several, shape, slider, table, words,
} from "../interactive/kit.js";
import { MODULE_CSS, fullScale, funnelPath, mapSize, weights } from "./module_drawing.js";

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

const colour = (k) => COLOURS[`${k}x${k}`] ?? "var(--slab)";

function build({ get, move: moveAll, control, drawing, glide, summary, top }) {
  const memory = {
    wanted: get("c_red"), // comes back when C_in, having been below it, allows it again
    chosen: null, // the reader's preset: two branches of the paper have the same numbers
  };
  const move = (changes) => {
    memory.wanted = changes.c_red ?? memory.wanted;
    const c_red = Math.min(memory.wanted, changes.c_in ?? get("c_in"));
    moveAll({ ...changes, c_red });
  };

  const presets = get("presets");
  const all = Object.fromEntries(presets.flatMap(({ module, branches }) =>
    branches.map((b) => [`${module} ${b.kernel_size}`, b])));
  const preset = menu({
    label: "Preset", other: "your own numbers",
    groups: presets.map(({ module, branches }) => [`Inception ${module}`,
      branches.map((b) => [`${module} ${b.kernel_size}`,
        `${module}, ${b.kernel_size}×${b.kernel_size} branch: ${b.c_in} → ${b.c_red} → ${b.c_out}`])]),
    change: (key) => { glide(); memory.chosen = key; move(all[key]); },
  });
  const cIn = control(slider, "c_in", {
    label: "Input channels C_in", min: 2, max: MOST, change: (c_in) => move({ c_in }),
  });
  const cOut = control(slider, "c_out", { label: "Output channels C_out", min: 1, max: MOST });
  const cRed = slider({
    label: "Reduced channels C_red", min: 1, max: MOST, change: (c_red) => move({ c_red }),
  });
  for (const { caption } of [cIn, cOut, cRed]) subscript(caption);
  const kernel = control(choice, "kernel_size", {
    legend: "Kernel k×k", options: KERNELS.map((k) => [k, k]),
  });
  const map = control(mapSize, "size");

  const paths = twoPaths(drawing);
  const curve = costCurve(drawing);
  drag(curve.element, ({ x, width }) => {
    const c_in = get("c_in");
    const c_red = Math.round(scale(THUMB, width - THUMB, 1, c_in)(x));
    move({ c_red: Math.min(c_in, Math.max(1, c_red)) });
  });
  const most = node("span", { class: "limit" });
  cRed.element.classList.add("below");
  cRed.element.prepend(node("span", { class: "limit" }, "1"));
  cRed.element.append(most);

  const said = { verdict: node("strong"), figures: node("span") };
  summary.append(...Object.values(said));
  const kernels = [node("span"), node("span"), node("span")]; // heads of rows that name the kernel
  const numbers = table({
    heads: ["", "weights", "multiply-adds"],
    rows: [
      [kernels[0], ["direct", "direct_macs"]],
      ["1×1", ["reduce", "reduce_macs"]],
      [kernels[1], ["convolve", "convolve_macs"]],
      [kernels[2], ["reduced", "reduced_macs"], "sum"],
      ["saving factor", ["saving", ["the same"]]],
      [["break-even at C", node("sub", {}, "red")], ["break_even", ["the same"]]],
    ],
  });

  return {
    title: "What does a 1×1 reduction save?", head: preset,
    body: [
      summary,
      node("div", { class: "sides" },
        node("div", { class: "controls" }, cIn, cOut, kernel, map,
          node("p", { class: "note" }, "Heights show channels and bars show weights, each to one " +
            "scale. Without biases; stride 1, padding that keeps the size.")),
        node("div", {}, paths)),
      node("div", { class: "curve-box" },
        node("p", { class: "curve-title" },
          "Weights of the reduced path, for every C", node("sub", {}, "red")),
        curve, cRed),
      numbers,
    ],
    top, memory, all, preset, cRed, most, said, kernels, numbers, paths, curve,
  };
}

function update(now, made) {
  const { c_in, c_red, kernel_size: k } = now;
  const { memory, all, top } = made;
  if (c_red !== Math.min(memory.wanted, c_in)) memory.wanted = c_red; // Python moved
  const cost = costs(now);

  const fitting = Object.keys(all).filter((key) => Object.keys(now).every((name) =>
    JSON.stringify(all[key][name]) === JSON.stringify(now[name])));
  made.preset.show(fitting.includes(memory.chosen) ? memory.chosen : fitting[0]);
  made.cRed.show(c_red, { max: c_in });
  say(made.most, count(c_in));

  const [verdict, figures] = sentence(cost);
  say(made.said.verdict, verdict);
  say(made.said.figures, figures);
  top.classList.toggle("worse", cost.reduced >= cost.direct);
  top.style.setProperty("--accent", colour(k));
  const { saving, break_even, ...whole } = cost;
  made.numbers.show({
    ...Object.fromEntries(Object.entries(whole).map(([name, n]) => [name, count(n)])),
    saving: factor(saving), break_even: fixed(break_even, 1),
  });
  ["direct ", "then ", "1×1 and "].forEach((text, i) => say(made.kernels[i], `${text}${k}×${k}`));
  made.paths.show(now, cost);
  made.curve.show(now, cost);
  return { results: cost };
}

// The two paths, to scale.
function twoPaths(drawing) {
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
  return drawing({
    class: "paths",
    parts: [shape("defs", {}, stripes), rows.map((row) => Object.values(row).flat())],
    draw(width, { c_in, c_red, c_out, kernel_size: k }, cost) {
      const tall = 92;
      const thick = 10;
      const scale = tall / fullScale(Math.max(c_in, c_out));
      const kernelColour = colour(k);
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
      return {
        height: 2 * 176 - 14,
        label: `Two paths from ${c_in} to ${several(c_out, "channel")}, to scale: directly, ` +
          `${several(cost.direct, "weight")}; through ${several(c_red, "channel")}, ` +
          `${several(cost.reduced, "weight")}.`,
      };
    },
  });
}

// The cost as a function of C_red.
function costCurve(drawing) {
  const hatch = shape("pattern", {
    id: "hatch", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(-45)",
  }, shape("rect", { width: 2.5, height: 7, class: "hatching" }));
  const parts = {
    saving: shape("path", { class: "saving" }), losing: shape("path", { class: "losing" }),
    floor: shape("path", { class: "axis" }), even: shape("path", { class: "even" }),
    direct: shape("path", { class: "direct" }), line: shape("path", { class: "line" }),
    drop: shape("path", { class: "drop" }), point: shape("circle", { r: 9, class: "point" }),
    saves: words("soft"), costs: words("soft end"),
    directText: words("halo"), evenText: words("halo"), here: words("halo strong"),
  };
  return drawing({
    class: "curve",
    parts: [shape("defs", {}, hatch), Object.values(parts)],
    draw(width, { c_in, c_red }, cost) {
      const height = 210;
      const [left, right, high, low] = [THUMB, width - THUMB, 30, height - 4];
      const slope = cost.break_even > 0 ? cost.direct / cost.break_even : 0;
      const greatest = slope * c_in * 1.04;
      const X = scale(1, c_in, left, right);
      const Y = scale(0, greatest, low, high);
      const even = Math.max(1, cost.break_even);
      const [xe, ye, xp, yp] = [X(even), Y(cost.direct), X(c_red), Y(cost.reduced)];
      const f = (n) => n.toFixed(1);
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
      return {
        height,
        label: "Weights of the reduced path grow in a straight line with C_red; they reach the " +
          `direct path's ${count(cost.direct)} at ${fixed(cost.break_even, 1)} channels. ` +
          `Now: ${several(c_red, "channel")}, ${several(cost.reduced, "weight")}.`,
      };
    },
  });
}

// "Input channels C_in" with the index set low.
function subscript(label) {
  const [before, index] = label.textContent.split("_");
  label.replaceChildren(before, node("sub", {}, index));
}

const CSS = `${MODULE_CSS}
.stage { --tint: color-mix(in srgb, #0072B2 25%, var(--paper)); }
sub { font-size: .75em; line-height: 0; }
.summary { min-height: calc(4.35em + 16px); border-left: 5px solid var(--accent); }
.worse .summary { border-left: 5px double var(--ink); }
.sides { gap: 16px 28px; }
.controls { display: grid; gap: 8px; align-content: start; }
.curve { cursor: ew-resize; }
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
.worse .point { fill: var(--ink); }
.worse .drop { stroke: var(--ink); }
.paths rect { fill: var(--slab); }
.axis, .even, .direct, .line, .drop { fill: none; }
@container (min-width: 620px) {
  .summary { min-height: calc(1.45em + 16px); }
  .sides { grid-template-columns: minmax(200px, 240px) 1fr; }
}
`;

export default figure({
  name: "Bottleneck calculator",
  css: CSS,
  state: ["c_in", "c_red", "c_out", "kernel_size", "size"],
  build,
  update,
});
