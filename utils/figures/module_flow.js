// A photograph flows through an Inception module: input below, four branches side by side, and
// their concatenation above. Of each row one map is shown; the reader chooses whose.

import {
  COLOURS, change, choice, connect, count, fixed, menu, node, onWidth, say, several, shape,
  slider, stage,
} from "../interactive/kit.js";
import { LAYOUT, box, funnelPath, place, words } from "./shared.js";

const STEPS = ["the input", "reductions and pool", "convolutions", "concatenation"];

function render({ model, el }) {
  const { element: top, stop } = stage(el, { name: "Data flows through a module", css: LAYOUT + CSS });
  const flow = model.get("flow");
  const { columns, channels, best, first } = flow;
  const made = channels.length;
  const { read, move, stop: disconnect } = connect(model, ["channel", "step"], update);

  // One picture holds all maps; a tile is a window on it.
  top.style.setProperty("--maps", `url("${flow.maps}")`);
  const tile = (...classes) => {
    const element = node("div", { class: ["tile", ...classes].join(" "), "aria-hidden": "true" });
    const show = (index) => {
      const [column, row] = [index % flow.row, Math.floor(index / flow.row)];
      element.style.backgroundSize = `${100 * flow.row}% ${100 * flow.rows}%`;
      element.style.backgroundPosition =
        `${(100 * column) / (flow.row - 1)}% ${(100 * row) / (flow.rows - 1)}%`;
    };
    const put = (x, y, side) => Object.assign(element.style,
      { left: `${x.toFixed(1)}px`, top: `${y.toFixed(1)}px`, width: `${side}px`, height: `${side}px` });
    return { element, show, put };
  };

  // Controls
  const pick = slider({
    label: "Channel of the output", min: 0, max: made - 1, change: (channel) => move({ channel }),
  });
  const steps = choice({
    legend: "Step", options: STEPS.map((_, i) => ({ value: i + 1, label: i + 1 })),
    change: (step) => move({ step }),
  });
  const jump = menu({
    label: "Varies most", other: "another channel",
    groups: [["of the branch", columns.map(({ branch, label }) => [branch, label])]],
    change: (branch) => move({ channel: best[branch] }),
  });

  // The drawing: `level` is the step at which a part appears.
  const parts = columns.map(({ boxes }) => ({
    beam: shape("path", { class: "beam" }), funnel: shape("path", { class: "funnel" }),
    ribbon: shape("path", { class: "ribbon" }),
    low: shape("rect"), high: shape("rect"), joined: shape("rect"),
    lowName: words("halo middle"), highName: words("halo middle"),
    joinedCount: words("halo strong middle"),
    lowTile: boxes.length > 1 ? tile() : null, highTile: tile(),
  }));
  const LEVEL = { beam: 2, low: 2, lowName: 2, lowTile: 2, funnel: 3, high: 3, highName: 3,
    highTile: 3, ribbon: 4, joined: 4, joinedCount: 4 };
  const source = shape("rect", { class: "source" });
  const inText = words("strong middle");
  const outText = words("strong middle");
  const marker = shape("path", { class: "marker" });
  const hit = shape("rect", { class: "hit" });
  const drawing = shape("svg", { role: "img" },
    ["beam", "funnel", "ribbon", "low", "high", "joined", "lowName", "highName", "joinedCount"]
      .map((layer) => parts.map((part) => part[layer])),
    source, inText, outText, marker, hit);
  const photo = node("img", { src: flow.photo, alt: "", class: "tile" });
  const inputTile = tile();
  const drawingBox = node("div", { class: "drawing" }, drawing,
    parts.flatMap(({ lowTile, highTile }) => [lowTile?.element, highTile.element]),
    photo, inputTile.element);

  // The chosen map, large
  const large = tile("large");
  const title = node("p", { class: "card-title" });
  const largeBox = node("div", { class: "large-box" }, title, large.element);
  change(large.element, { role: "img", "aria-hidden": null });
  const cell = (name) => node("td", { "data-name": name });
  const cells = {};
  const facts = node("table", {}, node("tbody", {}, [["peak", "largest value"], ["mean", "mean"],
    ["zero", "places at zero"], ["middle", ""],
    ["source", "most weight: input channel"]]
    .map(([name, text]) => node("tr", {}, node("th", { scope: "row", "data-head": name }, text),
      (cells[name] = cell(name))))));
  largeBox.append(facts);

  const summary = node("p", { class: "summary", role: "status" });
  top.append(
    node("div", { class: "head" }, node("p", { class: "title" }, "A photograph in a small 3a"),
      steps.element),
    node("div", { class: "actions" }, pick.element, jump.element), summary,
    node("div", { class: "sides" }, drawingBox, largeBox),
    node("p", { class: "note" }, "A real, small network: trained, and run on this photograph. Widths " +
      "are channels, to one scale. Every map goes from 0, black, to its own largest value, white. The " +
      "chosen channel is followed back along the largest weights; the other branches show their " +
      "channel that varies most."));

  // The strip of the concatenation can be pointed at.
  let strip = { left: 0, width: 1 };
  let pressed = false;
  const point = (event) => {
    const at = (event.clientX - drawing.getBoundingClientRect().left - strip.left) / strip.width;
    move({ channel: Math.min(made - 1, Math.max(0, Math.floor(at * made))) });
  };
  hit.addEventListener("pointerdown", (event) => {
    pressed = true;
    hit.setPointerCapture(event.pointerId);
    point(event);
  });
  hit.addEventListener("pointermove", (event) => { if (pressed) point(event); });
  for (const end of ["pointerup", "pointercancel"])
    hit.addEventListener(end, () => { pressed = false; });

  let width = 0;

  function update() {
    const { channel, step } = read();
    const one = channels[channel];
    const column = columns.find(({ branch }) => branch === one.branch);
    const end = column.start + column.boxes.at(-1)[1] - 1;
    top.dataset.results = JSON.stringify({ channel, step, start: column.start, end, ...one });

    pick.show(channel);
    pick.element.style.setProperty("--accent", COLOURS[one.branch]);
    steps.show(step);
    jump.show(columns.find(({ branch }) => best[branch] === channel)?.branch ?? null);

    const what = [
      `${several(flow.in, "map")} of ${flow.side} × ${flow.side} come in. All four branches read all ` +
        "of them.",
      "Two branches reduce them with a 1×1, one takes the largest value of every 3×3 window. The 1×1 " +
        "branch needs nothing in front.",
      "Every branch makes its channels. They are as high and as wide as the input, or they would not " +
        "fit together.",
      `The channels are put one behind the other: ${columns.map(({ boxes }) => boxes.at(-1)[1])
        .join(" + ")} = ${made}. Nothing is mixed.`,
    ][step - 1];
    say(summary, `Step ${step} of ${STEPS.length}, ${STEPS[step - 1]}. ${what} Channel ${channel} is ` +
      `channel ${one.own} of the ${column.label} branch, which has the numbers ${column.start} to ${end}.`);
    say(title, `Channel ${channel}: ${column.label} branch, ${one.own}`);
    large.show(first[`${one.branch}.out`] + one.own);
    large.element.style.borderColor = COLOURS[one.branch];
    change(large.element, { "aria-label": `Map of channel ${channel}, from 0 in black to ` +
      `${fixed(one.peak, 2)} in white` });
    say(cells.peak, fixed(one.peak, 2));
    say(cells.mean, fixed(one.mean, 2));
    say(cells.zero, `${fixed(100 * one.zero, 1)}%`);
    say(cells.source, count(one.source));
    say(facts.querySelector('[data-head="middle"]'),
      `most weight: ${one.branch === "pool" ? "pooled" : "reduced"} channel`);
    say(cells.middle, one.middle === null ? "–" : count(one.middle));
    if (width) draw(channel, step, one);
  }

  function draw(channel, step, one) {
    const wide = width / columns.length;
    const side = Math.floor(Math.min(112, 0.84 * wide));
    const scale = (0.84 * wide) / 32;
    const rowTall = 8 + 5 + side + 18;
    const Y = { out: 14, strip: 24, bar: 24 };
    Y.high = Y.strip + Y.bar + 40;
    Y.low = Y.high + rowTall + 26;
    Y.source = Y.low + rowTall + 34;
    Y.tiles = Y.source + 12 + 6;
    Y.end = Y.tiles + side + 22;
    change(drawing, {
      width, height: Y.end, viewBox: `0 0 ${width} ${Y.end}`,
      "aria-label": `Module 3a: from ${several(flow.in, "channel")} below, four branches of ` +
        `${columns.map(({ boxes }) => boxes.at(-1)[1]).join(", ")} channels rise side by side and ` +
        `are joined above to ${several(made, "channel")}. Shown up to step ${step}.`,
    });
    const from = [(width - flow.in * scale) / 2, (width + flow.in * scale) / 2];
    box(source, from[0], Y.source, flow.in * scale, 10);
    place(inText, width / 2, Y.end - 6, `in: photograph, then channel ${one.source} of ${flow.in}`);
    photo.style.cssText = `left: ${width / 2 - side - 4}px; top: ${Y.tiles}px; width: ${side}px; ` +
      `height: ${side}px`;
    inputTile.put(width / 2 + 4, Y.tiles, side);
    inputTile.show(first.input + one.source);
    place(outText, width / 2, Y.out, `out: ${several(made, "channel")}, ${flow.side} × ${flow.side}`);
    outText.style.visibility = step < 4 ? "hidden" : "";

    strip = { left: (width - made * scale) / 2, width: made * scale };
    if (strip.width > width - 4) strip = { left: 2, width: width - 4 };
    const each = strip.width / made;
    box(hit, strip.left, Y.strip - 8, strip.width, Y.bar + 16);
    const at = strip.left + (channel + 0.5) * each;
    change(marker, { d: `M${at.toFixed(1)} ${Y.strip + Y.bar + 2} l-6 9 h12 Z` });
    marker.style.visibility = step < 4 ? "hidden" : "";

    columns.forEach(({ branch, boxes, start }, i) => {
      const part = parts[i];
      const chosen = branch === one.branch;
      const shown = channels[chosen ? channel : best[branch]];
      const middle = (i + 0.5) * wide;
      const two = boxes.length > 1;
      const n = boxes.at(-1)[1];
      const half = (n * scale) / 2;
      const lowHalf = two ? (boxes[0][1] * scale) / 2 : 0;
      for (const [name, level] of Object.entries(LEVEL)) {
        const element = part[name]?.element ?? part[name];
        if (!element) continue;
        // A 1×1 branch has no step in between: its beam is the convolution's.
        const own = name === "beam" && !two ? 3 : level;
        const hidden = step < own || (!two && name.startsWith("low"));
        element.style.visibility = hidden ? "hidden" : "";
        if (element.tagName !== "text") element.style.fill = COLOURS[branch];
      }
      const slab = (rect, y, h) => box(rect, middle - h, y, 2 * h, 8);
      slab(part.high, Y.high, half);
      slab(part.low, Y.low, lowHalf);
      part.low.classList.toggle("sign", branch === "pool");
      part.low.style.stroke = branch === "pool" ? COLOURS[branch] : "";
      const foot = two ? [Y.low + 8, lowHalf] : [Y.high + 8, half];
      change(part.beam, { d: funnelPath(foot[0] + 2, middle - foot[1], middle + foot[1],
        Y.source - 2, ...from, true) });
      change(part.funnel, { d: two ? funnelPath(Y.high + 10, middle - half, middle + half,
        Y.low - 2, middle - lowHalf, middle + lowHalf, true) : null });
      const left = strip.left + start * each;
      change(part.ribbon, { d: funnelPath(Y.strip + Y.bar + 2, left, left + n * each, Y.high - 2,
        middle - half, middle + half, true) });
      box(part.joined, left, Y.strip, n * each - (i < columns.length - 1 ? 1.5 : 0), Y.bar);
      place(part.joinedCount, left + (n * each) / 2, Y.strip + 17, count(n));
      part.highTile.put(middle - side / 2, Y.high + 13, side);
      part.highTile.show(first[`${branch}.out`] + shown.own);
      part.highTile.element.classList.toggle("chosen", chosen);
      part.highTile.element.style.borderColor = chosen ? COLOURS[branch] : "";
      place(part.highName, middle, Y.high + 13 + side + 15, `${boxes.at(-1)[0]}: ${count(n)}`);
      if (two) {
        part.lowTile.put(middle - side / 2, Y.low + 13, side);
        part.lowTile.show(first[`${branch}.middle`] + shown.middle);
        part.lowTile.element.classList.toggle("chosen", chosen);
        part.lowTile.element.style.borderColor = chosen ? COLOURS[branch] : "";
        place(part.lowName, middle, Y.low + 13 + side + 15,
          `${boxes[0][0]}: ${count(boxes[0][1])}`);
      } else say(part.lowName, "");
    });
  }

  const stops = [onWidth(drawingBox, (now) => { width = now; update(); })];
  update();
  return () => { disconnect(); stop(); stops.forEach((end) => end()); };
}

