// A photograph flows through an Inception module: input below, four branches side by side, and
// their concatenation above. Of each row one map is shown; the reader chooses whose.

import {
  COLOURS, box, change, choice, count, drag, figure, fixed, menu, node, percent, place, say, several,
  shape, slider, table,
} from "../interactive/kit.js";
import { MODULE_CSS, drawFunnels, drawJoined, drawSlab, moduleParts } from "./module_drawing.js";

const STEPS = ["the input", "reductions and pool", "convolutions", "concatenation"];
const LEVEL = { beam: 2, low: 2, lowName: 2, lowTile: 2, funnel: 3, high: 3, highName: 3,
  highTile: 3, ribbon: 4, way: 4, joined: 4, joinedCount: 4 }; // the step at which a part appears
const OUTLINED = ["beam", "low", "lowTile", "funnel", "high", "highTile", "ribbon", "joined"];

const made = (column) => column.boxes.at(-1)[1]; // the channels that a branch gives

function build({ get, move, control, drawing, summary, top }) {
  const flow = get("flow");
  const { columns, channels, best } = flow;
  top.style.setProperty("--maps", `url("${flow.maps}")`);

  const pick = control(slider, "channel", {
    label: "Channel of the output", min: 0, max: channels.length - 1,
  });
  const steps = control(choice, "step", { legend: "Step", options: STEPS.map((_, i) => [i + 1, i + 1]) });
  const jump = menu({
    label: "Varies most", other: "another channel",
    groups: [["of the branch", columns.map(({ branch, label }) => [branch, label])]],
    change: (branch) => move({ channel: best[branch] }),
  });

  const picture = flowPicture(drawing, flow);
  drag(picture.strip, ({ x, width }) => {
    const channel = Math.floor((x / width) * channels.length);
    move({ channel: Math.min(channels.length - 1, Math.max(0, channel)) });
  });

  // The chosen map, large
  const heading = node("p", { class: "card-title" });
  const large = tile(flow, "large");
  change(large.element, { role: "img", "aria-hidden": null });
  const middle = node("span");
  const facts = table({ rows: [
    ["largest value", ["peak"]], ["mean", ["mean"]], ["places at zero", ["zero"]], [middle, ["middle"]],
    ["most weight: input channel", ["source"]],
  ] });
  return {
    title: "A photograph goes through a module", head: steps,
    body: [
      node("div", { class: "actions" }, pick, jump), summary,
      node("div", { class: "sides" }, node("div", { class: "drawing" }, picture, picture.tiles),
        node("div", {}, heading, large, facts)),
    ],
    note: "A real, small network: trained, and run on this photograph. Widths are channels, to one " +
      "scale. Every map goes from 0, black, to its own largest value, white. The chosen channel is " +
      "followed back along the largest weights; the other branches show their channel that varies most.",
    flow, pick, jump, picture, heading, large, middle, facts,
  };
}

function update({ channel, step }, { flow, pick, jump, picture, heading, large, middle, facts }) {
  const { columns, channels, best, first } = flow;
  const one = channels[channel];
  const column = columns.find(({ branch }) => branch === one.branch);
  const end = column.start + made(column) - 1;
  pick.element.style.setProperty("--accent", COLOURS[one.branch]);
  jump.show(columns.find(({ branch }) => best[branch] === channel)?.branch);

  say(heading, `Channel ${channel}: ${column.label} branch, ${one.own}`);
  large.show(first[`${one.branch}.out`] + one.own);
  large.element.style.borderColor = COLOURS[one.branch];
  change(large.element, {
    "aria-label": `Map of channel ${channel}, from 0 in black to ${fixed(one.peak, 2)} in white`,
  });
  say(middle, `most weight: ${one.branch === "pool" ? "pooled" : "reduced"} channel`);
  facts.show({
    peak: fixed(one.peak, 2), mean: fixed(one.mean, 2), zero: percent(one.zero),
    middle: one.middle === null ? "–" : count(one.middle), source: count(one.source),
  });
  picture.show(channel, step, one);

  const what = [
    `${several(flow.in, "map")} of ${flow.side} × ${flow.side} come in. All four branches read all ` +
      "of them.",
    "Two branches reduce them with a 1×1, one takes the largest value of every 3×3 window. The 1×1 " +
      "branch needs nothing in front.",
    "Every branch makes its channels. They are as high and as wide as the input, or they would not " +
      "fit together.",
    `The channels are put one behind the other: ${columns.map(made).join(" + ")} = ` +
      `${channels.length}. Nothing is mixed.`,
  ][step - 1];
  const summary = `Step ${step} of ${STEPS.length}, ${STEPS[step - 1]}. ${what} Channel ${channel} is ` +
    `channel ${one.own} of the ${column.label} branch, which has the numbers ${column.start} to ${end}.`;
  return { summary, results: { channel, step, start: column.start, end, ...one } };
}

