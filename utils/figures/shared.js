// What the figures of an Inception module share: its arithmetic and its drawing.

import { change, node, numberField, shape } from "../interactive/kit.js";

// Weights of a convolution, without biases, as utils.accounting counts them.
export const weights = (cIn, cOut, k) => k * k * cIn * cOut;

// Height and width of the feature map, at most those of the paper's input image.
export function mapSize(read, move) {
  const sides = ["height", "width"].map((name, axis) => numberField({
    label: `Feature map ${name} in pixels`, min: 1, max: 224,
    change: (side) => move({ size: read().size.map((old, i) => (i === axis ? side : old)) }),
  }));
  const element = node("div", { class: "map" }, node("span", {}, "Feature map"),
    node("span", {}, sides[0].input, " × ", sides[1].input));
  return { element, show: (size) => sides.forEach(({ show }, axis) => show(size[axis])) };
}

// A convolution is drawn as a funnel from the channels it reads to the channels it makes,
// a feature map as a slab; both to the scale of the picture.

// From x0, spanning a0..b0, to x1, spanning a1..b1. `upright` swaps the axes.
export function funnelPath(x0, a0, b0, x1, a1, b1, upright = false) {
  const p = (x, y) => (upright ? `${y.toFixed(1)} ${x.toFixed(1)}` : `${x.toFixed(1)} ${y.toFixed(1)}`);
  const m = (x0 + x1) / 2;
  return `M${p(x0, a0)} C${p(m, a0)} ${p(m, a1)} ${p(x1, a1)} L${p(x1, b1)} ` +
    `C${p(m, b1)} ${p(m, b0)} ${p(x0, b0)} Z`;
}

// A text that can glide: placed by a transform, which style sheets can animate.
export function place(text, x, y, said) {
  text.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
  if (said !== undefined && text.textContent !== said) text.textContent = said;
}

export function box(rect, x, y, width, height) {
  change(rect, {
    x: x.toFixed(1), y: y.toFixed(1),
    width: Math.max(0, width).toFixed(1), height: Math.max(0, height).toFixed(1),
  });
}

// Channels that fill the picture: a step that changes rarely, so that dragging one number
// does not move everything else.
export function fullScale(channels) {
  return 2 ** (Math.ceil(4 * Math.log2(channels)) / 4);
}

// The arrangement that the figures share: a head, a sentence, and what each figure puts below.
export const LAYOUT = `
.stage { display: grid; grid-template-columns: minmax(0, 1fr); gap: 14px; }
.head, .actions { display: flex; flex-wrap: wrap; gap: 6px 14px; align-items: center; }
.head { justify-content: space-between; }
.summary { background: var(--well); border-radius: 8px; padding: 8px 12px; align-content: center; }
.map { display: flex; justify-content: space-between; align-items: center; gap: 8px; }
.map { font-size: .93em; }
.map input { width: 4.2em; }
`;

export const words = (...parts) => shape("text", { class: parts.join(" ") });
