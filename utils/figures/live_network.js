// A trained Inception network at work on what the reader draws: the sheet on the left, its eight
// modules in the middle, the classes on the right; below, one module, opened.

import {
  BRANCHES, COLOURS, change, choice, count, drag, figure, node, percent, say, several, slider, words, place,
  box, shape,
} from "../interactive/kit.js";
import { STRONGEST, channelPanel } from "./channel_panel.js";
import { MODULE_CSS, drawFunnels, drawJoined, drawSlab, moduleParts } from "./module_drawing.js";
import { run, unpack } from "./network_engine.js";
import { bytesOf } from "./page_data.js";
import { readPicture } from "./picture_input.js";
import { PAD_CSS, sketchPad } from "./sketch_pad.js";

const NAMES = { "1x1": "1×1", "3x3": "3×3", "5x5": "5×5", "pool": "pool" };
const ACROSS = 4; // maps side by side in a module at a glance
const GAP = 2; // between its branches, in pixels of a map of 7 by 7
const BETWEEN = 100; // milliseconds from one answer to the next while a stroke is drawn
const REST = 500; // and without a stroke, until the answer is read aloud

const short = (stage) => stage.name.replace("inception", "");
const withArticle = (name) => `${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`;
const lower = (text) => (text[1] === "-" ? text : text[0].toLowerCase() + text.slice(1));
const alike = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);

