// The network as a map: every stage with its share of the cost; of one stage its shapes, its
// branches to scale, and the squares of a photograph that one of its units sees.

import {
  COLOURS, change, choice, connect, count, fixed, menu, millions, node, onWidth, say, several,
  shape, stage,
} from "../interactive/kit.js";
import { LAYOUT, box, funnelPath, place, words } from "./shared.js";

const MEASURES = { macs: "multiply-adds", parameters: "parameters" };
const SHORT = { conv1: "c1", conv2: "c2", linear: "fc" }; // where there is no room for the name
const PART = ["stem", "modules 3a and 3b", "modules 4a to 4e", "modules 5a and 5b", "head"];
const MOST = 1024; // channels: the widest map of the network

const part = (name) => (/^[345]/.test(name) ? PART[name[0] - 2]
  : { maxpool3: PART[2], maxpool4: PART[3], avgpool: PART[4], linear: PART[4] }[name] ?? PART[0]);
const size = (shape) => shape.slice(1).join(" × ");
const percent = (ratio) => `${fixed(100 * ratio, 1)}%`;
const signWidth = (label) => 8 * label.length + 14;
const capital = (text) => text[0].toUpperCase() + text.slice(1);

function render({ model, el }) {
  const { element: top, stop } = stage(el, { name: "The network as a map", css: LAYOUT + CSS });
  const networks = model.get("networks");
  const side = model.get("side");
  const names = networks.paper.stages.map(({ name }) => name);
  const { read, move, stop: disconnect } = connect(model, ["stage", "measure", "variant"], update);
  const largest = Math.max(...Object.values(networks).flatMap((network) =>
    Object.keys(MEASURES).flatMap((measure) =>
      network.stages.map((one) => one[measure] / network[measure]))));

  // Controls
  const pick = menu({
    label: "Stage", other: "",
    groups: PART.map((group) => [group, networks.paper.stages
      .filter(({ name }) => part(name) === group).map(({ name, title }) => [name, title])]),
    change: (stage) => move({ stage }),
  });
  const measure = choice({
    legend: "Bars show",
    options: Object.entries(MEASURES).map(([value, label]) => ({ value, label })),
    change: (value) => move({ measure: value }),
  });
  const variant = choice({
    legend: "Network of",
    options: [{ value: "paper", label: "the paper" }, { value: "torchvision", label: "torchvision" }],
    change: (value) => move({ variant: value }),
  });

  // The map: a column for each stage, with the slider that chooses one under it
  const columns = names.map(() => ({
    hit: shape("rect", { class: "hit" }),
    bars: [0, 1, 2, 3].map(() => shape("rect")),
    pool: shape("path", { class: "pool" }),
    label: words("middle"),
  }));
  const bands = [];
  networks.paper.stages.forEach(({ output }, i) => {
    const pixels = output[1] ?? 1;
    if (bands.at(-1)?.pixels === pixels) bands.at(-1).last = i;
    else bands.push({ pixels, first: i, last: i, line: shape("path", { class: "band" }),
      text: words("soft middle small") });
  });
  const grid = [0.1, 0.2].map((ratio) => ({ ratio, line: shape("path", { class: "grid" }),
    text: words("soft halo small") }));
  const chosen = shape("rect", { class: "chosen" });
  const share = words("halo strong middle");
  const chart = shape("svg", { role: "img", class: "chart" }, chosen,
    grid.flatMap(({ line, text }) => [line, text]),
    columns.flatMap(({ bars, pool, label }) => [...bars, pool, label]),
    bands.flatMap(({ line, text }) => [line, text]), share, columns.map(({ hit }) => hit));
  let pressed = false;
  const point = (event) => {
    const at = (event.clientX - chart.getBoundingClientRect().left) / chart.clientWidth;
    const i = Math.min(names.length - 1, Math.max(0, Math.floor(at * names.length)));
    move({ stage: names[i] });
  };
  chart.addEventListener("pointerdown", (event) => {
    pressed = true;
    chart.setPointerCapture(event.pointerId);
    point(event);
  });
  chart.addEventListener("pointermove", (event) => { if (pressed) point(event); });
  for (const end of ["pointerup", "pointercancel"])
    chart.addEventListener(end, () => { pressed = false; });
  const along = node("input", {
    type: "range", min: 0, max: names.length - 1, step: 1, "aria-label": "Stage, from image to scores",
    oninput: () => move({ stage: names[along.valueAsNumber] }),
  });
  const map = node("div", { class: "map-box" }, chart, along);

  // The stage, input below, concatenation above
  const branches = [0, 1, 2, 3].map(() => ({
    beam: shape("path", { class: "beam" }), funnel: shape("path", { class: "funnel" }),
    ribbon: shape("path", { class: "ribbon" }),
    low: shape("rect"), high: shape("rect"), joined: shape("rect"),
    lowKernel: words("halo soft middle"), lowCount: words("halo strong middle"),
    highKernel: words("halo soft middle"), highCount: words("halo strong middle"),
    joinedCount: words("halo strong middle"),
  }));
  const source = shape("rect", { class: "source" });
  const inText = words("strong middle");
  const outText = words("strong middle");
  const drawing = shape("svg", { role: "img" },
    Object.keys(branches[0]).map((layer) => branches.map((branch) => branch[layer])),
    source, inText, outText);
  const drawingBox = node("div", { class: "drawing" },
    node("p", { class: "card-title" }, "Inside, to scale"), drawing);

  // What a unit sees
  const widest = shape("rect", { class: "widest" });
  const narrowest = shape("rect", { class: "narrowest" });
  const hatch = shape("pattern", {
    id: "hatch", width: 9, height: 9, patternUnits: "userSpaceOnUse",
    patternTransform: "rotate(-45)",
  }, shape("rect", { width: 1.2, height: 9, class: "hatching" }));
  const outside = shape("rect", { class: "outside" });
  const image = shape("image", { href: model.get("photo") });
  const sight = shape("svg", { role: "img", class: "sight" }, shape("defs", {}, hatch), outside,
    image, widest, narrowest);
  const key = (kind) => {
    const text = node("span");
    return { text, line: node("p", { class: "key" }, node("i", { class: kind }), text) };
  };
  const keys = { narrowest: key("narrowest"), widest: key("widest") };
  const sightBox = node("div", { class: "sight-box" },
    node("p", { class: "card-title" }, "What one unit sees, by path"), sight,
    keys.narrowest.line, keys.widest.line);

  // Words and numbers
  const summary = node("p", { class: "summary", role: "status" });
  const cell = (name) => node("td", { "data-name": name });
  const cells = {};
  const table = node("table", {},
    node("thead", {}, node("tr", {}, node("td"),
      ["stage", "share", "network"].map((name) => node("th", { scope: "col" }, name)))),
    node("tbody", {}, Object.entries(MEASURES).map(([name, text]) => node("tr", {},
      node("th", { scope: "row" }, text),
      [name, `${name}.share`, `${name}.total`].map((n) => (cells[n] = cell(n)))))));

  top.append(
    node("div", { class: "head" }, node("p", { class: "title" }, "GoogLeNet as a map"), pick.element),
    node("div", { class: "actions" }, measure.element, variant.element),
    map, summary, node("div", { class: "sides" }, drawingBox, sightBox), table,
    node("p", { class: "note" }, "Choose a stage in the map, with the slider under it, or with its " +
      "arrow keys. Inside, widths are channels, to one scale for all stages. Parameters with biases " +
      "(torchvision: with those of the normalisation), without the auxiliary heads. The squares " +
      "stand around the middle of the photograph; what is hatched lies beyond its edge, where there " +
      "is only padding. They are what a unit can see at most; what counts is less."));

  let settled;
  const glide = () => {
    top.classList.add("glide");
    clearTimeout(settled);
    settled = setTimeout(() => top.classList.remove("glide"), 400);
  };
  let widths = { chart: 0, drawing: 0, sight: 0 };
  let last = null;

  function update() {
    const now = read();
    const network = networks[now.variant];
    const at = names.indexOf(now.stage);
    const one = network.stages[at];
    if (last && JSON.stringify(now) !== last) glide();
    last = JSON.stringify(now);
    const shares = Object.fromEntries(
      Object.keys(MEASURES).map((name) => [name, one[name] / network[name]]));
    top.dataset.results = JSON.stringify({ ...now, ...one, shares });

    pick.show(now.stage);
    measure.show(now.measure);
    variant.show(now.variant);
    along.value = at;
    along.style.setProperty("--part", at / (names.length - 1));
    change(along, { "aria-valuetext": one.title });

    const [low, high] = one.rf;
    const free = one.parameters === 0 ? "no parameters and no multiply-adds"
      : `${several(one.parameters, "parameter")} (${percent(shares.parameters)} of the network's) ` +
        `and ${millions(one.macs)} multiply-adds (${percent(shares.macs)})`;
    say(summary, `${capital(one.title)}: ${count(one.input[0])} channels` +
      `${at === names.length - 1 ? "" : ` of ${size(one.input)}`} in, ` +
      `${one.output.length === 1 ? `${count(one.output[0])} scores`
        : `${count(one.output[0])} of ${size(one.output)}`} out; ${free}. ` +
      (low === high ? `One unit sees ${count(low)} pixels across.`
        : `One unit sees ${count(low)} to ${count(high)} pixels across, depending on the path.`));
    for (const name of Object.keys(MEASURES)) {
      say(cells[name], count(one[name]));
      say(cells[`${name}.share`], percent(shares[name]));
      say(cells[`${name}.total`], count(network[name]));
    }
    if (widths.chart) drawMap(now, network, at);
    if (widths.drawing) drawStage(one);
    if (widths.sight) drawSight(one);
  }

  function drawMap(now, network, at) {
    const width = widths.chart;
    const wide = width / names.length;
    const long = wide >= 40;
    const [high, low, height] = [42, 172, 196];
    const Y = (ratio) => low - ((low - high) * ratio) / largest;
    const dearest = [...network.stages].sort((a, b) => b[now.measure] - a[now.measure])[0];
    change(chart, {
      width, height, viewBox: `0 0 ${width} ${height}`,
      "aria-label": `Share of the ${MEASURES[now.measure]} of each of ${names.length} stages, from ` +
        `image to scores. Most: ${dearest.title}, ` +
        `${percent(dearest[now.measure] / network[now.measure])}.`,
    });
    network.stages.forEach((one, i) => {
      const { hit, bars, pool, label } = columns[i];
      const [left, thick] = [i * wide + 0.14 * wide, 0.72 * wide];
      box(hit, i * wide, 0, wide, height);
      let y = low;
      bars.forEach((bar, j) => {
        const column = one.columns[j];
        const value = column ? column[now.measure] ?? one[now.measure] : 0;
        const tall = low - Y(value / network[now.measure]);
        y -= tall;
        box(bar, left, y, thick, tall);
        bar.style.fill = column?.branch ? COLOURS[column.branch] : "var(--slab)";
      });
      const middle = (i + 0.5) * wide;
      const free = one.parameters === 0;
      change(pool, { d: free ? `M${middle - 4} ${low - 8} h8 l-4 7 Z` : null });
      place(label, middle, low + 18, free ? "" : long ? one.name : SHORT[one.name] ?? one.name);
      label.classList.toggle("small", wide < 24);
    });
    for (const { pixels, first, last: end, line, text } of bands) {
      change(line, { d: `M${(first * wide + 2).toFixed(1)} 20 H${((end + 1) * wide - 2).toFixed(1)}` });
      const middle = ((first + end + 1) / 2) * wide;
      place(text, Math.max(middle, 12), 13, long || first < end ? `${pixels}${long ? " px" : ""}`
        : pixels > 9 ? pixels : "");
    }
    const one = network.stages[at];
    box(chosen, at * wide + 0.5, 24, wide - 1, height - 25);
    const ratio = one[now.measure] / network[now.measure];
    const middle = Math.min(width - 20, Math.max(20, (at + 0.5) * wide));
    place(share, middle, Y(ratio) - 6, ratio ? percent(ratio) : "");
    // The scale's numbers stand at the side where the bars of this measure are low.
    const right = now.measure === "macs";
    for (const { ratio: level, line, text } of grid) {
      change(line, { d: `M0 ${Y(level).toFixed(1)} H${width}` });
      text.classList.toggle("end", right);
      place(text, right ? width : 0, Y(level) - 3, `${100 * level}%`);
    }
    change(along, { style: `width: ${width - wide + 22}px; margin-left: ${wide / 2 - 11}px; ` +
      `--part: ${at / (names.length - 1)}` });
  }

  function drawStage(one) {
    const width = widths.drawing;
    const H = { out: 14, top: 26, bar: 22, high: 112, slab: 9, low: 208, input: 306, end: 328 };
    const scale = (0.74 * width) / MOST;
    const [inside, made] = [one.input[0], one.output[0]];
    change(drawing, {
      width, height: H.end + 22, viewBox: `0 0 ${width} ${H.end + 22}`,
      "aria-label": `${capital(one.title)} to scale: from ${several(inside, "channel")} below, ` +
        (one.columns.length > 1
          ? `four branches of ${one.columns.map(({ boxes }) => boxes.at(-1)[1]).join(", ")} channels ` +
            `rise side by side and are joined above to ${several(made, "channel")}.`
          : `through ${one.columns[0].boxes.map(([label, n]) => (n ? `${label} with ${n} channels` : label))
            .join(", then ")}, to ${several(made, "channel")} above.`),
    });
    const from = [(width - inside * scale) / 2, (width + inside * scale) / 2];
    box(source, from[0], H.input, inside * scale, H.end - H.input);
    const map = (shape) => (shape.length > 1 && shape[1] > 1 ? `, ${size(shape)}` : "");
    place(inText, width / 2, H.end + 17, `in: ${several(inside, "channel")}${map(one.input)}`);
    place(outText, width / 2, H.out, one.output.length === 1 ? `out: ${count(made)} scores`
      : `out: ${several(made, "channel")}${map(one.output)}`);

    // Each column as wide as its widest slab or label; what is left over stands between them.
    const breadth = one.columns.map(({ boxes }) => Math.max(...boxes.map(([label, n]) =>
      n === null ? signWidth(label) + 4 : Math.max(n * scale, 34))));
    const gap = (width - breadth.reduce((a, b) => a + b)) / breadth.length;
    let left = gap / 2;
    let at = (width - made * scale) / 2;
    branches.forEach((parts, i) => {
      const column = one.columns[i];
      const shapes = [parts.beam, parts.funnel, parts.ribbon, parts.low, parts.high, parts.joined];
      for (const element of Object.values(parts)) {
        element.style.display = column ? "" : "none";
        if (element.tagName === "text") say(element, "");
      }
      if (!column) return;
      for (const element of shapes)
        element.style.fill = column.branch ? COLOURS[column.branch] : "var(--slab)";
      const middle = left + breadth[i] / 2;
      left += breadth[i] + gap;
      // The pool keeps its input's channels: it is drawn as a sign, and so are the two others.
      const span = ([label, n]) => (n === null ? signWidth(label) : Math.max(n * scale, 1.5)) / 2;
      const two = column.boxes.length > 1;
      const final = column.boxes.at(-1);
      const out = (final[1] ?? made) * scale;
      const highTop = final[1] === null ? H.high - 7 : H.high;
      const highTall = final[1] === null ? 22 : H.slab;
      const lowTop = column.boxes[0][1] === null ? H.low - 7 : H.low;
      const lowTall = column.boxes[0][1] === null ? 22 : H.slab;
      const [lowHalf, highHalf] = [span(column.boxes[0]), span(final)];
      // A pool between stages carries all its channels through, behind its sign.
      const through = !two && final[1] === null;
      const space = through ? 0 : 2;
      const foot = through ? highTop + highTall / 2 : two ? lowTop + lowTall : highTop + highTall;
      const head = through ? foot : highTop;
      const headHalf = through ? out / 2 : highHalf;
      const footHalf = through ? out / 2 : two ? lowHalf : highHalf;
      change(parts.beam, {
        d: funnelPath(foot + space, middle - footHalf, middle + footHalf, H.input - 2, ...from, true),
      });
      change(parts.funnel, { d: two
        ? funnelPath(highTop + highTall + 2, middle - highHalf, middle + highHalf,
          lowTop - 2, middle - lowHalf, middle + lowHalf, true) : null });
      change(parts.ribbon, {
        d: funnelPath(H.top + H.bar + 2, at, at + out, head - space, middle - headHalf,
          middle + headHalf, true),
      });
      const slab = (rect, y, tall, half, [, n], shown) => {
        box(rect, middle - half, y, shown ? 2 * half : 0, tall);
        rect.setAttribute("rx", n === null ? 11 : 2);
        rect.classList.toggle("sign", n === null);
        rect.style.stroke = n === null ? column.branch ? COLOURS[column.branch] : "var(--slab)" : "";
      };
      slab(parts.low, lowTop, lowTall, lowHalf, column.boxes[0], two);
      slab(parts.high, highTop, highTall, highHalf, final, true);
      box(parts.joined, at, H.top, Math.max(out - (i < one.columns.length - 1 ? 1.5 : 0), 0.75), H.bar);
      const name = (kernel, number, y, [label, n]) => {
        if (n === null) return place(number, middle, y + 15, label);
        place(kernel, middle, y + H.slab + 15, label);
        place(number, middle, y + H.slab + 31, count(n));
      };
      name(parts.highKernel, parts.highCount, highTop, final);
      if (two) name(parts.lowKernel, parts.lowCount, lowTop, column.boxes[0]);
      const joined = count(final[1] ?? made);
      place(parts.joinedCount, at + out / 2, H.top + 16,
        one.columns.length > 1 && out > 10 * joined.length + 4 ? joined : "");
      at += out;
    });
  }

  function drawSight(one) {
    const width = Math.min(widths.sight, 340);
    const [low, high] = one.rf;
    const scale = width / (1.06 * Math.max(side, high));
    change(sight, {
      width, height: width, viewBox: `0 0 ${width} ${width}`,
      "aria-label": `A photograph of ${side} × ${side} pixels; around its middle the squares that ` +
        (low === high ? `one unit sees: ${count(low)} pixels on every path.`
          : `one unit sees: ${count(low)} pixels along the narrowest path, ${count(high)} along the ` +
            "widest."),
    });
    const centred = (rect, pixels) =>
      box(rect, (width - pixels * scale) / 2, (width - pixels * scale) / 2, pixels * scale, pixels * scale);
    box(outside, 0, 0, width, width);
    centred(image, side);
    centred(widest, high);
    centred(narrowest, low);
    const across = (pixels) => (pixels > side
      ? `${count(pixels)} px, ${fixed(pixels / side, 1)} photos` : `${count(pixels)} px`);
    say(keys.narrowest.text, `narrowest: ${across(low)}`);
    say(keys.widest.text, low === high ? "widest: the same" : `widest: ${across(high)}`);
  }

  const stops = [
    onWidth(map, (now) => { widths.chart = now; update(); }),
    onWidth(drawingBox, (now) => { widths.drawing = now; update(); }),
    onWidth(sightBox, (now) => { widths.sight = now; update(); }),
  ];
  update();
  return () => { disconnect(); stop(); stops.forEach((end) => end()); };
}

