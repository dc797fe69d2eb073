// Cost and accuracy: published networks as points, on axes that the reader chooses, with their front.

import { axis, scale } from "../interactive/charts.js";
import {
  SERIES, change, choice, figure, fixed, menu, millions, node, percent, place, say, shape, table, words,
} from "../interactive/kit.js";

const ratio = (n) => fixed(n, 2);
const megabytes = (n) => `${fixed(n / 1e6, n < 1e7 ? 1 : 0)} MB`;
// A number on an axis: 20 million, 1 billion.
const round = (n) => (n >= 1e9 ? `${n / 1e9} billion` : `${n / 1e6} million`);
// What is said of a cost, how a value of it is written, and a mark of the axis.
const COSTS = {
  parameters: ["parameters", millions, round],
  macs: ["multiply-adds", millions, round],
  activations: ["memory written for maps", megabytes, (n) => `${n / 1e6} MB`],
  time: ["time over GoogLeNet’s", ratio, String],
  last: ["time, channels last", ratio, String],
};
const ACCURACIES = { top1: "right at once", top5: "right in five guesses" };
const WEIGHTS = { all: "all", older: "older recipe", new: "new recipe" };
const MARKS = 8; // at most, on an axis
const FRAME = { left: 44, right: 14, top: 26, low: 318 };
const LABEL = 16; // the height of a label

const costOf = (network, x) => [network[x]].flat()[0];

// No dearer and no less often right, and not the same in both.
const beats = (x, y) => (a, b) => costOf(a, x) <= costOf(b, x) && a[y] >= b[y] &&
  (costOf(a, x) < costOf(b, x) || a[y] > b[y]);

// 1, 2, 5, 10, ... from low to high, if there is room for their texts, else 1, 10, 100.
function logMarks(low, high, width, written) {
  const marks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
    for (const digit of [1, 2, 5]) {
      const value = Number(`${digit}e${power}`);
      if (value >= low && value <= high) marks.push(value);
    }
  const wide = 7 * Math.max(...marks.map((value) => written(value).length)) + 6;
  const nearest = (width * Math.log10(2)) / Math.log10(high / low); // 1 and 2, or 5 and 10
  if (marks.length <= MARKS && nearest >= wide) return marks;
  return marks.filter((value) => String(value / 10 ** Math.floor(Math.log10(value) + 1e-9))[0] === "1");
}

// Places for the labels, [left, top] each, beside their dots: none on a dot, on another or outside, and
// if it can be, none along the lines that lie.
function settle(dots, widths, room, lines) {
  const boxes = (i) => {
    const [x, y] = dots[i];
    const w = widths[i];
    return [14, 22, 34].flatMap((d) => {
      const s = 0.7 * d;
      return [
        [x + d, y - LABEL / 2], [x - d - w, y - LABEL / 2],
        [x + s, y - s - LABEL], [x + s, y + s], [x - s - w, y - s - LABEL], [x - s - w, y + s],
        [x - w / 2, y - d - LABEL], [x - w / 2, y + d],
      ].map(([left, top]) => ({ left, top, right: left + w, bottom: top + LABEL, far: d }));
    });
  };
  const common = (a, b) => Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left)) *
    Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));
  const around = ([x, y], r) => ({ left: x - r, right: x + r, top: y - r, bottom: y + r });
  const offered = dots.map((_, i) => boxes(i));
  const chosen = dots.map(() => null);
  const price = (box, i) => {
    const out = Math.max(0, room.left - box.left, box.right - room.right, room.top - box.top,
      box.bottom - room.bottom);
    const covered = chosen.reduce((sum, other, j) =>
      sum + (j !== i && other ? common(box, other) : 0), 0);
    const hidden = dots.reduce((sum, dot) => sum + common(box, around(dot, 9)), 0);
    const crossed = lines.reduce((sum, line) => sum + common(box, line), 0);
    return 100 * out + 3 * (covered + hidden) + 0.1 * crossed + 0.2 * box.far;
  };
  for (let turn = 0; turn < 8; turn++)
    chosen.forEach((_, i) => {
      const prices = offered[i].map((box) => price(box, i));
      chosen[i] = offered[i][prices.indexOf(Math.min(...prices))];
    });
  return chosen;
}

function build({ get, move, control, drawing, summary }) {
  const networks = get("networks");
  const x = control(menu, "x", { label: "Cost", groups: [
    ["counted", ["parameters", "macs", "activations"].map((name) => [name, COSTS[name][0]])],
    ["measured", ["time", "last"].map((name) => [name, COSTS[name][0]])],
  ] });
  const y = control(choice, "y", { legend: "Accuracy", options: Object.entries(ACCURACIES) });
  const weights = control(choice, "weights", { legend: "Weights", options: Object.entries(WEIGHTS) });
  const pick = control(menu, "network", { label: "Network", groups: ["older", "new"].map((recipe) =>
    [`${recipe} recipe`,
      networks.filter((one) => one.recipe === recipe).map(({ name }) => [name, name])]) });
  const chart = scatter(drawing, networks, (network) => move({ network }));
  const heads = [node("span"), node("span")];
  const numbers = table({
    heads: ["", ...heads, "on the front"],
    rows: networks.map(({ name }) => [name, [`${name}.cost`, `${name}.right`, `${name}.front`]]),
  });
  return {
    title: "What do you pay, and what do you get?", head: pick,
    body: [node("div", { class: "controls" }, x, y, weights), chart, summary, numbers],
    note: "Choose a network in its menu, or touch its point. Each step to the right along the lower axis " +
      "multiplies the cost. The line is the front: " +
      "who stands on it is beaten by nobody, who stands below it is beaten by somebody. Round: older weights; square: weights " +
      "from torchvision’s newer recipe; a dotted line joins two weights of one network. Times are over " +
      "GoogLeNet’s; a bar through a point is the least and the most of the runs.",
    networks, chart, heads, numbers,
  };
}

