// The network as a map: every stage with its share of the cost; of one stage its shapes, its
// branches to scale, and the squares of a photograph that one of its units sees.

import { axis, scale } from "../interactive/charts.js";
import {
  COLOURS, SERIES, box, change, choice, count, drag, figure, fixed, menu, millions, node, percent, place,
  say, several, shape, table, titled, track, words,
} from "../interactive/kit.js";
import {
  MODULE_CSS, drawFunnels, drawJoined, drawSlab, moduleParts, paintBranch,
} from "./module_drawing.js";

const MEASURES = { macs: "multiply-adds", parameters: "parameters", time: "time" };
// Where there is no room for the name.
const SHORT = { conv1: "c1", conv2: "c2", linear: "fc" };
const PART = ["stem", "modules 3a and 3b", "modules 4a to 4e", "modules 5a and 5b", "head"];
// Channels: the widest map of the network.
const MOST = 1024;

const part = (name) => (/^[345]/.test(name) ? PART[name[0] - 2]
  : { maxpool3: PART[2], maxpool4: PART[3], avgpool: PART[4], linear: PART[4] }[name] ?? PART[0]);
const size = (shape) => shape.slice(1).join(" × ");
const signWidth = (label) => 8 * label.length + 14;
const capital = (text) => text[0].toUpperCase() + text.slice(1);

function build({ get, move, control, drawing, glide, summary }) {
  const networks = get("networks");
  const stages = networks.paper.stages;
  const names = stages.map(({ name }) => name);

  const pick = control(menu, "stage", {
    label: "Stage",
    groups: PART.map((group) => [group, stages.filter(({ name }) => part(name) === group)
      .map(({ name, title }) => [name, title])]),
  });
  const measure = control(choice, "measure", {
    legend: "Bars show", options: Object.entries(MEASURES),
  });
  const variant = control(choice, "variant", {
    legend: "Network of", options: [["paper", "the paper"], ["torchvision", "torchvision"]],
  });
  const along = track({
    label: "Stage, from image to scores", max: names.length - 1,
    change: (i) => move({ stage: names[i] }),
  });
  const chart = stageBars(drawing, networks, along);
  drag(chart.element, ({ x, width }) => {
    const i = Math.floor((x / width) * names.length);
    move({ stage: names[Math.min(names.length - 1, Math.max(0, i))] });
  });
  const inside = insideStage(drawing);
  const sight = unitSight(drawing, get("photo"), get("side"));
  const numbers = table({
    heads: ["", "stage", "share", "network"],
    rows: Object.entries(MEASURES).map(([name, text]) =>
      [text, [name, `${name}.share`, `${name}.total`]]),
  });
  return {
    title: "GoogLeNet as a map", head: pick,
    body: [
      node("div", { class: "actions" }, measure, variant),
      node("div", { class: "map-box" }, chart, along), summary,
      node("div", { class: "sides" }, titled("Inside, to scale", inside),
        titled("What one unit sees, by path", sight, sight.keys)),
      numbers,
    ],
    note: "Choose a stage in the map, with the slider under it, or with its arrow keys. Inside, widths " +
      "are channels, to one scale for all stages. Parameters with biases (torchvision: with those of " +
      "the normalisation), without the auxiliary heads. The time was measured on one thread of a " +
      "processor; the first two pools have the LRN beside them in it. The squares stand around the " +
      "middle of the photograph; what is hatched lies beyond its edge, where there is only padding. They are what " +
      "a unit can see at most; what counts is less.",
    networks, names, along, chart, inside, sight, numbers, glide, last: null,
  };
}