function build(own) {
  const { get, move, control, drawing, summary, refresh } = own;
  const layout = get("net");
  const small = get("small");
  const modules = layout.stages.filter(({ kind }) => kind === "module");
  const samples = readSamples(get("samples"), layout.size);
  const made = { layout, modules, samples, small, peaks: get("peaks"), top: own.top, net: null, broken: null };

  // What goes in
  const isSample = (image) => samples.some(({ pixels }) => alike(pixels, image));
  const empty = () => new Array(layout.size ** 2).fill(0);
  let tool = "draw";
  const tools = choice({
    legend: "", options: [["draw", "Draw"], ["rub", "Rub out"]],
    change: (value) => { tool = value; },
  });
  tools.show(tool);
  change(tools.element, { "aria-label": "Tool" });
  const later = atMostEvery(BETWEEN, (image) => move({ image }));
  made.sheet = () => later.waiting() ?? get("image");
  const put = (image) => {
    later.drop();
    clearTimeout(made.resting);
    made.resting = null;
    move({ image });
  };
  made.pad = sketchPad({
    size: layout.size,
    tool: () => tool,
    // A pen begins a clean sheet where there is a picture; a rubber works on it.
    start: () => (tool === "draw" && isSample(made.sheet()) ? empty() : made.sheet()),
    changed: (image) => {
      made.pad.show(image);
      clearTimeout(made.resting);
      made.resting = setTimeout(() => {
        made.resting = null;
        if (made.said !== undefined) say(summary, made.said);
      }, REST);
      later.give(image);
    },
  });
  const shift = (right, down) => {
    const { size } = layout;
    const image = made.sheet();
    put(image.map((_, i) => {
      const [x, y] = [(i % size) - right, Math.floor(i / size) - down];
      return x < 0 || y < 0 || x >= size || y >= size ? 0 : image[y * size + x];
    }));
  };
  const arrows = node("div", { class: "arrows", role: "group", "aria-label": "Shift the picture by one pixel" },
    node("span", { "aria-hidden": "true" }, "Shift"),
    [["left", "←", -1, 0], ["up", "↑", 0, -1], ["down", "↓", 0, 1], ["right", "→", 1, 0]].map(([way, sign, x, y]) =>
      node("button", { type: "button", "aria-label": `Shift ${way}`, onclick: () => shift(x, y) }, sign)));

  // The reader's own picture
  const file = node("input", { type: "file", accept: "image/*", "aria-label": "Your own picture" });
  const upload = node("label", { class: "upload" }, file, "Your own picture …");
  const told = node("p", { class: "soft", role: "status" });
  const seen = node("div", { class: "seen" });
  const take = async (one) => {
    try {
      const { pixels, view, done } = await readPicture(one, layout.size);
      change(view, { role: "img", "aria-label": "Your picture, with a frame around what was taken" });
      seen.replaceChildren(view);
      say(told, `${done} It stays in this page.`);
      put(pixels);
    } catch (error) {
      seen.replaceChildren();
      say(told, error.message);
    }
  };
  file.addEventListener("change", () => { if (file.files[0]) take(file.files[0]); file.value = ""; });
  own.top.addEventListener("dragover", (event) => event.preventDefault());
  own.top.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer?.files[0]) take(event.dataTransfer.files[0]);
  });
  const ownPicture = node("div", { class: "own-picture" }, upload, told, seen);

  const clear = node("button", { type: "button", onclick: () => put(empty()) }, "Clear");
  made.pictures = samples.map((sample) => {
    const thumb = node("canvas", { width: layout.size, height: layout.size, "aria-hidden": "true" });
    paintGrey(thumb, sample.pixels, layout.size);
    const name = lower(layout.classes[sample.label]);
    const button = node("button", {
      type: "button", class: "sample", onclick: () => put(sample.pixels),
      "aria-label": `Test image: ${name}${sample.right ? "" : ", which it gets wrong"}`, title: name,
    }, thumb);
    return { ...sample, button };
  });

  // What comes out
  made.bars = layout.classes.map((name) => {
    const bar = node("span", { class: "fill" });
    const ghost = node("span", { class: "ghost" });
    const value = node("span", { class: "value" });
    const row = node("li", {}, node("span", { class: "name" }, name),
      node("span", { class: "track", "aria-hidden": "true" }, bar, ghost), value);
    return { row, bar, ghost, value };
  });
  made.verdict = node("p", { class: "verdict" });

  // Of a module's 3×3 branch, the channel that answers most now, as a part of what it can.
  made.liveliest = (stage) => {
    const { "1x1": before, "3x3": width } = stage.branches;
    const map = made.found?.maps[stage.name];
    if (!map) return before;
    const places = map.side ** 2;
    const parts = Array.from({ length: width }, (_, i) => Math.max(
      ...map.data.subarray((before + i) * places, (before + i + 1) * places)) / (made.peaks[stage.name][before + i] || 1));
    return before + argmax(parts);
  };

  // The modules at a glance
  made.blocks = modules.map((stage) => {
    const canvas = node("canvas", { "aria-hidden": "true", ...blockSize(stage) });
    const radio = node("input", {
      type: "radio", name: "module", value: stage.name, "aria-label": `Module ${short(stage)}`,
      onchange: () => move({ open: stage.name, channel: made.liveliest(stage) }),
    });
    const label = node("label", {}, small ? null : radio, canvas, node("span", {}, short(stage)));
    return { stage, canvas, radio, label };
  });
  const glance = node(small ? "div" : "fieldset", small
    ? { class: "glance", role: "img", "aria-label": `${several(modules.length, "Inception module")}, each with the maps of its four branches` }
    : { class: "glance" },
  small ? null : node("legend", { class: "unseen" }, "Open a module"), made.blocks.map(({ label }) => label));

  // Branches of all modules, to be switched off
  const toggle = (name) => () => {
    const off = get("off");
    move({ off: off.includes(name) ? off.filter((one) => one !== name) : [...off, name] });
  };
  const switchFor = (name, text, colour, where = "") => {
    const box = node("input", { type: "checkbox", "aria-label": where ? `${text} ${where}` : null, onchange: () => toggle(own.naming(name))() });
    const label = node("label", { class: "switch" }, box, node("span", {}, text));
    if (colour) label.style.setProperty("--branch", colour);
    return { name, box, label };
  };
  own.naming = (name) => (typeof name === "function" ? name() : name);
  made.everywhere = BRANCHES.map((branch) => switchFor(branch, NAMES[branch], COLOURS[branch], "in all modules"));
  const switches = node("div", { class: "switches", role: "group", "aria-label": "Branches of all modules" },
    node("span", {}, "Branches:"), made.everywhere.map(({ label }) => label));

  const input = node("div", { class: "in" }, node("p", { class: "card-title" }, "Draw an outline"),
    node("p", { class: "soft hint" }, "A closed one is filled."), made.pad, node("div", { class: "tools" }, tools, clear, small ? null : arrows));
  const output = node("div", { class: "out" }, made.verdict,
    node("ul", { class: "bars", "aria-label": "Classes" }, made.bars.map(({ row }) => row)));
  const scene = node("div", { class: "scene" }, input,
    node("div", { class: "middle-part" }, node("p", { class: "card-title" }, "Eight modules answer"), glance, switches),
    output);
  const choose = node("div", { class: "samples", role: "group", "aria-label": "Test images" },
    made.pictures.map(({ button }) => button));

  made.task = small ? null : taskOf(get("turns"), layout, modules, samples.find(({ pixels }) => alike(pixels, get("image"))));

  const body = [scene, choose, summary];
  if (!small) {
    if (get("start") === "upload") body.unshift(ownPicture);
    else body.splice(2, 0, ownPicture);
    made.open = openModule(own, made, switchFor);
    made.pick = control(slider, "channel", { label: "Channel of this module", min: 0, max: 0 });
    made.panel = channelPanel({
      size: layout.size, lower,
      images: (canvas, pixels) => paintGrey(canvas, pixels, layout.size),
      paintMap: paintOne,
    });
    const alone = switchFor(() => `${get("open")}:${get("channel")}`, "This channel", null, "on");
    made.alone = { show: (off) => { alone.box.checked = !off.includes(own.naming(alone.name)); } };
    if (made.task) body.push(made.task.element);
    body.push(made.open.element, node("div", { class: "pick" }, made.pick, alone.label), made.panel);
  }

  whenNear(own.top).then(() => bytesOf(get("weights"))).then((bytes) => { made.net = unpack(bytes, layout); }, (error) => {
    made.broken = error;
  }).then(refresh).then(() => (small ? null : bytesOf(get("strongest")))).then((bytes) => {
    if (!bytes) return;
    made.pool = readPool(bytes, layout);
    refresh();
  }).catch(() => {}); // without it the figure only shows fewer pictures
  return {
    title: "An Inception network, at work", body, ...made, made,
    note: small ? "The network is small, was trained on pictures of clothes, and " +
      "runs in this page: nothing you draw leaves it." :
      "The network is mini-googlenet, trained on Fashion-MNIST; it runs in this page, and nothing you " +
      "draw leaves it. Every square is the map of one channel, from nothing to its largest value on some " +
      "test images in full colour. What is switched off gives zeros. Classes that it rules out keep about " +
      `${whole100(get("smoothing") / layout.classes.length)}: in training the target of each wrong class was ` +
      "that much, not 0, so that the network would not grow too sure (label smoothing).",
  };
}