const CSS = `
.actions { gap: 8px 20px; }
.map-box { min-width: 0; display: grid; }
.chart { cursor: pointer; touch-action: pan-y; }
.chart .small { font-size: 11px; }
.hit { fill: transparent; }
.chosen { fill: var(--well); stroke: var(--control); rx: 4px; }
.grid { stroke: var(--line); fill: none; }
.band { stroke: var(--control); stroke-width: 2; fill: none; }
.pool { fill: none; stroke: var(--soft); stroke-width: 1.5; stroke-linejoin: round; }
.summary { min-height: calc(8.7em + 16px); }
.sides { display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr); align-items: start; }
.drawing, .sight-box { min-width: 0; }
.card-title { font-weight: 650; padding-bottom: 8px; }
.beam { fill-opacity: .16; }
.funnel, .ribbon { fill-opacity: .34; }
.source { fill: var(--slab); rx: 3px; }
rect.sign { fill: var(--paper) !important; stroke-width: 2; }
.sight { margin: 0 auto; }
.outside { fill: url(#hatch); stroke: var(--line); }
.hatching { fill: var(--line); }
rect.narrowest, rect.widest { fill: none; stroke-width: 3; }
rect.narrowest { stroke: ${COLOURS["1x1"]}; }
rect.widest { stroke: ${COLOURS["5x5"]}; stroke-dasharray: 8 5; }
.key { display: flex; gap: 8px; align-items: center; font-size: .93em; padding-top: 4px; }
.key i { width: 22px; height: 14px; border: 3px solid ${COLOURS["1x1"]}; flex: none; }
.key i.widest { border: 3px dashed ${COLOURS["5x5"]}; }
@container (min-width: 320px) and (max-width: 420px) { /* no line more for a longer number */
  table { font-size: .8em; }
  tbody th { white-space: nowrap; }
}
@container (min-width: 620px) {
  .summary { min-height: calc(4.35em + 16px); }
  .sides { grid-template-columns: minmax(0, 1.25fr) minmax(0, 1fr); gap: 24px; }
}
@media (prefers-reduced-motion: no-preference) {
  .glide image { transition: x .35s, y .35s, width .35s, height .35s; }
}
`;

export default { render };