function scatter(drawing, networks, choose) {
  const rules = axis(MARKS, "end");
  const marks = Array.from({ length: MARKS }, () => ({
    line: shape("path", { class: "rule" }), text: words("soft", "middle"),
  }));
  const titles = { x: words("soft", "end"), y: words("soft") };
  const front = shape("path", { class: "front" });
  const points = networks.map((one) => ({
    bar: shape("path", { class: "bar" }), join: shape("path", { class: "join" }),
    lead: shape("path", { class: "lead" }),
    dot: shape(one.recipe === "new" ? "rect" : "circle", {
      class: `dot ${one.recipe}`, r: one.recipe === "new" ? null : 6,
      width: one.recipe === "new" ? 11 : null, height: one.recipe === "new" ? 11 : null,
    }),
    ring: shape("circle", { class: "ring", r: 10 }),
    hit: shape("circle", { class: "hit", r: 18, onclick: () => choose(one.name) }),
    text: words("name", "halo"),
  }));
  const each = (name) => points.map((point) => point[name]);
  return drawing({
    class: "scatter",
    parts: [rules.parts, marks.map(({ line, text }) => [line, text]), titles.x, titles.y, front,
      ...["bar", "join", "lead", "dot", "ring", "text", "hit"].map(each)],
    draw(width, { x, y, shown, onFront, chosen, label }) {
      const { left, top, low } = FRAME;
      const right = width - FRAME.right;
      const costs = networks.map((one) => costOf(one, x));
      const ends = [Math.min(...costs) / 1.35, Math.max(...costs) * 1.35];
      const logX = scale(...ends.map(Math.log), left, right);
      const X = (value) => logX(Math.log(value));
      const rights = networks.map((one) => 100 * one[y]);
      const [from, to] = [Math.min(...rights) - 3, Math.min(100, Math.max(...rights) + 3)];
      const Y = (share) => scale(from, to, low, top)(100 * share);

      const step = to - from > 25 ? 10 : 5;
      const ticks = Array.from({ length: MARKS }, (_, i) => step * (Math.ceil(from / step) + i))
        .filter((value) => value <= to);
      rules.show(ticks.map((value) => [Y(value / 100), `${value}%`]), { left, right, at: left - 6 });
      const values = logMarks(...ends, right - left, COSTS[x][2]);
      marks.forEach(({ line, text }, i) => {
        const at = i < values.length ? X(values[i]) : null;
        change(line, { d: at === null ? null : `M${at.toFixed(1)} ${top} V${low}` });
        const said = at === null ? "" : COSTS[x][2](values[i]);
        place(text, Math.min(at ?? 0, width - 4 * said.length), low + 18, said);
      });
      place(titles.y, 0, 12, `${ACCURACIES[y]}, %`);
      place(titles.x, right, low + 40, COSTS[x][0]);

      const sorted = shown.filter((i) => onFront.has(i)).sort((a, b) => costs[a] - costs[b]);
      const stairs = sorted.map((i, n) => (n ? `H${X(costs[i]).toFixed(1)} V` :
        `M${X(costs[i]).toFixed(1)} `) + Y(networks[i][y]).toFixed(1));
      change(front, { d: sorted.length ? `${stairs.join(" ")} H${right}` : null });

      const places = networks.map((one, i) => [X(costs[i]), Y(one[y])]);
      points.forEach((point, i) => {
        const [cx, cy] = places[i];
        const there = shown.includes(i);
        for (const element of Object.values(point)) element.style.display = there ? "" : "none";
        if (!there) return;
        point.ring.style.display = i === chosen ? "" : "none";
        for (const round of [point.ring, point.hit]) change(round, { cx, cy });
        change(point.dot, networks[i].recipe === "new"
          ? { x: (cx - 5.5).toFixed(1), y: (cy - 5.5).toFixed(1) }
          : { cx: cx.toFixed(1), cy: cy.toFixed(1) });
        point.dot.classList.toggle("beaten", !onFront.has(i));
        const [, least, most] = [networks[i][x]].flat();
        change(point.bar, { d: least === undefined ? null
          : `M${X(least).toFixed(1)} ${cy.toFixed(1)} H${X(most).toFixed(1)}` });
        const twin = shown.find((j) => j < i && networks[j].model === networks[i].model);
        change(point.join, { d: twin === undefined ? null
          : `M${cx.toFixed(1)} ${cy.toFixed(1)} V${places[twin][1].toFixed(1)}` });
        say(point.text, networks[i].name);
        point.text.classList.toggle("strong", i === chosen);
      });
      const widths = shown.map((i) => points[i].text.getComputedTextLength() || 8 * networks[i].name.length);
      const room = { left: left + 2, right: width, top: top - 8, bottom: low - 2 };
      const steps = sorted.map((i, n) => {
        const [cx, cy] = places[i];
        const end = n + 1 < sorted.length ? places[sorted[n + 1]][0] : right;
        return { left: cx, right: end, top: cy - 1, bottom: cy + 1 };
      });
      const bars = shown.filter((i) => Array.isArray(networks[i][x])).map((i) => {
        const [, least, most] = networks[i][x];
        return { left: X(least), right: X(most), top: places[i][1] - 1, bottom: places[i][1] + 1 };
      });
      settle(shown.map((i) => places[i]), widths, room, [...steps, ...bars]).forEach((box, n) => {
        const i = shown[n];
        const [cx, cy] = places[i];
        place(points[i].text, box.left, box.top + 12.5);
        const near = [Math.max(box.left, Math.min(box.right, cx)), Math.max(box.top, Math.min(box.bottom, cy))];
        change(points[i].lead, { d: box.far < 22 ? null
          : `M${cx.toFixed(1)} ${cy.toFixed(1)} L${near[0].toFixed(1)} ${near[1].toFixed(1)}` });
      });
      return { height: low + 46, label };
    },
  });
}

