// A training, moment by moment: garments with the network's answers, the chosen one's probabilities,
// the commonest mistakes, the first filters, and the curves.

import { lineChart } from "../interactive/charts.js";
import {
  SERIES, change, count, figure, fixed, node, paint, percent, readBytes, say, several, shape, titled,
  track,
} from "../interactive/kit.js";

const PACE = 450; // milliseconds a moment, when it plays

const LINES = { // of the loss, from the back to the front
  batches: "each batch, as it learns",
  own: "test images, normalised by their own mean and spread",
  loss: "test images, as the network is used",
};

const best = (row) => row.indexOf(Math.max(...row));
const when = (images) => (images ? `after ${several(images, "image")}` : "before the first step");

function build({ get, move, drawing, summary, top }) {
  const frames = get("frames");
  const classes = get("classes");
  const labels = get("labels");
  const names = get("names");
  const [height, width] = get("size");
  const pictures = get("pictures").map((text) => readBytes(text));

  const along = track({ label: "Moment of the training", change: (moment) => move({ moment }) });
  const seen = node("span", { class: "strong" });
  const last = frames.length - 1;
  let timer = null;
  const play = node("button", { type: "button", onclick: () => (timer ? stop() : start()) }, "▶ Play");
  function stop() {
    clearInterval(timer);
    timer = null;
    say(play, "▶ Play");
  }
  function start() {
    if (get("moment") === last) move({ moment: 0 });
    say(play, "❚❚ Stop");
    timer = setInterval(() => {
      if (get("moment") >= last || !top.isConnected) return stop();
      move({ moment: get("moment") + 1 });
      return undefined;
    }, PACE);
  }

  const garments = pictures.map((pixels, i) => {
    const canvas = node("canvas", { "aria-hidden": "true" });
    paint(canvas, width, height, (j) => pixels[j] / 255);
    const name = node("span", { class: "name", "aria-hidden": "true" }, names[labels[i]]);
    const answer = node("span", { class: "answer" });
    const element = node("button", {
      type: "button", class: "garment", onclick: () => move({ garment: i }),
    }, name, canvas, answer);
    return { element, answer };
  });

  const shown = node("canvas", { "aria-hidden": "true", class: "chosen" });
  const bars = classes.map((name) => {
    const bar = node("i");
    const part = node("span", { class: "part" });
    return { element: node("li", {}, node("span", {}, name), node("b", {}, bar), part), bar, part };
  });
  const asked = node("p", { class: "card-title" });
  const mistakes = node("ol", { class: "mistakes" });
  const filters = frames[0].filters.map(() => node("canvas", { "aria-hidden": "true" }));
  const side = Math.round(Math.sqrt(frames[0].filters[0].length));
  const most = frames[last].images;
  const options = { kinds: ["small"], ticks: 5 };
  const right = lineChart(drawing, { ...options, frame: { left: 34, right: 8, top: 8 },
    lines: { right: { class: "curve" } } });
  const loss = lineChart(drawing, { ...options, frame: { left: 26, right: 8, top: 8 },
    lines: Object.fromEntries(Object.keys(LINES).map((name) => [name, { class: `curve ${name}` }])) });
  const keys = node("p", { class: "keys" }, Object.entries(LINES).map(([name, text]) =>
    node("span", {}, shape("svg", { width: 24, height: 10, viewBox: "0 0 24 10", "aria-hidden": "true" },
      shape("path", { class: `curve ${name}`, d: "M0 5 H24" })), text)));
  const size = get("batch_size");
  const batches = get("losses").map((value, i) => [(i + 1) * size, value]);

  return {
    title: "From random to right", head: play,
    body: [
      node("div", { class: "steps" }, node("span", {}, "Start"), along, node("span", {}, "end"), seen),
      summary,
      node("div", { class: "garments", style: `--rows: ${pictures.length / classes.length}` }, garments.map(({ element }) => element)),
      node("div", { class: "sides" },
        node("div", {}, asked, node("div", { class: "doubt" }, shown,
          node("ul", { class: "bars" }, bars.map(({ element }) => element)))),
        titled("Commonest mistakes", mistakes)),
      node("div", { class: "sides" },
        titled(`Right, of ${count(get("tested"))} test images`, right), titled("Loss, nats", loss, keys)),
      titled(`Its ${filters.length} first filters`, node("div", {
        class: "filters", role: "img",
        "aria-label": `${filters.length} filters of ${side}×${side} weights, as squares of grey`,
      }, filters)),
    ],
    note: "Move the slider, or press Play. Over each garment stands what it is, under it what the " +
      "network takes it for; choose one to see all its probabilities. Bright squares in a filter are positive weights, dark " +
      "ones negative. Moments lie closer together at the start.",
    frames, classes, labels, pictures, size: [width, height], side, most, along, seen, garments, shown,
    bars, asked, mistakes, filters, right, loss, batches, tested: get("tested"),
  };
}

