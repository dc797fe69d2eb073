// A black square that covers a part of the picture, and what is lost with it at every place.

import { change } from "../interactive/kit.js";

export const COVER = 8; // its side, in pixels of the sheet
const STEP = 4; // from one place to the next

// Its left upper corner, when its middle is at a point: the middle stays on the sheet.
export const cornerAt = ({ x, y }, size) =>
  [x, y].map((at) => Math.round(Math.min(size, Math.max(0, at))) - COVER / 2);

export function covered(image, [left, top], size) {
  return image.map((grey, i) => {
    const [x, y] = [(i % size) - left, Math.floor(i / size) - top];
    return x >= 0 && y >= 0 && x < COVER && y < COVER ? 0 : grey;
  });
}

// Slides the cover over an image, place by place, and lets the page breathe in between.
// `probability(image)` is what the network gives the class in question; `told(falls, side)` hears, after
// every place, by how much it falls at each, row by row, so far. Returns a function that stops it.
export function slide(image, size, probability, told) {
  const side = size / STEP;
  const whole = probability(image);
  const falls = [];
  let going = true;
  const next = () => {
    if (!going) return;
    const middle = [falls.length % side, Math.floor(falls.length / side)].map((at) => at * STEP + STEP / 2);
    falls.push(whole - probability(covered(image, middle.map((at) => at - COVER / 2), size)));
    told(falls, side);
    if (falls.length < side * side) setTimeout(next);
  };
  setTimeout(next);
  return () => { going = false; };
}

// Orange where the class loses, blue where it gains; one pixel a place, clear where nothing is known.
export function paintFalls(canvas, falls, side) {
  change(canvas, { width: side, height: side });
  const image = new ImageData(side, side);
  falls.forEach((fall, i) =>
    image.data.set([...(fall > 0 ? [230, 159, 0] : [86, 100, 220]), 230 * Math.min(1, Math.abs(fall)) ** 0.65], 4 * i));
  canvas.getContext("2d").putImageData(image, 0, 0);
}
