// Axes and lines, for figures with a chart.

import { change, place, shape, words } from "./kit.js";

// A straight scale: `low` stands at the pixel `from`, `high` at `to`.
export const scale = (low, high, from, to) => (value) =>
  from + ((to - from) * (value - low)) / (high - low);

// Through places [x, y].
export const path = (places) =>
  places.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join(" ");

// Ruled lines across a chart, at most `most`, each with what it stands for: show([[y, text], ...]).
export function axis(most, ...kinds) {
  const rules = Array.from({ length: most }, () => ({
    line: shape("path", { class: "rule" }), text: words("soft", ...kinds),
  }));
  return {
    parts: rules.flatMap(({ line, text }) => [line, text]),
    show(marks, { left, right, at, drop = 4 }) {
      rules.forEach(({ line, text }, i) => {
        const [y, said] = marks[i] ?? [0, ""];
        change(line, { d: marks[i] ? `M${left} ${y.toFixed(1)} H${right}` : null });
        place(text, at, y + drop, said);
      });
    },
  };
}

// Lines over a common axis. `lines` names them, in the order in which they are drawn, with their
// attributes. Shown are:
//   x, y        the ends of the axes, [low, high]; what is higher stands at the upper edge
//   ticks       values of y with their texts, [[value, text], ...]
//   lines       name -> places [[x, y], ...]; a line that is missing is not drawn
//   band        an area as places, or none
//   dots        name -> the place of a dot on that line
//   here        an x to mark by an upright line, or none
//   lit         the name of a line to draw thicker, or none
//   captions    texts under the axis: from its left end, from its middle, and to its right end
//   label       what the chart shows, in words
export function lineChart(drawing, { lines, frame: { left, right, top }, ticks: most, kinds }) {
  const low = 150;
  const rules = axis(most, "end", ...kinds);
  const curves = Object.entries(lines).map(([name, attributes]) => ({
    name, line: shape("path", { class: "curve", ...attributes }),
    dot: shape("circle", { class: "dot", r: 5, fill: attributes.stroke }),
  }));
  const area = shape("path", { class: "band" });
  const upright = shape("path", { class: "upright" });
  const texts = [[], ["middle"], ["end"]].map((kind) => words("soft", ...kind, ...kinds));
  return drawing({
    class: "lines",
    parts: [rules.parts, area, upright, curves.map(({ line, dot }) => [line, dot]), texts],
    draw(width, { x, y, ticks, lines: drawn, band = [], dots, here = null, lit = null,
      captions, label }) {
      const X = scale(...x, left, width - right);
      const Y = (value) => Math.max(top, scale(...y, low, top)(value));
      const through = (places) => path(places.map(([a, b]) => [X(a), Y(b)]));
      rules.show(ticks.map(([value, text]) => [Y(value), text]),
        { left, right: width - right, at: left - 6 });
      change(area, { d: band.length ? `${through(band)} Z` : null });
      change(upright, { d: here === null ? null : `M${X(here).toFixed(1)} ${top} V${low}` });
      for (const { name, line, dot } of curves) {
        change(line, { d: drawn[name] ? through(drawn[name]) : null });
        line.classList.toggle("lit", name === lit);
        const [a, b] = dots[name] ?? [];
        dot.style.display = dots[name] ? "" : "none";
        if (dots[name]) change(dot, { cx: X(a).toFixed(1), cy: Y(b).toFixed(1) });
      }
      const ends = [left, (left + width - right) / 2, width - right];
      texts.forEach((text, i) => place(text, ends[i], low + 19, captions[i]));
      return { height: low + 24, label };
    },
  });
}