function update({ image, open, channel, off }, { made }) {
  const { layout, modules, samples, net, pad, bars } = made;
  pad.show(made.sheet());
  for (const { button, pixels } of made.pictures)
    change(button, { "aria-pressed": String(alike(pixels, image)) });
  for (const { name, box } of made.everywhere) box.checked = !off.includes(name);
  const stage = modules.find(({ name }) => name === open);
  for (const { stage: { name }, radio } of made.blocks) radio.checked = name === open;
  made.pick?.show(channel, { max: stage.channels - 1 });
  if (!net) {
    say(made.verdict, made.broken ? "No answer" : "Loading the network …");
    made.open?.show(stage, channel, null, off);
    return {
      summary: made.broken
        ? `The network's weights could not be loaded (${made.broken.message}): try to reload the page.` : "",
      results: {},
    };
  }
  const start = performance.now();
  const found = run(net, image, { off: new Set(off) });
  made.top.dataset.took = (performance.now() - start).toFixed(1); // milliseconds
  made.found = found;
  const whole = off.length ? run(net, image) : found;
  const { probabilities } = found;
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  const truth = samples.find(({ pixels }) => alike(pixels, image))?.label;
  const blank = image.every((grey) => grey === 0);
  bars.forEach(({ row, bar, ghost, value }, i) => {
    bar.style.width = `${100 * probabilities[i]}%`;
    ghost.style.left = `${100 * whole.probabilities[i]}%`;
    ghost.hidden = !off.length;
    say(value, whole100(probabilities[i]));
    row.classList.toggle("top", i === order[0]);
    row.classList.toggle("truth", i === truth);
  });
  const name = (i) => lower(layout.classes[i]);
  const said = `${layout.classes[order[0]]}, ${whole100(probabilities[order[0]])}`;
  say(made.verdict, blank ? "An empty sheet" : said);
  made.open?.answers(made.verdict.textContent);
  made.task?.show(image, off);
  for (const { stage, canvas } of made.blocks) paintBlock(canvas, stage, found.maps[stage.name], made.peaks[stage.name]);
  made.open?.show(stage, channel, found.maps, off);
  made.alone?.show(off);
  const channelSays = made.panel?.show({
    net, found, stage, channel, off: new Set(off), pool: made.pool, classes: layout.classes, top: order[0],
  });
  const was = truth === undefined ? "" : truth === order[0] ? ", and it is one"
    : `, but it is ${withArticle(name(truth))}`;
  const without = off.length ? ` Without that switched off: ${name(argmax(whole.probabilities))}, ${
    whole100(Math.max(...whole.probabilities))}.` : "";
  made.said = blank
    ? `The sheet is empty, and the network cannot say so: it must name a class, and names ${name(order[0])}, ${
      whole100(probabilities[order[0]])}. Draw a garment, or choose a test image.`
    : `The network says ${name(order[0])}, ${whole100(probabilities[order[0]])}${was}. Next: ${
        name(order[1])}, ${whole100(probabilities[order[1]])}.${without}`;
  return {
    summary: made.resting ? undefined : made.said,
    results: {
      prediction: layout.classes[order[0]], scores: found.scores, probabilities, truth: truth ?? null, off,
      open, channel, ...channelSays,
    },
  };
}

