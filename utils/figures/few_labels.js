// New classes from a few labels: curves by what may change, and garments that are still mistaken.

import { lineChart } from "../interactive/charts.js";
import {
  SERIES, change, figure, fixed, menu, node, paint, percent, readBytes, say, several, titled, track,
} from "../interactive/kit.js";

const LOOKS = {
  "from scratch": { stroke: SERIES[2], "stroke-dasharray": "2 4" },
  "new head": { stroke: SERIES[0] },
  "last two modules": { stroke: SERIES[1] },
  "all layers": { stroke: "var(--ink)" },
  "all, rate by layer": { stroke: "var(--ink)", "stroke-dasharray": "8 4" },
};

// The name that most runs give, the first of several.
function commonest(named) {
  const times = {};
  for (const one of named) times[one] = (times[one] ?? 0) + 1;
  return Number(Object.keys(times).reduce((best, one) => (times[one] > times[best] ? one : best)));
}

function build({ get, move, control, drawing, summary }) {
  const [arms, stops, [height, width]] = ["arms", "stops", "size"].map(get);
  const arm = control(menu, "arm", { label: "What may change", groups: [
    ["a fresh network", arms.slice(0, 1).map((name) => [name, name])],
    ["a network that knows five other classes", arms.slice(1).map((name) => [name, name])],
  ] });
  const range = track({
    label: "Labels of each class", max: stops.length - 1, change: (place) => move({ labels: stops[place] }),
  });
  const told = node("span", { class: "told" });
  const labels = node("div", { class: "labels" },
    node("span", {}, "Labels of each class"), told, range);
  const chart = lineChart(drawing, {
    lines: LOOKS, frame: { left: 44, right: 12, top: 12 }, ticks: 5, kinds: [],
  });
  const key = node("p", { class: "key" }, arms.map((name) =>
    node("span", {}, node("span", { class: "swatch", style: swatch(name) }), name)));
  const garments = get("truth").map(() => {
    const canvas = node("canvas", {});
    const answer = node("span", { class: "answer" });
    const times = node("span", { class: "times" });
    return { canvas, answer, times, element: node("div", { class: "garment" }, canvas, answer, times) };
  });
  const pictures = get("pictures").map(readBytes);
  const runs = get("found")[arms[0]][0].named.length;
  return {
    title: "How few are enough?",
    body: [node("div", { class: "controls" }, labels, arm), chart, key, summary,
      titled("Twenty test garments, and what most of the runs call them",
        node("div", { class: "garments" }, garments))],
    note: `Each curve is the mean of ${several(runs, "run")}. The shaded band is the 95% interval of the chosen one; it covers ` +
      "the draw of the labelled images and the training of both networks. Every step to the right is about three times as many labels.",
    range, told, chart, garments, pictures, stops, height, width, arms,
    found: get("found"), classes: get("classes"), truth: get("truth"),
  };
}

const swatch = (name) => {
  const { stroke, "stroke-dasharray": dashes } = LOOKS[name];
  return `border-top: 3px ${dashes ? (dashes === "2 4" ? "dotted" : "dashed") : "solid"} ${stroke}`;
};

function update({ labels, arm }, made) {
  const { range, told, chart, garments, pictures, stops, height, width, arms, found, classes, truth } = made;
  const place = stops.indexOf(labels);
  range.show(place, { text: several(labels, "label") });
  say(told, String(labels));
  const here = found[arm][place];
  const all = arms.flatMap((name) => found[name].map(({ mean }) => mean));
  const low = Math.floor(10 * Math.min(...all, ...found[arm].map((one) => one.low))) / 10;
  const ticks = [];
  for (let share = Math.round(10 * low); share <= 10; share += low < 0.45 ? 2 : 1) ticks.push([share / 10, `${10 * share}%`]);
  chart.show({
    x: [0, stops.length - 1], y: [low, 1], ticks: ticks.slice(0, 5),
    lines: Object.fromEntries(arms.map((name) => [name, found[name].map(({ mean }, i) => [i, mean])])),
    band: [...found[arm].map(({ high }, i) => [i, Math.min(1, high)]),
      ...found[arm].map(({ low: least }, i) => [i, least]).reverse()],
    dots: Object.fromEntries(arms.map((name) => [name, [place, found[name][place].mean]])),
    here: place, lit: arm, captions: ["1 label", "labels of each class", String(stops.at(-1))],
    label: `The share of test images named rightly, with ${several(labels, "label")} of each class: ` +
      arms.map((name) => `${name} ${percent(found[name][place].mean)}`).join("; ") + ".",
  });
  const said = truth.map((_, i) => commonest(here.named.map((digits) => Number(digits[i]))));
  let hits = 0;
  garments.forEach(({ canvas, answer, times, element }, i) => {
    const bytes = pictures[i];
    paint(canvas, width, height, (at) => bytes[at] / 255);
    const hit = said[i] === truth[i];
    hits += hit;
    const runs = here.named.filter((digits) => Number(digits[i]) === truth[i]).length;
    change(element, { class: `garment ${hit ? "hit" : "miss"}` });
    change(canvas, { role: "img", "aria-label": classes[truth[i]] });
    say(answer, `${hit ? "✓" : "✗"} ${classes[said[i]]}`);
    say(times, `${runs} of ${here.named.length}`);
  });
  const best = arms.reduce((one, other) => (found[other][place].mean > found[one][place].mean ? other : one));
  const lead = 100 * (found[best][place].mean - here.mean);
  const summary = `${several(labels, "label")} of each class, ${arm}: ${percent(here.mean)} named rightly ` +
    `(${percent(here.low)} to ${percent(here.high)}). ` +
    (best === arm ? "Here that is the highest mean of the five."
      : `The highest mean, ${fixed(lead, 1)} points above, is that of: ${best}.`) +
    ` Of the twenty below, most runs name ${hits} rightly.`;
  return { summary, results: { labels, arm, mean: here.mean, best, said, hits } };
}

const CSS = `
.controls { display: grid; gap: 10px 28px; align-items: end; }
.labels { display: grid; grid-template-columns: 1fr auto; gap: 0 8px; }
.labels input { grid-column: 1 / -1; }
.told { font-weight: 650; }
.band { fill: var(--control); opacity: .22; }
.dot { stroke: var(--paper); stroke-width: 1.5; }
.key { display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: .87em; }
.key > span { display: inline-flex; align-items: center; gap: 7px; }
.swatch { display: inline-block; width: 26px; height: 0; }
.garments { display: grid; grid-template-columns: repeat(auto-fill, minmax(66px, 1fr)); gap: 10px 8px; }
.garment { display: grid; justify-items: center; font-size: .8em; line-height: 1.25; text-align: center; }
.garment canvas { width: 100%; max-width: 84px; image-rendering: pixelated; border-radius: 6px;
  border: 3px solid #009E73; }
.garment.miss canvas { border: 3px dashed #D55E00; }
.times { color: var(--soft); }
.summary { min-height: calc(5.8em + 16px); }
@container (min-width: 620px) {
  .controls { grid-template-columns: 1fr auto; }
  .garments { grid-template-columns: repeat(10, 1fr); }
  .summary { min-height: calc(2.9em + 16px); }
}
`;

export default figure({
  name: "New classes from a few labels", css: CSS, state: ["labels", "arm"], build, update,
});