const listed = (names) => (names.length < 2 ? names.join("")
  : `${names.slice(0, -1).join("; ")} and ${names.at(-1)}`);
const few = (names) => listed(names.length > 3 ? [...names.slice(0, 2), `${names.length - 2} more`] : names);

function update({ x, y, weights, network }, { networks, chart, heads, numbers }) {
  const shown = networks.map((_, i) => i)
    .filter((i) => weights === "all" || networks[i].recipe === weights);
  const better = beats(x, y);
  const over = (i) => shown.filter((j) => better(networks[j], networks[i]));
  const onFront = new Set(shown.filter((i) => over(i).length === 0));
  const chosen = networks.findIndex(({ name }) => name === network);
  const [noun, written] = COSTS[x];
  const cost = (i) => written(costOf(networks[i], x));
  const names = (list) => list.map((i) => networks[i].name);
  const front = names([...onFront].sort((a, b) => costOf(networks[a], x) - costOf(networks[b], x)));

  say(heads[0], noun);
  say(heads[1], ACCURACIES[y]);
  numbers.show(Object.fromEntries(networks.flatMap((one, i) => [
    [`${one.name}.cost`, cost(i)], [`${one.name}.right`, percent(one[y])],
    [`${one.name}.front`, shown.includes(i) ? (onFront.has(i) ? "yes" : "no") : "not shown"],
  ])));
  chart.show({ x, y, shown, onFront, chosen,
    label: `${shown.length} networks by ${noun} and accuracy, ${ACCURACIES[y]}. On the front, from the ` +
      `cheapest: ${listed(front)}.` });

  const price = x === "time" || x === "last"
    ? `${cost(chosen)} times GoogLeNet’s time${x === "last" ? ", channels last" : ""}`
    : x === "activations" ? `${cost(chosen)} written for maps` : `${cost(chosen)} ${noun}`;
  const beaten = shown.includes(chosen) ? names(over(chosen)) : null;
  const verdict = beaten === null ? "It is not among the weights that are shown."
    : beaten.length ? `No dearer, and right more often: ${few(beaten)}.`
      : "It is on the front: whoever is right more often costs more.";
  const summary = `${network}: ${price}; ${percent(networks[chosen][y])} ${ACCURACIES[y]}. ${verdict}`;
  return { summary, results: { x, y, weights, network, front, beaten,
    points: shown.map((i) => [networks[i].name, costOf(networks[i], x), networks[i][y]]) } };
}

const CSS = `
.controls { display: grid; gap: 10px 24px; justify-items: start; }
.choice { flex-direction: column; align-items: start; gap: 2px; }
.scatter { cursor: default; }
.front { fill: none; stroke: ${SERIES[0]}; stroke-width: 2; }
.dot { stroke-width: 2; stroke: ${SERIES[0]}; fill: ${SERIES[0]}; }
.dot.beaten { fill: var(--paper); stroke: var(--slab); }
.ring { fill: none; stroke: var(--ink); stroke-width: 2; }
.bar { stroke: var(--slab); stroke-width: 2; fill: none; }
.join { stroke: var(--control); stroke-dasharray: 2 4; fill: none; }
.lead { stroke: var(--control); fill: none; }
.hit { fill: transparent; cursor: pointer; }
.name { pointer-events: none; }
.summary { min-height: calc(7.3em + 16px); }
@container (min-width: 620px) {
  .controls { grid-template-columns: auto auto; }
  .summary { min-height: calc(2.9em + 16px); }
}
`;

export default figure({
  name: "Cost and accuracy", css: CSS, state: ["x", "y", "weights", "network"], build, update,
});