const argmax = (values) => values.indexOf(Math.max(...values));
const whole100 = (part) => `${Math.round(100 * part)}%`;

function readSamples({ images, labels, right }, size) {
  const bytes = Uint8Array.from(atob(images), (letter) => letter.charCodeAt(0));
  return labels.map((label, i) => ({
    label, right: right[i], pixels: [...bytes.subarray(i * size ** 2, (i + 1) * size ** 2)],
  }));
}

// What to look for with the first picture, where single branches change the answer: `turns` holds them,
// each with the class that is named without it. It is ticked as they are found.
function taskOf(turns, { classes }, modules, first) {
  const branches = Object.keys(turns);
  if (!branches.length || !first) return null;
  const said = [...new Set(Object.values(turns))].map((i) => lower(classes[i]));
  const list = said.length > 1 ? `${said.slice(0, -1).join(", ")} or ${said.at(-1)}` : said[0];
  const many = ["one", "two", "three", "four"][branches.length - 1] ?? count(branches.length);
  const found = new Set();
  const tells = node("p", { class: "found", role: "status" });
  return {
    element: node("div", { class: "task" }, node("p", {}, node("b", {}, "Find out. "),
      `The figure opens with ${withArticle(lower(classes[first.label]))}. Take one branch of one module ` +
      `away, and nearly always the answer stays. Of the ${modules.length * BRANCHES.length} branches, only ` +
      `${many} ${branches.length === 1 ? "changes" : "change"} it when switched off alone: then the network ` +
      `says ${list}. Which ${many}?`), tells),
    show(image, off) {
      if (off.length !== 1 || !(off[0] in turns) || !alike(image, first.pixels)) return;
      found.add(off[0]);
      say(tells, `Found: ${[...found].map((name) => {
        const [stage, branch] = name.split(".");
        return `${NAMES[branch]} of ${short({ name: stage })} (${lower(classes[turns[name]])})`;
      }).join(", ")}.${found.size === branches.length ? " That is all." : ""}`);
    },
  };
}

// Weights are loaded when the page has been read and the figure is near, not before.
async function whenNear(element) {
  if (document.readyState !== "complete") await new Promise((go) => addEventListener("load", go, { once: true }));
  if (globalThis.IntersectionObserver) {
    await new Promise((go) => {
      const watch = new IntersectionObserver((seen) => {
        if (!seen.some((one) => one.isIntersecting)) return;
        watch.disconnect();
        go();
      }, { rootMargin: "400px" });
      watch.observe(element);
    });
  }
  await new Promise((go) => (globalThis.requestIdleCallback ?? setTimeout)(go, { timeout: 1000 }));
}