function update(now, made) {
  const { frames, classes, labels, size, garments, bars } = made;
  const frame = frames[now.moment];
  const text = when(frame.images);
  made.along.show(now.moment, { max: frames.length - 1, text });
  say(made.seen, text);

  const said = frame.answers.map(best);
  garments.forEach(({ element, answer }, i) => {
    const hit = said[i] === labels[i];
    say(answer, `${hit ? "✓" : "✗"} ${classes[said[i]]}`);
    element.classList.toggle("hit", hit);
    change(element, {
      "aria-pressed": String(i === now.garment),
      "aria-label": `${classes[labels[i]]}, number ${i + 1}: taken for ${classes[said[i]]}, ` +
        `${hit ? "right" : "wrong"}`,
    });
  });

  const pixels = made.pictures[now.garment];
  paint(made.shown, ...size, (j) => pixels[j] / 255);
  const own = frame.answers[now.garment];
  say(made.asked, `This is: ${classes[labels[now.garment]]}`);
  bars.forEach(({ element, bar, part }, k) => {
    bar.style.width = `${100 * own[k]}%`;
    element.classList.toggle("true", k === labels[now.garment]);
    say(part, `${Math.round(100 * own[k])}%`);
  });
  made.mistakes.replaceChildren(...frame.mistakes.map(([from, to, times]) =>
    node("li", {}, `${classes[from]}, taken for ${classes[to]}: ${count(times)}`)));
  frame.filters.forEach((weights, i) =>
    paint(made.filters[i], made.side, made.side, (j) => weights[j] / 254));

  const x = [0, made.most];
  const captions = ["0", "", `${count(made.most)} images`];
  const line = (name, of) => ({ [name]: frames.map((one) => [one.images, of(one)]) });
  const shares = line("right", (one) => 100 * one.accuracy);
  const losses = { batches: made.batches, ...line("own", (one) => one.own), ...line("loss", (one) => one.loss) };
  made.right.show({
    x, captions, y: [0, 100], ticks: [0, 25, 50, 75, 100].map((v) => [v, `${v}%`]), lines: shares,
    dots: { right: shares.right[now.moment] }, here: frame.images,
    label: `The share named right, from ${percent(frames[0].accuracy)} to ` +
      `${percent(frames.at(-1).accuracy)}.`,
  });
  made.loss.show({
    x, captions, y: [0, 4], ticks: [0, 1, 2, 3, 4].map((v) => [v, v]), lines: losses,
    dots: { loss: losses.loss[now.moment] }, here: frame.images,
    label: `The loss on test images, from ${fixed(frames[0].loss, 2)} over ` +
      `${fixed(Math.max(...frames.map((one) => one.loss)), 2)} to ${fixed(frames.at(-1).loss, 2)}; that of ` +
      "the batches falls from the start.",
  });

  const hits = said.filter((k, i) => k === labels[i]).length;
  const summary = `${text[0].toUpperCase()}${text.slice(1)}: ${percent(frame.accuracy)} of ` +
    `${count(made.tested)} test images right, and ${hits} of these ${labels.length}. ` +
    `Loss: ${fixed(frame.loss, 2)}.`;
  return { summary, results: { ...now, images: frame.images, accuracy: frame.accuracy,
    loss: frame.loss, hits, said, answers: own } };
}

const CSS = `
.steps { display: grid; grid-template-columns: auto minmax(0, 1fr) auto; gap: 4px 10px;
  align-items: center; font-size: .93em; }
.steps .strong { grid-column: 1 / -1; font-weight: 650; }
.garments { display: grid; grid-template-columns: repeat(5, minmax(0, 1fr)); gap: 6px; }
.garment { display: grid; gap: 2px; padding: 3px; justify-items: center; min-width: 0;
  border: 2px dashed #D55E00; background: var(--paper); border-radius: 8px; align-content: start; }
.garment.hit { border: 2px solid #009E73; }
.garment[aria-pressed="true"] { background: var(--well); box-shadow: 0 0 0 2px var(--ink); }
.garment canvas { width: 100%; max-width: 64px; }
.name { font-size: .72em; line-height: 1.15; white-space: nowrap; }
@container (max-width: 320px) { .name { white-space: normal; overflow-wrap: anywhere; min-height: 2.3em; } }
.answer { font-size: .72em; line-height: 1.15; text-align: center; min-height: 2.4em;
  overflow-wrap: anywhere; }
canvas { image-rendering: pixelated; display: block; border-radius: 3px; aspect-ratio: 1; }
.doubt { display: grid; grid-template-columns: 84px minmax(0, 1fr); gap: 12px; align-items: start; }
.chosen { width: 84px; }
ul, ol { margin: 0; padding: 0; list-style: none; }
.bars li { display: grid; grid-template-columns: 6.2em minmax(0, 1fr) 2.8em; gap: 6px;
  align-items: center; font-size: .82em; }
.bars b { height: 9px; background: var(--well); border-radius: 3px; overflow: clip; }
.bars i { display: block; height: 100%; background: var(--slab); }
.bars .true { font-weight: 650; }
.bars .true i { background: #009E73; }
.part { text-align: right; }
.mistakes { font-size: .9em; min-height: 7.6em; }
.filters { display: grid; grid-template-columns: repeat(16, minmax(0, 1fr)); gap: 4px; }
.filters canvas { width: 100%; border: 1px solid var(--control); }
.curve { stroke: ${SERIES[0]}; fill: none; stroke-width: 2; }
.curve.batches { stroke: var(--control); stroke-width: 1; }
.curve.own { stroke: ${SERIES[1]}; stroke-dasharray: 5 3; }
.keys { display: grid; gap: 2px; margin: 2px 0 0; font-size: .8em; }
.keys span { display: grid; grid-template-columns: 24px 1fr; gap: 8px; align-items: center; }
.dot { fill: ${SERIES[0]}; stroke: var(--paper); stroke-width: 1.5; }
.summary { min-height: calc(4.4em + 16px); }
@container (max-width: 420px) { .filters { grid-template-columns: repeat(8, minmax(0, 1fr)); }
  .doubt { grid-template-columns: 60px minmax(0, 1fr); } .chosen { width: 60px; } }
@container (min-width: 620px) {
  .garments { grid-auto-flow: column; grid-template: repeat(var(--rows), auto) / none;
    grid-auto-columns: minmax(0, 1fr); }
  .sides { grid-template-columns: minmax(0, 1.15fr) minmax(0, 1fr); gap: 24px; }
  .summary { min-height: calc(1.5em + 16px); }
}
`;

export default figure({
  name: "From random to right", css: CSS, state: ["moment", "garment"], build, update,
});