// One picture holds all maps; a tile is a window on it.
function tile(flow, ...classes) {
  const element = node("div", { class: ["tile", ...classes].join(" "), "aria-hidden": "true" });
  element.style.backgroundSize = `${100 * flow.row}% ${100 * flow.rows}%`;
  const show = (index) => {
    const [column, row] = [index % flow.row, Math.floor(index / flow.row)];
    element.style.backgroundPosition =
      `${(100 * column) / (flow.row - 1)}% ${(100 * row) / (flow.rows - 1)}%`;
  };
  const put = (x, y, side) => Object.assign(element.style,
    { left: `${x.toFixed(1)}px`, top: `${y.toFixed(1)}px`, width: `${side}px`, height: `${side}px` });
  return { element, show, put };
}

// The module with its maps; `strip`, over the concatenation, can be pointed at.
function flowPicture(drawing, flow) {
  const { columns, channels, best, first } = flow;
  const { branches, source, inText, outText, parts } = moduleParts({
    lowName: ["middle"], highName: ["middle"], joinedCount: ["strong", "middle"],
  });
  columns.forEach(({ boxes }, i) => {
    branches[i].lowTile = boxes.length > 1 ? tile(flow) : null;
    branches[i].highTile = tile(flow);
  });
  const marker = shape("path", { class: "marker" });
  const strip = shape("rect", { class: "hit" });
  const photo = node("img", { src: flow.photo, alt: "", class: "tile" });
  const inputTile = tile(flow);

  const draw = (width, channel, step, one) => {
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
    const from = { middle: width / 2, half: (flow.in * scale) / 2, top: Y.source, tall: 10 };
    drawSlab(source, from, null);
    place(inText, width / 2, Y.end - 6, `in: photograph, then channel ${one.source} of ${flow.in}`);
    photo.style.cssText = `left: ${width / 2 - side - 4}px; top: ${Y.tiles}px; width: ${side}px; ` +
      `height: ${side}px`;
    inputTile.put(width / 2 + 4, Y.tiles, side);
    inputTile.show(first.input + one.source);
    place(outText, width / 2, Y.out,
      `out: ${several(channels.length, "channel")}, ${flow.side} × ${flow.side}`);

    const long = Math.min(channels.length * scale, width - 4);
    const left = (width - long) / 2;
    const each = long / channels.length;
    box(strip, left, Y.strip - 8, long, Y.bar + 16);
    const at = left + (channel + 0.5) * each;
    change(marker, { d: `M${at.toFixed(1)} ${Y.strip + Y.bar + 2} l-6 9 h12 Z` });
    for (const element of [outText, marker]) element.style.visibility = step < 4 ? "hidden" : "";

    columns.forEach((column, i) => {
      const own = branches[i];
      const { branch, boxes, start } = column;
      const chosen = branch === one.branch;
      const shown = channels[chosen ? channel : best[branch]];
      const middle = (i + 0.5) * wide;
      const two = boxes.length > 1;
      const slab = (n, top) => ({ middle, half: (n * scale) / 2, top, tall: 8 });
      const high = slab(made(column), Y.high);
      const low = { ...slab(two ? boxes[0][1] : 0, Y.low), sign: branch === "pool" };
      const joined = { middle: left + (start + made(column) / 2) * each,
        half: (made(column) * each) / 2, top: Y.strip, tall: Y.bar };
      for (const [name, level] of Object.entries(LEVEL)) {
        const element = own[name]?.element ?? own[name];
        // A 1×1 branch has no step in between: its beam is the convolution's.
        const appears = name === "beam" && !two ? 3 : level;
        const later = step < appears;
        const outlined = later && OUTLINED.includes(name); // so that a reader sees what will come
        element?.classList.toggle("later", outlined);
        const hidden = (later && !outlined) || (!two && name.startsWith("low"));
        if (element) element.style.visibility = hidden ? "hidden" : "";
      }
      drawFunnels(own, { source: from, low: two ? low : null, high, joined });
      drawSlab(own.low, low, null);
      drawSlab(own.high, high, null);
      drawJoined(own.joined, joined, i < columns.length - 1);
      place(own.joinedCount, joined.middle, Y.strip + 17, count(made(column)));

      const mapped = (row, top, index, [label, n]) => {
        const map = own[`${row}Tile`];
        map.put(middle - side / 2, top + 13, side);
        map.show(first[`${branch}.${index}`] + shown[index === "out" ? "own" : index]);
        map.element.classList.toggle("chosen", chosen);
        map.element.style.borderColor = chosen ? COLOURS[branch] : "";
        place(own[`${row}Name`], middle, top + 13 + side + 15, `${label}: ${count(n)}`);
      };
      mapped("high", Y.high, "out", boxes.at(-1));
      if (two) mapped("low", Y.low, "middle", boxes[0]);
    });
    return {
      height: Y.end,
      label: `Module 3a: from ${several(flow.in, "channel")} below, four branches of ` +
        `${columns.map(made).join(", ")} channels rise side by side and are joined above to ` +
        `${several(channels.length, "channel")}. Shown up to step ${step}.`,
    };
  };
  const picture = drawing({ parts: [parts, marker, strip], draw });
  const tiles = [branches.map(({ lowTile, highTile }) => [lowTile, highTile]), photo, inputTile];
  return { ...picture, strip, tiles };
}