const CSS = `
.actions { display: grid; grid-template-columns: minmax(0, 1fr); gap: 8px 20px; }
.summary { min-height: calc(11.6em + 16px); }
.sides { display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr); align-items: start; }
.drawing { min-width: 0; position: relative; }
.tile { position: absolute; background: var(--maps) no-repeat; image-rendering: auto;
  border: 1px solid var(--line); border-radius: 3px; background-origin: border-box;
  print-color-adjust: exact; pointer-events: none; }
.tile.chosen { border-width: 3px; }
.tile.large { position: static; width: 100%; max-width: 300px; aspect-ratio: 1; border-width: 3px;
  margin: 0 auto 8px; }
.card-title { font-weight: 650; padding-bottom: 8px; }
.beam { fill-opacity: .14; }
.funnel, .ribbon { fill-opacity: .34; }
.source { fill: var(--slab); rx: 3px; }
rect.sign { fill: var(--paper) !important; stroke-width: 2; }
.marker { fill: var(--ink); stroke: var(--paper); stroke-width: 1; }
.hit { fill: transparent; cursor: pointer; touch-action: pan-y; }
@container (max-width: 310px) { .summary { min-height: calc(13.05em + 16px); } }
@container (min-width: 620px) {
  .actions { grid-template-columns: minmax(0, 1fr) auto; align-items: end; }
  .summary { min-height: calc(5.8em + 16px); }
  .sides { grid-template-columns: minmax(0, 2.1fr) minmax(0, 1fr); gap: 24px; }
}
`;

export default { render };
