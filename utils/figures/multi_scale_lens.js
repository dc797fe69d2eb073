// The multi-scale lens: windows of five sizes around one pixel of a photograph, what each sees
// there, and what named filters answer.

import {
  COLOURS, change, choice, drag, figure, fixed, menu, node, paint, readBytes, say, shape, slider, table,
} from "../interactive/kit.js";

const SIZES = [1, 3, 5, 7, 15];
const colour = (k) => COLOURS[`${k}x${k}`] ?? (k === 7 ? "#8a96a6" : "#d9a400"); // no branch has it
const FAINT = 0.01; // an answer that the eye would not tell from none
const label = (k) => `${k}×${k}`;
const signed = (value) => (value < 0 ? "−" : "+") + fixed(Math.abs(value), 3);

// The sum over the window of weights times pixels, black being 0 and white 1.
function answer(pixels, side, weights, row, column) {
  const half = (weights.length - 1) / 2;
  let sum = 0;
  weights.forEach((line, i) => line.forEach((weight, j) => {
    sum += (weight * pixels[(row + i - half) * side + column + j - half]) / 255;
  }));
  return sum;
}

function build({ get, move, control, summary }) {
  const [side, kernels] = ["side", "kernels"].map(get);
  const names = Object.fromEntries(get("names")); // in this order
  const titles = Object.fromEntries(get("pictures"));
  const pictures = Object.fromEntries(get("pictures").map(([name, , bytes]) => [name, readBytes(bytes)]));
  const margin = (SIZES.at(-1) - 1) / 2;
  const last = side - 1 - margin;

  const picture = control(choice, "picture", { legend: "Picture", options: Object.entries(titles) });
  const filter = control(menu, "filter", {
    label: "Filter", groups: [["named filters", Object.entries(names)]],
  });
  const row = control(slider, "row", { label: "Row", min: margin, max: last });
  const column = control(slider, "column", { label: "Column", min: margin, max: last });

  // The photograph with the windows on it
  const photo = node("canvas", { "aria-hidden": "true" });
  const windows = SIZES.map((k) => shape("rect", { width: k, height: k, style: `stroke: ${colour(k)}` }));
  const over = shape("svg", { viewBox: `0 0 ${side} ${side}`, role: "img" }, [...windows].reverse());
  drag(over, ({ x, y, width, height }) => {
    const at = (part) => Math.min(last, Math.max(margin, Math.floor(part * side)));
    move({ row: at(y / height), column: at(x / width) });
  }, "none");

  // For each size: what it sees, its filter, and the filter's answers everywhere
  const columns = SIZES.map((k) => {
    const parts = {
      crop: node("canvas", { role: "img", class: "crop", style: `border-color: ${colour(k)}` }),
      kernel: node("canvas", { role: "img" }), map: node("canvas", { role: "img", class: "map-of" }),
      spot: node("i"), said: node("span", { class: "answer" }),
    };
    const none = node("p", { class: "none" }, "one pixel has no pattern");
    const mapped = node("div", { class: "mapped" }, parts.map, parts.spot);
    const element = node("div", { class: "size" },
      node("p", { class: "name" }, node("i", { style: `background: ${colour(k)}` }), label(k)),
      parts.crop, parts.kernel, none, parts.said, mapped);
    return { k, element, none, mapped, ...parts };
  });
  const numbers = table({
    heads: ["", ...SIZES.map(label)],
    rows: Object.entries(names).map(([name, text]) => [text, SIZES.map((k) => `${name}.${k}`)]),
  });
  return {
    title: "A lens of five sizes", head: picture,
    body: [
      node("div", { class: "sides" },
        node("div", { class: "place" }, node("div", { class: "scene" }, photo, over), row, column),
        node("div", { class: "right" }, filter, summary, numbers)),
      node("div", { class: "sizes" }, columns),
    ],
    note: "Drag over the photograph, or use the two sliders and their arrow keys. Black is 0 and white " +
      "is 1. In filters and maps, grey is 0, brighter is positive and darker is negative; only means " +
      "run from black to white. All maps of one filter have one scale. The bright and the " +
      "dark weights of a Gabor filter add up to 1 each, and so do those of the two means in a difference of " +
      "Gaussians: no size wins by being large.",
    side, margin, kernels, names, titles, pictures, photo, windows, over, columns, numbers,
    drawn: {}, // the picture and the filter on the canvases
  };
}

