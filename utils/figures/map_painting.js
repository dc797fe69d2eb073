// Maps as pictures: each in its branch's colour, from nothing to a peak in full colour.

import { BRANCHES, COLOURS } from "../interactive/kit.js";

const ACROSS = 4; // maps side by side in a module at a glance
const GAP = 2; // between its branches, in pixels of a map of 7 by 7
const STEPS = 255;

// Pixels as canvases hold them, for values of 0 to STEPS. Small values are lifted, to be seen.
const shades = {};
function shadesOf(colour) {
  if (shades[colour]) return shades[colour];
  const bytes = new Uint8Array(4 * (STEPS + 1));
  const rgb = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  for (let i = 0; i <= STEPS; i++) bytes.set([...rgb, 20 + 235 * (i / STEPS) ** 0.65], 4 * i);
  return (shades[colour] = new Uint32Array(bytes.buffer));
}

// A picture that is used again for the canvas's next maps.
const pictures = new WeakMap();
function pictureOf(canvas, width, height) {
  let one = pictures.get(canvas);
  if (one?.image.width !== width || one.image.height !== height) {
    Object.assign(canvas, { width, height });
    const image = new ImageData(width, height);
    one = { image, pixels: new Uint32Array(image.data.buffer), context: canvas.getContext("2d") };
    pictures.set(canvas, one);
  }
  return one;
}

// Writes a map into the pixels of a picture, `width` in a row, at (left, top).
function tint(pixels, width, left, top, { data, side }, channel, peak, shade) {
  const scale = STEPS / (peak || 1);
  let from = channel * side * side;
  for (let y = 0; y < side; y++) {
    let to = (top + y) * width + left;
    for (let x = 0; x < side; x++) pixels[to++] = shade[Math.min(STEPS, data[from++] * scale) | 0];
  }
}

export const peakOf = ({ data, side }, channel) =>
  data.subarray(channel * side * side, (channel + 1) * side * side).reduce((a, b) => Math.max(a, b), 0);

// One map alone, from nothing to its own largest value.
export function paintOne(canvas, map, channel, colour) {
  const { image, pixels, context } = pictureOf(canvas, map.side, map.side);
  tint(pixels, map.side, 0, 0, map, channel, peakOf(map, channel), shadesOf(colour));
  context.putImageData(image, 0, 0);
}

export function blockSize({ channels, side }) {
  const gap = (GAP * side) / 7;
  return { width: ACROSS * side, height: (channels / ACROSS) * side + gap * (BRANCHES.length - 1), gap };
}

// All maps of a module, input on the left: branch under branch, heights in proportion to channels.
export function paintBlock(canvas, stage, map, peaks) {
  const { branches, side } = stage;
  const { width, height, gap } = blockSize(stage);
  const { image, pixels, context } = pictureOf(canvas, width, height);
  let [channel, top] = [0, 0];
  for (const branch of BRANCHES) {
    const shade = shadesOf(COLOURS[branch]);
    for (let i = 0; i < branches[branch]; i++, channel++)
      tint(pixels, width, (i % ACROSS) * side, top + Math.floor(i / ACROSS) * side, map, channel, peaks[channel], shade);
    top += (branches[branch] / ACROSS) * side + gap;
  }
  context.putImageData(image, 0, 0);
}

// The maps of a branch, `n` from `first`, column by column.
export function paintMaps(canvas, map, first, n, rows, peaks, colour) {
  const cell = map.side + 1;
  const width = Math.ceil(n / rows) * cell;
  const { image, pixels, context } = pictureOf(canvas, width, rows * cell);
  pixels.fill(0);
  for (let i = 0; i < n; i++)
    tint(pixels, width, Math.floor(i / rows) * cell, (i % rows) * cell, map, first + i, peaks[first + i], shadesOf(colour));
  context.putImageData(image, 0, 0);
}