function update(now, made) {
  const network = made.networks[now.variant];
  const at = made.names.indexOf(now.stage);
  const one = network.stages[at];
  const state = JSON.stringify(now);
  if (made.last && state !== made.last) made.glide();
  made.last = state;

  const shares = Object.fromEntries(
    Object.keys(MEASURES).map((name) => [name, one[name] / network[name]]));
  made.along.show(at, { text: one.title });
  made.numbers.show(Object.fromEntries(Object.keys(MEASURES).flatMap((name) => [
    [name, name === "time" ? "" : count(one[name])], [`${name}.share`, percent(shares[name])],
    [`${name}.total`, name === "time" ? "" : count(network[name])]])));
  made.chart.show(now, network, at);
  made.inside.show(one);
  made.sight.show(one);

  const [low, high] = one.rf;
  const free = one.parameters === 0
    ? `no parameters and no multiply-adds, but ${percent(shares.time)} of the time`
    : `${several(one.parameters, "parameter")} (${percent(shares.parameters)} of the network's) ` +
      `and ${millions(one.macs)} multiply-adds (${percent(shares.macs)}), ` +
      `${percent(shares.time)} of the time`;
  const summary = `${capital(one.title)}: ${count(one.input[0])} channels` +
    `${at === made.names.length - 1 ? "" : ` of ${size(one.input)}`} in, ` +
    `${one.output.length === 1 ? `${count(one.output[0])} scores`
      : `${count(one.output[0])} of ${size(one.output)}`} out; ${free}. ` +
    (low === high ? `One unit sees ${count(low)} pixels across.`
      : `One unit sees ${count(low)} to ${count(high)} pixels across, depending on the path.`);
  return { summary, results: { ...now, ...one, shares } };
}

// A column for each stage; under it the slider that chooses one.
function stageBars(drawing, networks, along) {
  const { stages } = networks.paper;
  const largest = Math.max(...Object.values(networks).flatMap((network) =>
    Object.keys(MEASURES).flatMap((measure) =>
      network.stages.map((one) => one[measure] / network[measure]))));
  const columns = stages.map(() => ({
    hit: shape("rect", { class: "hit" }),
    bars: [0, 1, 2, 3].map(() => shape("rect")),
    pool: shape("path", { class: "pool" }),
    label: words("middle"),
  }));
  const bands = [];
  stages.forEach(({ output }, i) => {
    const pixels = output[1] ?? 1;
    if (bands.at(-1)?.pixels === pixels) bands.at(-1).last = i;
    else bands.push({ pixels, first: i, last: i, line: shape("path", { class: "band" }),
      text: words("soft", "middle", "small") });
  });
  // The scale's numbers stand at the side where the bars of this measure are low.
  const grids = { macs: axis(2, "halo", "small", "end"), parameters: axis(2, "halo", "small"),
    time: axis(2, "halo", "small", "end") };
  const chosen = shape("rect", { class: "chosen" });
  const share = words("halo", "strong", "middle");

  return drawing({
    class: "chart",
    parts: [chosen, Object.values(grids).map(({ parts }) => parts),
      columns.map(({ bars, pool, label }) => [bars, pool, label]),
      bands.map(({ line, text }) => [line, text]), share, columns.map(({ hit }) => hit)],
    draw(width, { measure }, network, at) {
      const wide = width / stages.length;
      const long = wide >= 40;
      const [high, low, height] = [42, 172, 196];
      const Y = scale(0, largest, low, high);
      network.stages.forEach((one, i) => {
        const { hit, bars, pool, label } = columns[i];
        box(hit, i * wide, 0, wide, height);
        let y = low;
        bars.forEach((bar, j) => {
          const column = one.columns[j];
          const own = column?.[measure]; // of time, only the stage's is known
          const value = own ?? (j === 0 ? one[measure] : 0);
          const tall = low - Y(value / network[measure]);
          y -= tall;
          box(bar, (i + 0.14) * wide, y, 0.72 * wide, tall);
          bar.style.fill = column?.branch && own !== undefined
            ? COLOURS[column.branch] : "var(--slab)";
        });
        const middle = (i + 0.5) * wide;
        const free = one.parameters === 0;
        change(pool, { d: free && measure !== "time" ? `M${middle - 4} ${low - 8} h8 l-4 7 Z` : null });
        place(label, middle, low + 18, free ? "" : long ? one.name : SHORT[one.name] ?? one.name);
        label.classList.toggle("small", wide < 24);
      });
      for (const { pixels, first, last, line, text } of bands) {
        change(line, { d: `M${(first * wide + 2).toFixed(1)} 20 H${((last + 1) * wide - 2).toFixed(1)}` });
        const middle = ((first + last + 1) / 2) * wide;
        place(text, Math.max(middle, 12), 13, long || first < last ? `${pixels}${long ? " px" : ""}`
          : pixels > 9 ? pixels : "");
      }
      box(chosen, at * wide + 0.5, 24, wide - 1, height - 25);
      const ratio = network.stages[at][measure] / network[measure];
      place(share, Math.min(width - 20, Math.max(20, (at + 0.5) * wide)), Y(ratio) - 6,
        ratio ? percent(ratio) : "");
      for (const [name, grid] of Object.entries(grids)) {
        const marks = name === measure ? [0.1, 0.2].map((level) => [Y(level), `${100 * level}%`]) : [];
        grid.show(marks, { left: 0, right: width, at: name === "parameters" ? 0 : width, drop: -3 });
      }
      Object.assign(along.element.style,
        { width: `${width - wide + 22}px`, marginLeft: `${wide / 2 - 11}px` });
      const dearest = [...network.stages].sort((a, b) => b[measure] - a[measure])[0];
      return {
        height,
        label: `Share of the ${MEASURES[measure]} of each of ${stages.length} stages, from ` +
          `image to scores. Most: ${dearest.title}, ${percent(dearest[measure] / network[measure])}.`,
      };
    },
  });
}