function update(now, made) {
  const { side, margin, kernels, names } = made;
  const pixels = made.pictures[now.picture];
  const answers = Object.fromEntries(Object.keys(names).map((name) => [name, Object.fromEntries(
    SIZES.map((k) => [k, kernels[name][k]
      ? answer(pixels, side, kernels[name][k], now.row, now.column) : null]))]));
  const here = answers[now.filter];
  const written = (value) => (value === null ? "none" : signed(value));
  made.numbers.show(Object.fromEntries(Object.keys(names).flatMap((name) =>
    SIZES.map((k) => [`${name}.${k}`, written(answers[name][k])]))));

  const { drawn } = made;
  made.drawn = now;
  if (drawn.picture !== now.picture) paint(made.photo, side, side, (i) => pixels[i] / 255);
  if (drawn.picture !== now.picture || drawn.filter !== now.filter) drawMaps(now, pixels, made);
  change(made.over, { "aria-label": `Photograph, ${made.titles[now.picture]}: windows of 1 to ` +
    `${SIZES.at(-1)} pixels around row ${now.row}, column ${now.column}` });
  made.windows.forEach((rect, i) => {
    const half = (SIZES[i] - 1) / 2;
    change(rect, { x: now.column - half, y: now.row - half });
  });
  for (const { k, crop, said, spot } of made.columns) {
    const half = (k - 1) / 2;
    const at = (i) => (now.row + Math.floor(i / k) - half) * side + now.column + (i % k) - half;
    paint(crop, k, k, (i) => pixels[at(i)] / 255);
    change(crop, { "aria-label": `The ${label(k)} window` });
    say(said, written(here[k]));
    const inner = side - 2 * margin;
    spot.style.left = `${(100 * (now.column - margin + 0.5)) / inner}%`;
    spot.style.top = `${(100 * (now.row - margin + 0.5)) / inner}%`;
  }

  const most = SIZES.slice(1).reduce((a, b) => (Math.abs(here[b]) > Math.abs(here[a]) ? b : a));
  const summary = now.filter === "mean"
    ? `Here the pixel itself is ${fixed(here[1], 3)}, the mean of its 15×15 window ` +
      `${fixed(here[15], 3)}: ` +
      "a mean of any size says how bright it is, never what is there."
    : (Math.abs(here[most]) < FAINT
      ? `Here no filter finds anything to speak of: the strongest answer is ${signed(here[most])}. `
      : `Here the ${label(most)} filter answers most strongly, ${signed(here[most])}. `) +
      "A 1×1 window holds one number, and no pattern.";
  return { summary, results: { ...now, pixel: pixels[now.row * side + now.column], answers } };
}

// A filter and its answers to the whole picture, for each size.
function drawMaps(now, pixels, { side, margin, kernels, names, columns }) {
  const inner = side - 2 * margin;
  const maps = columns.map(({ k }) => {
    const weights = kernels[now.filter][k];
    return weights && Float64Array.from({ length: inner * inner }, (_, i) =>
      answer(pixels, side, weights, Math.floor(i / inner) + margin, (i % inner) + margin));
  });
  const plain = now.filter === "mean";
  const scale = Math.max(...maps.filter(Boolean).map((map) =>
    map.reduce((most, value) => Math.max(most, Math.abs(value)), 0)));
  // The power lifts faint answers, so that they can be seen beside the strongest.
  const shade = (value, most) => (plain ? value / most
    : 0.5 + 0.5 * Math.sign(value) * (Math.abs(value) / most) ** 0.7);
  columns.forEach(({ k, kernel, none, map, mapped }, i) => {
    const weights = kernels[now.filter][k];
    for (const part of [kernel, mapped]) part.style.display = weights ? "" : "none";
    none.style.display = weights ? "none" : "";
    if (!weights) return;
    const flat = weights.flat();
    const top = Math.max(...flat.map(Math.abs));
    paint(kernel, k, k, (j) => (plain ? 0.8 : 0.5 + (0.5 * flat[j]) / top));
    paint(map, inner, inner, (j) => shade(maps[i][j], plain ? 1 : scale));
    change(kernel, { "aria-label": `${names[now.filter]}, ${label(k)}` });
    change(map, { "aria-label": `Answers of ${names[now.filter]}, ${label(k)}, to the whole picture` });
  });
}

const CSS = `
.summary { min-height: calc(5.8em + 16px); }
.sides { gap: 16px 28px; }
.place, .right { display: grid; gap: 8px; align-content: start;
  grid-template-columns: minmax(0, 1fr); }
.scene { position: relative; width: min(100%, 340px); margin-inline: auto; }
.scene canvas, .scene svg { display: block; width: 100%; aspect-ratio: 1; border-radius: 6px; }
.scene svg { position: absolute; inset: 0; cursor: crosshair; }
.scene rect { fill: none; stroke-width: 2.5px; vector-effect: non-scaling-stroke; }
canvas { image-rendering: pixelated; }
table { font-size: .82em; }
th, td { padding: 4px 3px; }
.sizes { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 18px 12px; }
.size > canvas { max-width: 84px; }
.size { display: grid; gap: 8px; align-content: start; text-align: center; justify-items: center;
  grid-template-rows: auto auto auto auto auto; }
.size canvas { display: block; width: 100%; aspect-ratio: 1; border-radius: 4px; }
.size .crop { border: 3px solid; }
.name { font-weight: 650; display: flex; gap: 6px; align-items: center; }
.name i { width: 11px; height: 11px; border-radius: 2px; }
.none { width: 84px; aspect-ratio: 1; display: grid; align-content: center; color: var(--soft);
  font-size: .8em; line-height: 1.2; background: var(--well); border-radius: 4px; }
.answer { font-weight: 650; }
.mapped { position: relative; width: 100%; }
.mapped i { position: absolute; width: 9px; height: 9px; margin: -4.5px; border-radius: 50%;
  border: 2px solid #ffffff; outline: 1px solid #000000; }
@container (max-width: 420px) { table { font-size: .76em; } th, td { padding: 4px 2px; } }
@container (max-width: 330px) {
  tr { display: grid; grid-template-columns: repeat(5, minmax(0, 1fr)); }
  tr > th[scope="row"] { grid-column: 1 / -1; }
  td:not(:first-child) { border-top: 0; }
  thead td { display: none; }
  .summary { min-height: calc(7.25em + 16px); }
}
@container (min-width: 620px) {
  .summary { min-height: calc(1.45em + 16px); }
  .sides { grid-template-columns: minmax(200px, 5fr) 8fr; }
  .sizes { grid-template-columns: repeat(5, minmax(0, 1fr)); }
}
`;

export default figure({
  name: "Multi-scale lens", css: CSS, state: ["picture", "row", "column", "filter"], build, update,
});