// Calls f with what was given last, in a frame of its own, and not again until `gap` milliseconds after
// it was done: between two calls there is time for the pointer.
function atMostEvery(gap, f) {
  let due = false;
  let last = null;
  let done = -Infinity;
  const run = () => {
    due = false;
    if (last === null) return;
    const value = last;
    last = null;
    f(value);
    done = performance.now();
  };
  return {
    give(value) {
      last = value;
      if (due) return;
      due = true;
      setTimeout(() => requestAnimationFrame(run), Math.max(0, done + gap - performance.now()));
    },
    waiting: () => last,
    drop: () => { last = null; },
  };
}

// Test images, and for each channel of each module the ones it answers most.
function readPool(bytes, { size, stages }) {
  const each = size ** 2;
  const modules = stages.filter(({ kind }) => kind === "module");
  const channels = modules.reduce((sum, stage) => sum + stage.channels, 0);
  const count = (bytes.length - 2 * STRONGEST * channels) / each;
  const numbers = new Uint16Array(bytes.slice(count * each).buffer);
  return {
    count,
    image: (i) => bytes.subarray(i * each, (i + 1) * each),
    of(stage, channel) {
      const before = modules.slice(0, modules.indexOf(stage)).reduce((sum, other) => sum + other.channels, 0);
      return [...numbers.subarray(STRONGEST * (before + channel), STRONGEST * (before + channel + 1))];
    },
  };
}

// One map alone, from nothing to its own largest value.
function paintOne(canvas, map, channel, colour) {
  const { data, side } = map;
  change(canvas, { width: side, height: side });
  const peak = Math.max(...data.subarray(channel * side * side, (channel + 1) * side * side), 1e-9);
  const image = new ImageData(side, side);
  tint(image, 0, 0, map, channel, peak, rgb(colour));
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function paintGrey(canvas, pixels, size) {
  const image = new ImageData(size, size);
  pixels.forEach((grey, i) => image.data.set([grey, grey, grey, 255], 4 * i));
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const rgb = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

// Writes a map into an image at (left, top): the branch's colour, as opaque as the value is large.
function tint(image, left, top, { data, side }, channel, peak, [red, green, blue]) {
  const first = channel * side * side;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const part = Math.min(1, data[first + y * side + x] / (peak || 1));
      const at = 4 * ((top + y) * image.width + left + x);
      image.data[at] = red;
      image.data[at + 1] = green;
      image.data[at + 2] = blue;
      image.data[at + 3] = 20 + 235 * part ** 0.65;
    }
  }
}

function blockSize({ channels, side }) {
  const gap = (GAP * side) / 7;
  return { width: ACROSS * side, height: (channels / ACROSS) * side + gap * (BRANCHES.length - 1), gap };
}

