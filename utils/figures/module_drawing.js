// How a convolution and an Inception module are drawn in every figure, and what they cost.

import { BRANCHES, COLOURS, box, change, node, numberField, shape, words } from "../interactive/kit.js";

// Weights of a convolution, without biases, as utils.accounting counts them.
export const weights = (cIn, cOut, k) => k * k * cIn * cOut;

// Height and width of the feature map, at most those of the paper's input image.
export function mapSize({ change: changed }) {
  let now = [1, 1];
  const sides = ["height", "width"].map((name, axis) => numberField({
    label: `Feature map ${name} in pixels`, min: 1, max: 224,
    change: (side) => changed(now.map((old, i) => (i === axis ? side : old))),
  }));
  const element = node("div", { class: "map" }, node("span", {}, "Feature map"),
    node("span", {}, sides[0].input, " × ", sides[1].input));
  const show = (size) => {
    now = size;
    sides.forEach((side, axis) => side.show(size[axis]));
  };
  return { element, show };
}

// Channels that fill the picture: a step that changes rarely, so that dragging one number
// does not move everything else.
export const fullScale = (channels) => 2 ** (Math.ceil(4 * Math.log2(channels)) / 4);

// A convolution is drawn as a funnel from the channels it reads to the channels it makes, a feature
// map as a slab; both to the scale of the picture.

// From x0, spanning a0..b0, to x1, spanning a1..b1. `upright` swaps the axes.
export function funnelPath(x0, a0, b0, x1, a1, b1, upright = false) {
  const p = (x, y) => (upright ? `${y.toFixed(1)} ${x.toFixed(1)}` : `${x.toFixed(1)} ${y.toFixed(1)}`);
  const m = (x0 + x1) / 2;
  return `M${p(x0, a0)} C${p(m, a0)} ${p(m, a1)} ${p(x1, a1)} L${p(x1, b1)} ` +
    `C${p(m, b1)} ${p(m, b0)} ${p(x0, b0)} Z`;
}

// A module, input below, concatenation above. Each of its four branches has slabs: `low`, what a
// reduction or the pool makes, `high`, what the branch gives, and `joined`, its place above; and
// between them funnels: `beam` from the source, `funnel` from low to high, `ribbon` from there up, with
// `way`, an arrowhead that says which way the data go.
// `texts` names the texts of a branch, with their classes.
export function moduleParts(texts) {
  const branches = BRANCHES.map((branch) => {
    const parts = {
      beam: shape("path"), funnel: shape("path"), ribbon: shape("path"),
      low: shape("rect"), high: shape("rect"), joined: shape("rect"), way: shape("path"),
    };
    for (const [name, part] of Object.entries(parts)) part.classList.add(name);
    paintBranch(parts, COLOURS[branch]);
    for (const [name, kinds] of Object.entries(texts)) parts[name] = words("halo", ...kinds);
    return parts;
  });
  const [source, inText, outText] =
    [shape("rect", { class: "source" }), words("strong", "middle"), words("strong", "middle")];
  const layers = Object.keys(branches[0]).map((layer) => branches.map((branch) => branch[layer]));
  return { branches, source, inText, outText, parts: [layers, source, inText, outText] };
}

export function paintBranch({ beam, funnel, ribbon, low, high, joined, way }, colour) {
  for (const part of [beam, funnel, ribbon, low, high, joined, way]) part.style.fill = colour;
  // Seen where the slab is a sign.
  for (const part of [low, high]) part.style.stroke = colour;
}

// A slab is { middle, half, top, tall }; a `sign` is one of a layer without weights of its own, and
// is as wide as its name. Without a `low` the branch reads the source at once.
export function drawSlab(rect, { middle, half, top, tall, sign = false }, round = 2) {
  box(rect, middle - half, top, 2 * half, tall);
  change(rect, { rx: sign ? tall / 2 : round });
  rect.classList.toggle("sign", sign);
}

// In the concatenation a line divides a slab from the next one.
export function drawJoined(rect, { middle, half, top, tall }, divided) {
  box(rect, middle - half, top, Math.max(2 * half - (divided ? 1.5 : 0), 0.75), tall);
}

export function drawFunnels({ beam, funnel, ribbon, way }, { source, low = null, high, joined }) {
  const between = (above, below) => funnelPath(
    above.top + above.tall + (above.gap ?? 2), above.middle - above.half, above.middle + above.half,
    below.top - (below.gap ?? 2), below.middle - below.half, below.middle + below.half, true);
  // A funnel of no width, where there is none to see.
  const under = high.top + high.tall + 2;
  change(beam, { d: between(low ?? high, source) });
  change(funnel, { d: low ? between(high, low)
    : funnelPath(under, high.middle, high.middle, under, high.middle, high.middle, true) });
  change(ribbon, { d: between(joined, high) });
  const [x, y] = [(high.middle + joined.middle) / 2, (high.top + joined.top + joined.tall) / 2];
  change(way, { d: `M${x.toFixed(1)} ${(y - 4).toFixed(1)} l-6 9 h12 Z` });
}

export const MODULE_CSS = `
.map { display: flex; justify-content: space-between; align-items: center; gap: 8px; font-size: .93em; }
.map input { width: 4.2em; }
.beam { fill-opacity: .16; }
.funnel, .ribbon { fill-opacity: .34; }
.source { fill: var(--slab); rx: 3px; }
rect:is(.low, .high) { stroke-width: 0; }
rect.sign { fill: var(--paper) !important; stroke-width: 2; }
`;