// A stage, input below, concatenation above.
function insideStage(drawing) {
  const { branches, source, inText, outText, parts } = moduleParts({
    lowKernel: ["soft", "middle"], lowCount: ["strong", "middle"],
    highKernel: ["soft", "middle"], highCount: ["strong", "middle"],
    joinedCount: ["strong", "middle"],
  });
  return drawing({ parts, draw(width, { title, input, output, columns }) {
    const H = { out: 14, top: 26, bar: 22, high: 112, slab: 9, low: 208, input: 306, end: 328 };
    const scale = (0.74 * width) / MOST;
    const [inside, made] = [input[0], output[0]];
    const from = { middle: width / 2, half: (inside * scale) / 2, top: H.input, tall: H.end - H.input };
    drawSlab(source, from, null);
    const map = (shape) => (shape.length > 1 && shape[1] > 1 ? `, ${size(shape)}` : "");
    place(inText, width / 2, H.end + 17, `in: ${several(inside, "channel")}${map(input)}`);
    place(outText, width / 2, H.out, output.length === 1 ? `out: ${count(made)} scores`
      : `out: ${several(made, "channel")}${map(output)}`);

    // Each column as wide as its widest slab or label; what is left over stands between them.
    const breadth = columns.map(({ boxes }) => Math.max(...boxes.map(([label, n]) =>
      n === null ? signWidth(label) + 4 : Math.max(n * scale, 34))));
    const gap = (width - breadth.reduce((a, b) => a + b)) / breadth.length;
    let left = gap / 2;
    let at = (width - made * scale) / 2;
    branches.forEach((own, i) => {
      const column = columns[i];
      for (const element of Object.values(own)) {
        element.style.display = column ? "" : "none";
        if (element.tagName === "text") say(element, "");
      }
      if (!column) return;
      paintBranch(own, column.branch ? COLOURS[column.branch] : "var(--slab)");
      const middle = left + breadth[i] / 2;
      left += breadth[i] + gap;
      // The pool keeps its input's channels: it is drawn as a sign, and so are the two others.
      const slab = ([label, n], top) => (n === null
        ? { middle, half: signWidth(label) / 2, top: top - 7, tall: 22, sign: true }
        : { middle, half: Math.max(n * scale, 1.5) / 2, top, tall: H.slab });
      const final = column.boxes.at(-1);
      const two = column.boxes.length > 1;
      const low = two ? slab(column.boxes[0], H.low) : null;
      const high = slab(final, H.high);
      const out = (final[1] ?? made) * scale;
      const joined = { middle: at + out / 2, half: out / 2, top: H.top, tall: H.bar };
      // A pool between stages carries all its channels through, behind its sign.
      const through = !two && high.sign
        ? { middle, half: out / 2, top: high.top + high.tall / 2, tall: 0, gap: 0 } : high;
      drawFunnels(own, { source: from, low, high: through, joined });
      drawSlab(own.low, low ?? { ...high, half: 0 });
      drawSlab(own.high, high);
      drawJoined(own.joined, joined, i < columns.length - 1);
      const name = (kernel, number, { top, sign }, [label, n]) => {
        if (sign) return place(number, middle, top + 15, label);
        place(kernel, middle, top + H.slab + 15, label);
        place(number, middle, top + H.slab + 31, count(n));
      };
      name(own.highKernel, own.highCount, high, final);
      if (two) name(own.lowKernel, own.lowCount, low, column.boxes[0]);
      const total = count(final[1] ?? made);
      place(own.joinedCount, at + out / 2, H.top + 16,
        columns.length > 1 && out > 10 * total.length + 4 ? total : "");
      at += out;
    });
    return {
      height: H.end + 22,
      label: `${capital(title)} to scale: from ${several(inside, "channel")} below, ` +
        (columns.length > 1
          ? `four branches of ${columns.map(({ boxes }) => boxes.at(-1)[1]).join(", ")} channels ` +
            `rise side by side and are joined above to ${several(made, "channel")}.`
          : `through ${columns[0].boxes.map(([label, n]) => (n ? `${label} with ${n} channels` : label))
            .join(", then ")}, to ${several(made, "channel")} above.`),
    };
  } });
}

