// A filter's window moves over a small picture: the products, their sum, and the answers so far.

import {
  SERIES, box, change, drag, figure, node, place, say, shape, slider, titled, words,
} from "../interactive/kit.js";

const FRACTIONS = { 0.125: "⅛", 0.25: "¼", 0.5: "½" };

const size = (value) => FRACTIONS[Math.abs(value)] ?? String(+Math.abs(value).toFixed(2));
const written = (value) => (value < 0 ? "−" : "") + size(value);
const sum = (values) => values.map((value, i) =>
  (i ? (value < 0 ? " − " : " + ") + size(value) : written(value))).join("");

// Cells with a text each, from black to white as `shades` go, 0 to 1, or bare; a frame over some.
function grid(across, down, kind, cell = 40) {
  const cells = Array.from({ length: across * down }, (_, i) => {
    const [x, y] = [(i % across) * cell, Math.floor(i / across) * cell];
    const text = words("middle");
    place(text, x + cell / 2, y + cell / 2 + 5);
    return { rect: shape("rect", { x, y, width: cell, height: cell }), text };
  });
  const frame = shape("rect", { class: "frame" });
  const element = shape("svg", {
    role: "img", class: kind, viewBox: `-2 -2 ${across * cell + 4} ${down * cell + 4}`,
  }, cells.map(({ rect, text }) => [rect, text]), frame);
  const show = (texts, shades, { row, column, side }, label) => {
    cells.forEach(({ rect, text }, i) => {
      const grey = shades[i] === undefined ? null : Math.round(255 * shades[i]);
      rect.style.fill = grey === null ? "" : `rgb(${grey} ${grey} ${grey})`;
      text.style.fill = grey === null ? "" : grey < 128 ? "#ffffff" : "#000000";
      say(text, texts[i] ?? "");
    });
    box(frame, column * cell, row * cell, side * cell, side * cell);
    change(element, { "aria-label": label });
  };
  return { element, show };
}

function build({ get, move, control, summary }) {
  const [picture, weights] = ["picture", "weights"].map(get);
  const [height, width, k] = [picture.length, picture[0].length, weights.length];
  const [across, down] = [width - k + 1, height - k + 1];
  const pick = control(slider, "step", { label: "Window", min: 1, max: across * down });
  const [seen, answers] = ["seen", "answers"].map((kind) => grid(width, height, kind));
  const products = grid(k, k, "products", 48);
  const first = (share, cells, most) =>
    Math.max(0, Math.min(most - 1, Math.floor(share * cells) - (k - 1) / 2));
  drag(seen.element, ({ x, y, width: wide, height: high }) => move({
    step: first(y / high, height, down) * across + first(x / wide, width, across) + 1,
  }), "none");
  const values = picture.flat();
  const at = (step) => { // the window of a step: its place, and the products in it
    const [row, column] = [Math.floor((step - 1) / across), (step - 1) % across];
    const pixels = weights.flatMap((line, i) => line.map((_, j) => picture[row + i][column + j]));
    const own = weights.flat().map((weight, i) => weight * pixels[i]);
    return { row, column, pixels, own, answer: own.reduce((a, b) => a + b) };
  };
  const all = Array.from({ length: across * down }, (_, i) => at(i + 1));
  const scale = (numbers) => {
    const [least, most] = [Math.min(...numbers, 0), Math.max(...numbers)];
    return (value) => (value - least) / (most - least || 1);
  };
  return {
    title: "A window moves over a picture",
    body: [
      pick, summary,
      node("div", { class: "panels" }, titled("The picture: drag the window", seen),
        titled("Pixel × weight", products), titled("The answers so far", answers)),
    ],
    note: "Move the slider, or use its arrow keys. Black stands for the least value, white for the largest.",
    weights, width, k, values, all, seen, products, answers,
    shades: values.map(scale(values)), shade: scale(all.map(({ answer }) => answer)),
  };
}

function update({ step }, made) {
  const { weights, width, k, values, all, seen, products, answers, shades, shade } = made;
  const now = all[step - 1];
  const middle = (k - 1) / 2;
  seen.show(values.map(written), shades, { ...now, side: k },
    `A picture; the window's middle is in row ${now.row + middle + 1}, column ${now.column + middle + 1}.`);
  products.show(weights.flat().map((weight, i) => `${written(now.pixels[i])}×${written(weight)}`), [],
    { row: 0, column: 0, side: k }, `The products add up to ${written(now.answer)}.`);
  const [texts, greys] = [[], []];
  for (const { row, column, answer } of all.slice(0, step)) {
    const i = (row + middle) * width + column + middle;
    [texts[i], greys[i]] = [written(answer), shade(answer)];
  }
  answers.show(Array.from(values, (_, i) => texts[i]), greys,
    { row: now.row + middle, column: now.column + middle, side: 1 },
    `${step} of ${all.length} answers; the last is ${written(now.answer)}.`);
  const summary = `Window ${step} of ${all.length}: ${sum(now.own)} = ${written(now.answer)}`;
  return { summary, results: { step, row: now.row + middle, column: now.column + middle, answer: now.answer } };
}

const CSS = `
.panels { display: grid; gap: 12px 20px; grid-template-columns: 3fr 2fr; align-items: start; }
.panels .card-title { padding-bottom: 6px; line-height: 1.25; }
.panels svg { width: 100%; height: auto; }
.panels rect { fill: none; stroke: var(--control); stroke-width: 1; }
.panels rect.frame { fill: none; stroke: ${SERIES[0]}; stroke-width: 4; pointer-events: none; }
.panels text { font-size: 15px; pointer-events: none; }
.panels .products text { font-size: 13px; }
.seen { cursor: grab; }
.seen:active { cursor: grabbing; }
.summary { min-height: calc(2.9em + 16px); }
@container (min-width: 620px) {
  .panels { grid-template-columns: 6fr 3.8fr 6fr; }
  .summary { min-height: calc(1.45em + 16px); }
}
`;

export default figure({ name: "A window moves", css: CSS, state: ["step"], build, update });
