// A trained Inception network at work on what the reader draws: the sheet on the left, its eight
// modules in the middle, the classes on the right; below, one module or one channel, opened. Where it is
// narrow, the modules are below, too.

import {
  BRANCHES, COLOURS, box, change, choice, count, drag, figure, node, paint, place, readBytes, say, several, shape,
  slider, words,
} from "../interactive/kit.js";
import { STRONGEST, channelPanel } from "./channel_panel.js";
import { COVER, covered, slide } from "./cover.js";
import { blockSize, paintBlock, paintMaps, paintOne, peakOf } from "./map_painting.js";
import { MODULE_CSS, drawFunnels, drawJoined, drawSlab, moduleParts } from "./module_drawing.js";
import { run, unpack } from "./network_engine.js";
import { bytesOf } from "./page_data.js";
import { readPicture } from "./picture_input.js";
import { PAD_CSS, sketchPad } from "./sketch_pad.js";

const NAMES = { "1x1": "1×1", "3x3": "3×3", "5x5": "5×5", "pool": "pool" };
const BETWEEN = 100; // milliseconds from one answer to the next while a stroke is drawn
const LARGEST = 24; // pixels of a map's side in an open module
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
  const made = {
    layout, modules, samples, small, peaks: get("peaks"), usual: get("usual"), top: own.top, net: null, broken: null,
  };

  // What goes in
  const isSample = (image) => samples.some(({ pixels }) => alike(pixels, image));
  const empty = () => new Array(layout.size ** 2).fill(0);
  let tool = "draw";
  const middle = new Array(2).fill((layout.size - COVER) / 2);
  const tools = choice({
    legend: "",
    options: [["draw", "Draw"], ["rub", "Rub out"], ...(small ? [] : [["cover", "Cover"]])],
    change: (value) => {
      tool = value;
      later.drop();
      move({ image: made.sheet(), cover: value === "cover" ? get("cover") ?? middle : null });
    },
  });
  made.tools = {
    show(cover) {
      if (cover) tool = "cover";
      else if (tool === "cover") tool = "draw";
      tools.show(tool);
    },
  };
  change(tools.element, { "aria-label": "Tool" });
  const later = atMostEvery(BETWEEN, move);
  made.sheet = () => later.waiting()?.image ?? get("image");
  const put = (image) => {
    later.drop();
    clearTimeout(made.resting);
    made.resting = null;
    move({ image });
  };
  // While it is drawn or covered, answers follow as they can; what takes longer waits for a rest.
  const follow = (changes) => {
    later.give(changes);
    made.pad.show(made.sheet(), changes.cover ?? get("cover"));
    clearTimeout(made.resting);
    made.resting = setTimeout(() => { made.resting = null; refresh(); }, REST);
  };
  made.pad = sketchPad({
    size: layout.size,
    tool: () => tool,
    // A pen begins a clean sheet where there is a picture; a rubber works on it.
    start: () => (tool === "draw" && isSample(made.sheet()) ? empty() : made.sheet()),
    changed: (image) => follow({ image }),
    moved: (cover) => follow({ cover }),
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
    node("span", { class: "wordy", "aria-hidden": "true" }, "Shift"),
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

  made.clear = node("button", { type: "button", onclick: () => put(empty()) }, "Clear");

  // The cover, at every place in turn
  made.everyPlace = node("button", {
    type: "button", hidden: true, onclick: () => {
      stopSliding(made);
      const { image, off } = { image: get("image"), off: new Set(get("off")) };
      const usual = get("instead") === "means" ? made.usual : {};
      const whole = run(made.net, image, { off, usual }).probabilities;
      const top = argmax(whole);
      made.slid = { image, off: get("off"), instead: get("instead"), top, whole: whole[top], falls: [] };
      made.slid.stop = slide(image, layout.size, (one) => run(made.net, one, { off, usual }).probabilities[top],
        (falls, side) => {
          Object.assign(made.slid, { falls: [...falls], side, done: falls.length === side ** 2 });
          made.pad.showFalls(falls, side);
          if (made.slid.done) refresh();
        });
    },
  }, "Try all places");
  made.pictures = samples.map((sample) => {
    const thumb = node("canvas", { width: layout.size, height: layout.size, "aria-hidden": "true" });
    paintGrey(thumb, sample.pixels);
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
    const parts = Array.from({ length: width }, (_, i) =>
      peakOf(map, before + i) / (made.peaks[stage.name][before + i] || 1));
    return before + argmax(parts);
  };

  // The modules at a glance
  made.blocks = modules.map((stage) => {
    const canvas = node("canvas", { "aria-hidden": "true", ...blockSize(stage) });
    const openIt = () => get("open") === stage.name || move({ open: stage.name, channel: made.liveliest(stage) });
    const radio = node("input", {
      type: "radio", name: "module", value: stage.name, "aria-label": `Module ${short(stage)}`,
      onchange: openIt,
      // Keys go on to the next module; a finger or a mouse has found its own.
      onclick: ({ detail }) => { if (detail && view === "all") { openIt(); turn("module"); } },
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
    node("span", { class: "wordy" }, "Branches:"), made.everywhere.map(({ label }) => label));

  const input = node("div", { class: "in" }, node("p", { class: "card-title" }, "Draw an outline"),
    node("p", { class: "soft hint" }, "A closed one is filled."), made.pad, small ? null : arrows);
  const row = node("div", { class: "tools" }, tools, made.clear, small ? null : made.everyPlace);
  const output = node("div", { class: "out" }, made.verdict,
    node("ul", { class: "bars", "aria-label": "Classes" }, made.bars.map(({ row }) => row)));
  const glanceCard = node("div", { class: "middle-part" },
    node("p", { class: "card-title" }, "Eight modules answer"), glance, switches);
  const choose = node("div", { class: "samples", role: "group", "aria-label": "Test images" },
    made.pictures.map(({ button }) => button));
  const scene = node("div", { class: "scene" }, input, row, output, small ? [glanceCard, choose] : choose);

  made.task = small ? null : taskOf(get("turns"), layout, modules, samples.find(({ pixels }) => alike(pixels, get("image"))));

  // What is looked at below
  let view = "module";
  const views = choice({
    legend: "", options: [["all", "All modules"], ["module", "One module"], ["channel", "One channel"]],
    change: (value) => turn(value),
  });
  change(views.element, { class: "choice views", "aria-label": "Look at" });
  const turn = (value) => {
    view = value;
    views.show(view);
    change(scene, { "data-view": view });
    refresh();
  };
  made.view = () => view;

  const body = [scene, summary];
  if (!small) {
    if (get("start") === "upload") body.unshift(ownPicture);
    else body.splice(1, 0, ownPicture);
    made.open = openModule(own, made, switchFor, () => turn("channel"));
    made.pick = control(slider, "channel", { label: "Channel", min: 0, max: 0 });
    made.panel = channelPanel({ size: layout.size, lower, images: paintGrey, paintMap: paintOne, peakOf });
    const alone = switchFor(() => `${get("open")}:${get("channel")}`, "This channel", null, "on");
    made.alone = { show: (off) => { alone.box.checked = !off.includes(own.naming(alone.name)); } };
    const instead = control(choice, "instead", {
      legend: "What is off gives", options: [["zeros", "zeros"], ["means", "its mean"]],
    });
    scene.append(
      node("div", { class: "looks" }, views.element, instead.element), glanceCard, made.open.element,
      node("div", { class: "one-channel" }, node("div", { class: "pick" }, made.pick.element, alone.label), made.panel.element));
    change(scene, { "data-view": view });
    views.show(view);
    // The modules stand beside the sheet where there is room, else below: the Tab key finds them there.
    new ResizeObserver(() => {
      const beside = getComputedStyle(glanceCard).gridRowStart === "middle";
      const next = beside ? output : made.open.element;
      if (glanceCard.nextSibling !== next) scene.insertBefore(glanceCard, next);
    }).observe(scene);
    if (made.task) body.push(made.task.element);
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
      "runs in this page: nothing you draw leaves it." : node("details", {}, node("summary", {}, "How to read this figure"),
      "The network is mini-googlenet, trained on Fashion-MNIST; it runs in this page, and nothing you " +
      "draw leaves it. Every square is the map of one channel, from nothing to its largest value on some " +
      "test images in full colour. What is switched off gives zeros or, if you choose so, the mean of each of its " +
      `channels over ${count(get("averaged"))} training images, the same at all places. The cover is black, as the ` +
      "ground of every picture. A line in a bar marks the answer with nothing off and nothing covered. " +
      "Classes that the network rules out keep about " +
      `${whole100(get("smoothing") / layout.classes.length)}: in training the target of each wrong class was ` +
      "that much, not 0, so that the network would not grow too sure (label smoothing)."),
  };
}

function stopSliding(made) {
  made.slid?.stop();
  made.slid = null;
  made.pad.showFalls(null);
}

// The maps and the answer: of the image as it is, kept until it changes, and as it is shown now. What
// comes before the first part that is off need not be computed again.
function answersTo(made, image, seen, off, usual) {
  const { net } = made;
  if (!made.plain || !alike(made.plain.image, image)) made.plain = { image, ...run(net, image) };
  if (seen !== image) return run(net, seen, { off, usual });
  const { stages } = net;
  const first = stages.findIndex(({ name, branches }) =>
    [...off].some((one) => one.split(/[.:]/)[0] === name || (branches && one in branches)));
  if (first < 0) return made.plain;
  return run(net, image, { off, usual, after: stages[first - 1]?.name, known: made.plain.maps });
}

function update({ image, open, channel, off, instead, cover }, { made }) {
  const { layout, modules, samples, net, pad, bars } = made;
  pad.show(made.sheet(), cover);
  made.tools.show(cover);
  made.everyPlace.hidden = !cover || !net;
  made.clear.hidden = Boolean(cover);
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
  const usual = instead === "means" ? made.usual : {};
  const seen = cover ? covered(image, cover, layout.size) : image;
  const found = answersTo(made, image, seen, new Set(off), usual);
  made.top.dataset.took = (performance.now() - start).toFixed(1); // milliseconds
  made.found = found;
  const whole = made.plain;
  const changed = found !== whole;
  const { probabilities } = found;
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  const truth = samples.find(({ pixels }) => alike(pixels, image))?.label;
  const blank = image.every((grey) => grey === 0);
  bars.forEach(({ row, bar, ghost, value }, i) => {
    bar.style.width = `${100 * probabilities[i]}%`;
    ghost.style.left = `${100 * whole.probabilities[i]}%`;
    ghost.hidden = !changed;
    say(value, whole100(probabilities[i]));
    row.classList.toggle("top", i === order[0]);
    row.classList.toggle("truth", i === truth);
  });
  const name = (i) => lower(layout.classes[i]);
  const said = `${layout.classes[order[0]]}, ${whole100(probabilities[order[0]])}`;
  say(made.verdict, blank ? "An empty sheet" : said);
  made.task?.show(image, off, instead, cover);
  for (const { stage, canvas } of made.blocks) paintBlock(canvas, stage, found.maps[stage.name], made.peaks[stage.name]);
  made.open?.show(stage, channel, found.maps, off);
  made.alone?.show(off);
  // It asks the network once more: not in the middle of a stroke.
  const channelSays = made.panel?.show({
    net, found, stage, channel, off: new Set(off), usual, instead, pool: made.pool, classes: layout.classes,
    top: order[0], hurry: Boolean(made.resting) || made.view() !== "channel",
  });
  const { slid } = made;
  if (slid && !(alike(slid.image, image) && slid.instead === instead && String(slid.off) === String(off) && cover))
    stopSliding(made);
  const was = truth === undefined ? "" : truth === order[0] ? ", and it is one"
    : `, but it is ${withArticle(name(truth))}`;
  const what = [...(off.length ? ["off"] : []), ...(cover ? ["covered"] : [])].join(" or ");
  const without = changed ? ` With nothing ${what}: ${name(argmax(whole.probabilities))}, ${
    whole100(Math.max(...whole.probabilities))}.` : "";
  made.said = made.slid?.done ? tellFalls(made.slid, layout) : blank
    ? `The sheet is empty, but the network must name a class: ${name(order[0])}, ${
      whole100(probabilities[order[0]])}. Draw a garment, or choose a test image.`
    : `The network says ${name(order[0])}, ${whole100(probabilities[order[0]])}${was}.${
        changed ? without : ` Next: ${name(order[1])}, ${whole100(probabilities[order[1]])}.`}`;
  return {
    summary: made.resting ? undefined : made.said,
    results: {
      prediction: layout.classes[order[0]], scores: found.scores, probabilities, truth: truth ?? null, off,
      instead, cover, open, channel, ...channelSays, falls: made.slid?.done ? made.slid.falls : null,
    },
  };
}

// What the cover has shown, at all places.
function tellFalls({ falls, side, top, whole }, { classes }) {
  const worst = argmax(falls);
  const [row, column] = [Math.floor(worst / side), worst % side];
  const part = (at, low, high) => (at < side / 3 ? low : at >= side - side / 3 ? high : "middle");
  const [down, across] = [part(row, "top", "bottom"), part(column, "left", "right")];
  const where = down === across ? "in the middle" : `at the ${[down, across].filter((one) => one !== "middle").join(" ")}`;
  return `Orange: where the cover lowers ${lower(classes[top])}, ${whole100(whole)} without it. The lowest is ` +
    `${whole100(whole - falls[worst])}, ${where}.${Math.min(...falls) < -0.005 ? " Blue: where it raises it." : ""}`;
}

const argmax = (values) => values.indexOf(Math.max(...values));
const whole100 = (part) => `${Math.round(100 * part)}%`;

function readSamples({ images, labels, right }, size) {
  const bytes = readBytes(images);
  return labels.map((label, i) => ({
    label, right: right[i], pixels: [...bytes.subarray(i * size ** 2, (i + 1) * size ** 2)],
  }));
}

// What to look for with the first picture, where single branches change the answer: `turns` holds them,
// each with the class that is named without it. It is ticked as they are found.
function taskOf(turns, { classes }, modules, first) {
  const branches = Object.keys(turns.zeros ?? {});
  if (!branches.length || !first) return null;
  const said = [...new Set(Object.values(turns.zeros))].map((i) => lower(classes[i]));
  const list = said.length > 1 ? `${said.slice(0, -1).join(", ")} or ${said.at(-1)}` : said[0];
  const many = ["one", "two", "three", "four"][branches.length - 1] ?? count(branches.length);
  const found = {};
  const tells = node("p", { class: "found", role: "status" });
  return {
    element: node("div", { class: "task" }, node("p", {}, node("b", {}, "Find out. "),
      `Take the ${lower(classes[first.label])}, and switch off one branch of one module: nearly always the ` +
      `answer stays. Of the ${modules.length * BRANCHES.length} branches, only ${many} ` +
      `${branches.length === 1 ? "changes" : "change"} it alone: then the network says ${list}. Which ${many}?`),
    tells),
    show(image, off, instead, cover) {
      if (off.length !== 1 || !(off[0] in turns[instead]) || cover || !alike(image, first.pixels)) return;
      found[off[0]] = turns[instead][off[0]];
      const all = branches.every((name) => name in found);
      say(tells, `Found: ${Object.entries(found).map(([name, now]) => {
        const [stage, branch] = name.split(".");
        return `${NAMES[branch]} of ${short({ name: stage })} (${lower(classes[now])})`;
      }).join(", ")}.${all ? " That is all. Are they the same when what is off gives its mean?" : ""}`);
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

// Calls f with the changes that were given, the last of each, in a frame of its own, and not again until `gap` milliseconds after
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
      last = { ...last, ...value };
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

function paintGrey(canvas, pixels) {
  const size = Math.sqrt(pixels.length);
  paint(canvas, size, size, (i) => pixels[i] / 255);
}

// One module: its input below, the maps of its four branches side by side, their concatenation above.
function openModule({ drawing, get, move, naming }, made, switchFor, chosenNow) {
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
    const columnsOf = (one) => BRANCHES.map((branch) => Math.ceil(one.branches[branch] / rows));
    const tileOf = (one) => Math.min(LARGEST, Math.floor((width - gap * 3) / columnsOf(one).reduce((a, b) => a + b)));
    const columns = columnsOf(stage);
    const tile = tileOf(stage);
    const total = tile * columns.reduce((a, b) => a + b) + 3 * gap;
    let left = (width - total) / 2;
    const Y = { out: 12, joined: 20, bar: 20 };
    Y.grid = Y.joined + Y.bar + 44;
    Y.gridTall = rows * tile;
    // Room for the tallest of the modules, so that nothing below moves when another is opened.
    Y.low = Y.grid + rows * Math.max(...made.modules.map(tileOf)) + 26;
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
  let hit = false;
  drag(holder, ({ x, y }) => {
    hit = false;
    for (const { left, top, wide, first, n } of geometry.places) {
      if (x < left || x >= left + wide || y < top || y >= top + geometry.rows * geometry.tile) continue;
      const at = Math.floor((x - left) / geometry.tile) * geometry.rows + Math.floor((y - top) / geometry.tile);
      hit = at < n;
      if (hit) move({ channel: first + at });
    }
  });
  holder.addEventListener("pointerup", () => { if (hit) chosenNow(); });
  const heading = node("p", { class: "card-title" });
  const ofBranch = BRANCHES.map((branch) =>
    switchFor(() => `${get("open")}.${branch}`, NAMES[branch], COLOURS[branch], "in this module"));
  const ofModule = switchFor(() => get("open"), "all", null, "of this module");
  const switches = node("div", { class: "switches", role: "group", "aria-label": "Switches of this module" },
    node("span", { class: "wordy" }, "On in this module:"), [...ofBranch, ofModule].map(({ label }) => label));
  return {
    element: node("div", { class: "open" }, node("div", { class: "head" }, heading,
      node("p", { class: "soft" }, "Click a map to open its channel.")), switches, holder),
    show(stage, channel, maps, off) {
      say(heading, `Module ${short(stage)}`);
      for (const { name, box } of [...ofBranch, ofModule]) box.checked = !off.includes(naming(name));
      picture.show(stage, channel, maps);
    },
  };
}

const CSS = `${MODULE_CSS}${PAD_CSS}
.scene { display: grid; gap: 12px 14px; align-items: start;
  grid-template-columns: minmax(0, 3fr) minmax(0, 4fr);
  grid-template-areas: "in out" "tools tools" "middle middle" "samples samples"; }
.scene[data-view] { grid-template-areas: "in out" "tools tools" "samples samples" "looks looks" "below below"; }
.in { grid-area: in; } .in .arrows { margin-top: 8px; } .out { grid-area: out; } .tools { grid-area: tools; } .samples { grid-area: samples; }
.middle-part { grid-area: middle; } .looks { grid-area: looks; }
/* What is looked at lies where the others lie, so that nothing moves; they are out of sight and reach. */
.scene[data-view] .middle-part, .open, .one-channel { grid-area: below; }
.scene[data-view="all"] :is(.open, .one-channel), .scene[data-view="module"] :is(.middle-part, .one-channel),
.scene[data-view="channel"] :is(.middle-part, .open) { visibility: hidden; }
.looks { display: flex; flex-wrap: wrap; gap: 6px 14px; justify-content: space-between; }
.tools { display: flex; flex-wrap: wrap; gap: 6px 8px; }
.tools legend, .views legend { display: none; }
.tools .choice label { min-width: 0; } .tools .choice span { padding: 3px 7px; white-space: nowrap; }
.verdict { font-size: 1.15em; font-weight: 650; min-height: 1.6em; line-height: 1.3; }
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
.samples { display: grid; grid-template-columns: repeat(10, minmax(0, 32px)); gap: 5px; }
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
.open .head .card-title { padding: 0; }
.open .head { padding-bottom: 4px; }
.task { border-left: 4px solid var(--control); padding: 2px 0 2px 12px; } .found { font-weight: 650; }
.arrows { display: inline-flex; gap: 3px; align-items: center; font-size: .93em; } .arrows button { padding: 3px 8px; min-width: 30px; }
.own-picture { display: grid; grid-template-columns: auto minmax(0, 1fr) auto; gap: 10px; align-items: center; }
.upload { position: relative; border: 1px solid var(--control); border-radius: 6px; padding: 4px 12px;
  cursor: pointer; }
.upload input { position: absolute; inset: 0; width: 100%; height: 100%; opacity: 0; cursor: pointer; }
.upload:has(:focus-visible) { outline: 3px solid #2f81e0; outline-offset: 1px; }
.seen canvas { max-width: 96px; max-height: 96px; border-radius: 6px; display: block; }
.pick { display: grid; gap: 4px 20px; align-items: end; grid-template-columns: minmax(0, 1fr) auto; }
.channel { display: grid; gap: 4px 14px; align-items: start; grid-template-columns: 116px minmax(0, 1fr);
  grid-template-rows: auto auto 1fr auto; grid-template-areas: "name name" "map peak" "map effect" "parts parts"; }
.channel .card-title { grid-area: name; padding: 0; } .large-map { grid-area: map; } .peak { grid-area: peak; }
.effect { grid-area: effect; min-height: 5lh; } .parts { grid-area: parts; display: grid; gap: 8px; min-width: 0; }
.one-channel { display: grid; gap: 12px; }
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
@container (max-width: 420px) { .wordy, .scene[data-view] .hint { display: none; } .switches { gap: 4px 10px; } }
@container (max-width: 300px) { .samples { grid-template-columns: repeat(8, minmax(0, 1fr)); } }
@container (max-width: 320px) { .bars li { grid-template-columns: 5.2em 1fr 2.4em; gap: 4px; } }
@container (min-width: 560px) {
  .samples { grid-template-columns: repeat(20, minmax(0, 32px)); }
  .scene { grid-template-columns: minmax(0, 180px) minmax(0, 1fr) minmax(0, 180px); grid-template-rows: auto 1fr;
    grid-template-areas: "in middle out" "tools middle out" "samples samples samples"; }
  .scene[data-view] { grid-template-areas: "in middle out" "tools middle out" "samples samples samples"
    "looks looks looks" "below below below"; }
  .scene[data-view] .middle-part { grid-area: middle; visibility: visible; }
  .scene[data-view="all"] .open { visibility: visible; }
  .views label:first-child { display: none; }
  .summary { min-height: calc(2.9em + 16px); }
  .channel { grid-template-columns: 200px minmax(0, 1fr); grid-template-rows: auto auto 1fr auto;
    grid-template-areas: "name parts" "map parts" "map effect" "peak effect"; gap: 6px 20px; }
  .effect { min-height: 2lh; margin-top: 8px; }
}
`;

export default figure({
  name: "An Inception network at work", css: CSS, state: ["image", "open", "channel", "off", "instead", "cover"], build, update,
});