// The squares that one unit sees, around the middle of the photograph.
function unitSight(drawing, photo, side) {
  const [widest, narrowest] =
    ["widest", "narrowest"].map((kind) => shape("rect", { class: kind }));
  const hatch = shape("pattern", {
    id: "hatch", width: 9, height: 9, patternUnits: "userSpaceOnUse",
    patternTransform: "rotate(-45)",
  }, shape("rect", { width: 1.2, height: 9, class: "hatching" }));
  const outside = shape("rect", { class: "outside" });
  const image = shape("image", { href: photo });
  const texts = { narrowest: node("span"), widest: node("span") };
  const keys = Object.entries(texts).map(([kind, text]) =>
    node("p", { class: "key" }, node("i", { class: kind }), text));
  const sight = drawing({
    class: "sight",
    parts: [shape("defs", {}, hatch), outside, image, widest, narrowest],
    draw(room, { rf: [low, high] }) {
      const width = Math.min(room, 340);
      const scale = width / (1.06 * Math.max(side, high));
      const centred = (rect, pixels) => {
        const edge = (width - pixels * scale) / 2;
        box(rect, edge, edge, pixels * scale, pixels * scale);
      };
      box(outside, 0, 0, width, width);
      centred(image, side);
      centred(widest, high);
      centred(narrowest, low);
      const across = (pixels) => (pixels > side
        ? `${count(pixels)} px, ${fixed(pixels / side, 1)} photos` : `${count(pixels)} px`);
      say(texts.narrowest, `narrowest: ${across(low)}`);
      say(texts.widest, low === high ? "widest: the same" : `widest: ${across(high)}`);
      return {
        width, height: width,
        label: `A photograph of ${side} × ${side} pixels; around its middle the squares that ` +
          (low === high ? `one unit sees: ${count(low)} pixels on every path.`
            : `one unit sees: ${count(low)} pixels along the narrowest path, ${count(high)} along ` +
              "the widest."),
      };
    },
  });
  return { ...sight, keys };
}

const CSS = `${MODULE_CSS}
.actions { gap: 8px 20px; }
.map-box { display: grid; }
.chart { cursor: pointer; }
.hit { fill: transparent; }
.chosen { fill: var(--well); stroke: var(--control); rx: 4px; }
.band { stroke: var(--control); stroke-width: 2; fill: none; }
.pool { fill: none; stroke: var(--soft); stroke-width: 1.5; stroke-linejoin: round; }
.summary { min-height: calc(8.7em + 16px); }
.sight { margin: 0 auto; }
.outside { fill: url(#hatch); stroke: var(--line); }
.hatching { fill: var(--line); }
rect.narrowest, rect.widest { fill: none; stroke-width: 3; }
rect.narrowest { stroke: ${SERIES[0]}; }
rect.widest { stroke: ${SERIES[1]}; stroke-dasharray: 8 5; }
.key { display: flex; gap: 8px; align-items: center; font-size: .93em; padding-top: 4px; }
.key i { width: 22px; height: 14px; border: 3px solid ${SERIES[0]}; flex: none; }
.key i.widest { border: 3px dashed ${SERIES[1]}; }
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

export default figure({
  name: "The network as a map", css: CSS, state: ["stage", "measure", "variant"], build, update,
});