const CSS = `${MODULE_CSS}
.actions { display: grid; grid-template-columns: minmax(0, 1fr); gap: 8px 20px; }
.summary { min-height: calc(11.6em + 16px); }
.drawing { position: relative; }
.tile { position: absolute; background: var(--maps) no-repeat; image-rendering: auto;
  border: 1px solid var(--line); border-radius: 3px; background-origin: border-box;
  print-color-adjust: exact; pointer-events: none; }
.tile.chosen { border-width: 3px; }
.tile.large { position: static; width: 100%; max-width: 300px; aspect-ratio: 1; border-width: 3px;
  margin: 0 auto 8px; }
.tile.later { background: none; border: 1px dashed var(--control); }
svg .later { opacity: .16; }
.beam { fill-opacity: .14; }
.marker { fill: var(--ink); stroke: var(--paper); stroke-width: 1; }
.hit { fill: transparent; cursor: pointer; }
@container (max-width: 310px) { .summary { min-height: calc(13.05em + 16px); } }
@container (min-width: 620px) {
  .actions { grid-template-columns: minmax(0, 1fr) auto; align-items: end; }
  .summary { min-height: calc(5.8em + 16px); }
  .sides { grid-template-columns: minmax(0, 2.1fr) minmax(0, 1fr); gap: 24px; }
}
`;

export default figure({
  name: "Data flows through a module", css: CSS, state: ["channel", "step"], build, update,
});
