// One channel of a module: its map, what it is made from, the test images that it answers most, and what
// the network would say without it.

import { BRANCHES, COLOURS, change, fixed, node, say } from "../interactive/kit.js";
import { run, switchOff } from "./network_engine.js";

const PARTS = 6; // of what it adds up, the heaviest
export const STRONGEST = 6; // test images

const signed = (n) => (Math.abs(n) < 0.005 ? "0.00" : `${n < 0 ? "−" : "+"}${fixed(Math.abs(n), 2)}`);

export function branchOf(stage, channel) {
  let first = 0;
  for (const branch of BRANCHES) {
    if (channel < first + stage.branches[branch]) return { branch, own: channel - first };
    first += stage.branches[branch];
  }
  return null;
}

// What a channel adds up: the maps it reads, each with its filter, the heaviest first.
export function partsOf(net, stage, channel) {
  const { branch, own } = branchOf(stage, channel);
  const { weight, inputs, kernel } = net.units[`${stage.name}.${branch}`];
  const each = kernel * kernel;
  const filters = Array.from({ length: inputs }, (_, input) => {
    const at = (own * inputs + input) * each;
    const filter = weight.subarray(at, at + each);
    return { input, filter, weight: Math.hypot(...filter) };
  });
  const before = net.stages[net.stages.findIndex(({ name }) => name === stage.name) - 1].name;
  const source = { "1x1": before, pool: `${stage.name}.pool.max` }[branch] ?? `${stage.name}.${branch}.reduce`;
  return { branch, own, kernel, inputs, source, filters: filters.sort((a, b) => b.weight - a.weight).slice(0, PARTS) };
}

// The answer without a channel, from what is known of the image.
export function without(net, found, stage, channel, off, usual) {
  const map = found.maps[stage.name];
  const changed = switchOff({ ...map, data: map.data.slice() }, stage, new Set([`${stage.name}:${channel}`]), usual);
  return run(net, null, { off, usual, after: stage.name, known: { ...found.maps, [stage.name]: changed } });
}

export function channelPanel({ size, paintMap, peakOf, images, lower }) {
  const heading = node("p", { class: "card-title" });
  const map = node("canvas", { class: "large-map", role: "img" });
  const says = node("p", { class: "soft peak" });
  const parts = Array.from({ length: PARTS }, () => {
    const [from, filter] = [node("canvas", { class: "part" }), node("canvas", { class: "part" })];
    const number = node("span", { class: "times" });
    return { from, filter, number, element: node("span", { class: "product" }, from, "×", filter, number) };
  });
  const partsTitle = node("p", { class: "soft" });
  const thumbs = Array.from({ length: STRONGEST }, () =>
    node("canvas", { class: "thumb", width: size, height: size }));
  const likes = node("p", { class: "soft" });
  const effect = node("p", { class: "effect" });
  const element = node("div", { class: "channel" },
    heading, map, says, effect, node("div", { class: "parts" }, partsTitle,
      node("div", { class: "products", "aria-hidden": "true" }, parts.map(({ element }) => element)), likes, node("div", { class: "thumbs", "aria-hidden": "true" }, thumbs)));

  // In a `hurry` it leaves out what takes a run of the network.
  function show({ net, found, stage, channel, off, usual, instead, pool, classes, top, hurry }) {
    const { branch, own, kernel, inputs, source, filters } = partsOf(net, stage, channel);
    const name = { "1x1": "1×1", "3x3": "3×3", "5x5": "5×5", pool: "pool" }[branch];
    say(heading, `Channel ${channel}: number ${own} of the ${name} branch`);
    element.style.setProperty("--branch", COLOURS[branch]);
    const answers = found.maps[stage.name];
    paintMap(map, answers, channel, COLOURS[branch]);
    const peak = peakOf(answers, channel);
    say(says, `Its largest value here: ${fixed(peak, 2)}`);
    change(map, { "aria-label": `Map of channel ${channel}, largest value ${fixed(peak, 2)}` });

    say(partsTitle, `It adds up ${inputs} maps, each ${kernel === 1 ? "times one number" : `through a filter of ${kernel} × ${kernel}`}. The heaviest:`);
    const most = Math.max(...filters.flatMap(({ filter }) => [...filter].map(Math.abs)));
    filters.forEach(({ input, filter }, i) => {
      paintMap(parts[i].from, found.maps[source], input, "#7b8796");
      change(parts[i].filter, { width: kernel, height: kernel, hidden: kernel === 1 });
      say(parts[i].number, kernel > 1 ? "" : `${filter[0] < 0 ? "−" : ""}${fixed(Math.abs(filter[0]), 2)}`);
      parts[i].number.hidden = kernel > 1;
      const image = new ImageData(kernel, kernel);
      filter.forEach((weight, at) => {
        const colour = weight > 0 ? [230, 159, 0] : [86, 100, 220];
        image.data.set([...colour, 255 * Math.abs(weight / most)], 4 * at);
      });
      parts[i].filter.getContext("2d").putImageData(image, 0, 0);
    });
    if (pool) {
      const strongest = pool.of(stage, channel);
      say(likes, `Of ${pool.count} test images it answers these most:`);
      strongest.forEach((image, i) => images(thumbs[i], pool.image(image)));
    } else say(likes, "Looking for the test images that it answers most …");
    if (hurry) return { source };
    const others = without(net, found, stage, channel, off, usual);
    const percent = (part) => `${fixed(100 * part, 1)}%`;
    const last = stage === net.stages.at(-1);
    const adds = found.means[channel] * net.units.fc.weight[top * net.units.fc.inputs + channel];
    say(effect, `${instead === "means" ? "With its mean instead" : "Without it"}: ${lower(classes[top])} ${
      percent(others.probabilities[top])}, with it ${percent(found.probabilities[top])}.` + (last ? ` The mean of this map ` +
      `times its weight adds ${signed(adds)} to that class's score.` : ""));
    return { without: others.probabilities, adds: last ? adds : null, source };
  }
  return { element, show };
}