// All maps of a module, input on the left: branch under branch, heights in proportion to channels.
function paintBlock(canvas, stage, map, peaks) {
  const { branches, side } = stage;
  const { width, height, gap } = blockSize(stage);
  const image = new ImageData(width, height);
  let [channel, top] = [0, 0];
  for (const branch of BRANCHES) {
    const colour = rgb(COLOURS[branch]);
    for (let i = 0; i < branches[branch]; i++, channel++)
      tint(image, (i % ACROSS) * side, top + Math.floor(i / ACROSS) * side, map, channel, peaks[channel], colour);
    top += (branches[branch] / ACROSS) * side + gap;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// One module: its input below, the maps of its four branches side by side, their concatenation above.
function openModule({ drawing, get, move, naming }, made, switchFor) {
  const { branches: parts, source, inText, outText, parts: drawn } = moduleParts({
    lowName: ["middle", "small"], highName: ["middle"], joinedCount: ["strong", "middle"],
  });
  const chosen = shape("rect", { class: "chosen" });
  const canvases = BRANCHES.map(() => node("canvas", { class: "maps", "aria-hidden": "true" }));
  let geometry = null;
  const inputOf = (stage) => {
    const before = made.layout.stages[made.layout.stages.indexOf(stage) - 1];
    return before.channels;
  };

  const draw = (width, stage, channel, maps) => {
    if (!stage) return { height: 10, label: "" };
    const rows = width < 560 ? 8 : 4;
    const gap = 10;
    const columns = BRANCHES.map((branch) => Math.ceil(stage.branches[branch] / rows));
    const tile = Math.min(30, Math.floor((width - gap * 3) / columns.reduce((a, b) => a + b)));
    const total = tile * columns.reduce((a, b) => a + b) + 3 * gap;
    let left = (width - total) / 2;
    const Y = { out: 12, joined: 20, bar: 20 };
    Y.grid = Y.joined + Y.bar + 44;
    Y.gridTall = rows * tile;
    Y.low = Y.grid + Y.gridTall + 26;
    Y.source = Y.low + 8 + 46;
    Y.end = Y.source + 10 + 20;
    const scale = tile / rows;
    const coming = inputOf(stage);
    const from = { middle: width / 2, half: Math.min(width / 2 - 1, (coming * scale) / 2), top: Y.source, tall: 10 };
    drawSlab(source, from, null);
    place(inText, width / 2, Y.end - 4, `in: ${several(coming, "channel")}, ${stage.side} × ${stage.side}`);
    place(outText, width / 2, Y.out, `out: ${several(stage.channels, "channel")}${width < 300 ? "" : ", one behind the other"}`);
    const long = stage.channels * scale;
    const joinedLeft = (width - long) / 2;
    geometry = { tile, rows, places: [] };
    let first = 0;
    let mark = null;
    BRANCHES.forEach((branch, i) => {
      const n = stage.branches[branch];
      const own = parts[i];
      const wide = columns[i] * tile;
      const middle = left + wide / 2;
      const high = { middle, half: wide / 2, top: Y.grid - 4, tall: Y.gridTall + 8, gap: 0 };
      const two = branch !== "1x1";
      const reduced = branch === "pool" ? coming
        : made.layout.units.find(({ name }) => name === `${stage.name}.${branch}.reduce`)?.outputs ?? 0;
      const low = { middle, half: branch === "pool" ? Math.max(14, wide / 2) : (reduced * scale) / 2,
        top: Y.low, tall: 8, sign: branch === "pool" };
      const joined = { middle: joinedLeft + (first + n / 2) * scale, half: (n * scale) / 2, top: Y.joined, tall: Y.bar };
      drawFunnels(own, { source: from, low: two ? low : null, high, joined });
      drawSlab(own.low, two ? low : { ...low, half: 0 }, null);
      drawSlab(own.high, high, null, 4);
      drawJoined(own.joined, joined, i < 3);
      place(own.joinedCount, joined.middle, Y.joined + 15, count(n));
      place(own.highName, middle, Y.grid - 14, NAMES[branch]);
      place(own.lowName, middle, Y.low + 22,
        !two ? "" : branch === "pool" ? "max 3×3" : `1×1: ${reduced}`);
      const canvas = canvases[i];
      Object.assign(canvas.style, { left: `${left}px`, top: `${Y.grid}px`, width: `${wide}px`,
        height: `${Y.gridTall}px` });
      geometry.places.push({ left, top: Y.grid, wide, first, n });
      if (maps) paintMaps(canvas, maps[stage.name], first, n, rows, made.peaks[stage.name], COLOURS[branch]);
      if (channel >= first && channel < first + n) {
        const at = channel - first;
        mark = [left + Math.floor(at / rows) * tile, Y.grid + (at % rows) * tile];
      }
      first += n;
      left += wide + gap;
    });
    box(chosen, mark[0], mark[1], tile, tile);
    return {
      height: Y.end,
      label: `Module ${short(stage)}: ${several(coming, "channel")} come in below, four branches of ` +
        `${Object.values(stage.branches).join(", ")} channels stand side by side, each with its maps, and ` +
        `are joined above to ${several(stage.channels, "channel")}. Channel ${channel} is marked.`,
    };
  };
  const picture = drawing({ parts: drawn, draw });
  const marker = shape("svg", { class: "marker", "aria-hidden": "true" }, chosen);
  const holder = node("div", { class: "module-maps" }, picture, canvases, marker);
  drag(holder, ({ x, y }) => {
    for (const { left, top, wide, first, n } of geometry.places) {
      if (x < left || x >= left + wide || y < top || y >= top + geometry.rows * geometry.tile) continue;
      const at = Math.floor((x - left) / geometry.tile) * geometry.rows + Math.floor((y - top) / geometry.tile);
      if (at < n) move({ channel: first + at });
    }
  });
  const heading = node("p", { class: "card-title" });
  const now = node("p", { class: "now", "aria-hidden": "true" }); // the bars may be out of sight
  const ofBranch = BRANCHES.map((branch) =>
    switchFor(() => `${get("open")}.${branch}`, NAMES[branch], COLOURS[branch], "in this module"));
  const ofModule = switchFor(() => get("open"), "the whole module", null, "on");
  const switches = node("div", { class: "switches", role: "group", "aria-label": "Switches of this module" },
    node("span", {}, "Of this module alone:"), [...ofBranch, ofModule].map(({ label }) => label));
  return {
    element: node("div", { class: "open" }, node("div", { class: "head" }, heading, now), switches, holder),
    answers: (text) => say(now, text),
    show(stage, channel, maps, off) {
      say(heading, `Module ${short(stage)}, opened`);
      for (const { name, box } of [...ofBranch, ofModule]) box.checked = !off.includes(naming(name));
      picture.show(stage, channel, maps);
    },
  };
}

// The maps of a branch, column by column.
function paintMaps(canvas, map, first, n, rows, peaks, colour) {
  const { side } = map;
  const cell = side + 1;
  const [width, height] = [Math.ceil(n / rows) * cell, rows * cell];
  if (canvas.width !== width || canvas.height !== height) change(canvas, { width, height });
  const image = new ImageData(width, height);
  for (let i = 0; i < n; i++)
    tint(image, Math.floor(i / rows) * cell, (i % rows) * cell, map, first + i, peaks[first + i], rgb(colour));
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const CSS = `${MODULE_CSS}${PAD_CSS}
.scene { display: grid; gap: 12px 16px; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
  grid-template-areas: "in out" "middle middle"; align-items: start; }
.in { grid-area: in; } .out { grid-area: out; } .middle-part { grid-area: middle; }
.tools { display: flex; flex-wrap: wrap; gap: 6px 8px; margin-top: 8px; }
.tools legend { display: none; }
.verdict { font-size: 1.15em; font-weight: 650; min-height: 2.6em; line-height: 1.3; }
.bars { list-style: none; margin: 0; padding: 0; font-size: .87em; }
.bars li { display: grid; grid-template-columns: 6.2em 1fr 2.6em; gap: 6px; align-items: center;
  height: 22px; }
.bars .name { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.bars .value { text-align: right; }
.track { position: relative; height: 10px; border-radius: 5px; background: var(--well); }
.bars .fill { position: absolute; inset: 0 auto 0 0; border-radius: 5px; background: var(--slab); }
.bars .ghost { position: absolute; top: -3px; width: 2px; height: 16px; background: var(--ink); }
.bars .top { font-weight: 650; } .bars .top .fill { background: var(--ink); }
.bars .truth .name { text-decoration: underline; text-underline-offset: 3px; }
.glance { display: grid; grid-template-columns: repeat(8, minmax(0, 1fr)); gap: 7px; border: 0; margin: 0;
  padding: 0; min-width: 0; align-items: center; }
.glance label { position: relative; display: grid; gap: 3px; text-align: center; font-size: .8em;
  padding: 2px; border-radius: 6px; }
.glance canvas { width: 100%; image-rendering: pixelated; display: block; }
.glance input { position: absolute; inset: 0; width: 100%; height: 100%; opacity: 0; cursor: pointer; }
.glance label:has(:checked) { box-shadow: 0 0 0 2px var(--ink); }
.glance label:has(:focus-visible) { outline: 3px solid #2f81e0; outline-offset: 2px; }
.switches { display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: center; margin-top: 10px; font-size: .93em; }
.switch { display: inline-flex; gap: 6px; align-items: center; }
.switch input { accent-color: var(--branch, var(--accent)); }
.samples { display: grid; grid-template-columns: repeat(10, minmax(0, 1fr)); gap: 5px; }
.sample { padding: 0; border-radius: 5px; overflow: hidden; line-height: 0; background: #000; }
.sample canvas { width: 100%; }
.sample[aria-pressed="true"] { box-shadow: 0 0 0 3px var(--ink); }
.summary { min-height: calc(4.4em + 16px); }
.module-maps { position: relative; margin-top: 14px; }
.maps { position: absolute; image-rendering: pixelated; pointer-events: none; }
.module-maps .high { fill: var(--paper) !important; stroke-width: 1.5 !important; }
.stage[data-theme="dark"] :is(.maps, .glance canvas) { filter: brightness(1.45); }
.times { display: inline-block; min-width: 40px; }
.soft { color: var(--soft); font-size: .9em; }
.hint { margin: -6px 0 8px; line-height: 1.3; }
.task { border-left: 4px solid var(--control); padding: 2px 0 2px 12px; } .found { font-weight: 650; }
.now { font-weight: 650; padding-bottom: 8px; }
.arrows { display: inline-flex; gap: 3px; align-items: center; font-size: .93em; } .arrows button { padding: 3px 8px; min-width: 30px; }
.own-picture { display: grid; grid-template-columns: auto minmax(0, 1fr) auto; gap: 10px; align-items: center; }
.upload { position: relative; border: 1px solid var(--control); border-radius: 6px; padding: 4px 12px;
  cursor: pointer; }
.upload input { position: absolute; inset: 0; width: 100%; height: 100%; opacity: 0; cursor: pointer; }
.upload:has(:focus-visible) { outline: 3px solid #2f81e0; outline-offset: 1px; }
.seen canvas { max-width: 96px; max-height: 96px; border-radius: 6px; display: block; }
.pick { display: grid; gap: 4px 20px; align-items: end; }
.channel { display: grid; gap: 12px 20px; align-items: start; }
.channel > div { display: grid; gap: 8px; min-width: 0; }
.large-map { width: 100%; max-width: 190px; image-rendering: pixelated; border: 3px solid var(--branch);
  border-radius: 4px; }
.products { display: grid; grid-template-columns: repeat(auto-fill, minmax(100px, 1fr)); gap: 8px 4px; }
.product { display: inline-flex; align-items: center; gap: 5px; }
[hidden] { display: none !important; }
.part { width: 40px; height: 40px; image-rendering: pixelated; border: 1px solid var(--line); border-radius: 3px; }
.thumbs { display: flex; flex-wrap: wrap; gap: 5px; }
.thumb { width: 44px; height: 44px; border-radius: 4px; background: #000; }
.marker { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; }
.chosen { fill: none; stroke: var(--ink); stroke-width: 2.5; }
@container (max-width: 420px) { .bars li { grid-template-columns: 5.6em 1fr 2.4em; gap: 4px; } }
@container (max-width: 300px) { .samples { grid-template-columns: repeat(5, minmax(0, 1fr)); } }
@container (min-width: 320px) and (max-width: 420px) {
  .scene { grid-template-columns: minmax(0, 3fr) minmax(0, 4fr); }
  .bars li { grid-template-columns: 7.2em 1fr 2.4em; } }
@container (min-width: 560px) {
  .scene { grid-template-columns: minmax(0, 180px) minmax(0, 1fr) minmax(0, 180px);
    gap: 12px 14px;
    grid-template-areas: "in middle out"; }
  .samples { grid-template-columns: repeat(20, minmax(0, 1fr)); }
  .summary { min-height: calc(2.9em + 16px); }
  .pick { grid-template-columns: minmax(0, 1fr) auto; }
  .channel { grid-template-columns: minmax(0, 200px) minmax(0, 1fr); }
}
`;

export default figure({
  name: "An Inception network at work", css: CSS, state: ["image", "open", "channel", "off"], build, update,
});
