// What the interactive figures are made with. A figure is `figure({ name, css, state, build, update })`;
// controls, drawings and charts are objects with an `element` and a `show`, which says what is so now.
// utils/interactive/bundle.py puts this text in front of a figure's own.

// As in utils/support/palette.py; a test compares them.
export const BRANCHES = ["1x1", "3x3", "5x5", "pool"];
export const COLOURS = { "1x1": "#0072B2", "3x3": "#D55E00", "5x5": "#009E73", "pool": "#CC79A7" };
export const SERIES = ["#7A5CC4", "#8A7400", "#5F6B75"]; // of lines that are no branch

// A module in anywidget's format:
//
//   name            what a screen reader calls the figure where the page does not name it
//   css             rules for this figure alone, put behind those of the kit
//   state           the pieces of state that the reader moves, and Python too
//   build(own)      makes everything once: { title, head: [controls beside the title], body: [...], note },
//                   and whatever `update` needs
//   update(now, made)  shows a state; returns { summary, results }: a sentence for the line that is read
//                   aloud, and the numbers, published for tests
//
// `own` gives a figure: get(name), of what came from Python; move({ name: value }); control(make, name,
// options), a control tied to a piece of state; drawing({ ... }), see below; glide(), so that the next
// change is seen as a movement; refresh(), where something else than the state has changed; `summary`, to put the line into the body; and `top`, what holds all.
export function figure({ name, css = "", state: names, build, update }) {
  const render = ({ model, el }) => {
    const { element: top, stop } = stage(el, { name, css });
    const stops = [stop];
    const ties = [];
    const drawings = [];
    const summary = node("p", { class: "summary", role: "status" });
    const { read, move, stop: disconnect } = connect(model, names, show);
    stops.push(disconnect);

    let settled;
    const own = {
      get: (key) => model.get(key),
      move,
      summary,
      top,
      refresh: () => show(),
      control(make, key, options) {
        const made = make({ change: (value) => move({ [key]: value }), ...options });
        ties.push((now) => made.show(now[key]));
        return made;
      },
      drawing(options) {
        const made = drawing(options);
        drawings.push(made);
        return made;
      },
      glide() {
        top.classList.add("glide");
        clearTimeout(settled);
        settled = setTimeout(() => top.classList.remove("glide"), 400);
      },
    };
    const made = build(own);
    top.append(...children(
      node("div", { class: "head" }, node("p", { class: "title" }, made.title), made.head),
      made.body, made.note && node("p", { class: "note" }, made.note)));

    function show() {
      const now = read();
      for (const tie of ties) tie(now);
      const { summary: said, results } = update(now, made);
      if (said !== undefined) say(summary, said);
      top.dataset.results = JSON.stringify(results);
    }

    show();
    for (const { element, resize } of drawings) stops.push(onWidth(element.parentNode, resize));
    return () => stops.forEach((end) => end());
  };
  return { render };
}

// The stage is a shadow tree: the page's style cannot reach the figure, nor the figure's the page.
// Nor does JupyterLab see where the focus is in it: it leaves the keys alone if its host says so.
function stage(el, { name, css }) {
  // By the host in a page; a widget has no name.
  const named = el.closest("figure[aria-label]");
  const labels = named ? {} : { role: "group", "aria-label": name };
  const element = node("div", { class: "stage", ...labels });
  const root = el.shadowRoot ?? el.attachShadow({ mode: "open" });
  el.dataset.lmSuppressShortcuts = "true";
  root.replaceChildren(node("style", {}, STYLE + css), element);
  return { element, stop: followTheme(element) };
}

// Calls back with the element's width, now and whenever it changes.
function onWidth(element, callback) {
  let last = 0;
  const watch = new ResizeObserver(() => {
    const width = Math.floor(element.clientWidth);
    if (width && width !== last) callback((last = width));
  });
  watch.observe(element);
  return () => watch.disconnect();
}

// State. `move` changes several pieces of it and calls `update` once; so does Python, from a widget.

function connect(model, names, update) {
  let moving = false;
  const listen = () => { if (!moving) update(); };
  for (const name of names) model.on(`change:${name}`, listen);
  return {
    read: () => Object.fromEntries(names.map((name) => [name, model.get(name)])),
    move(changes) {
      const same = (name) => JSON.stringify(model.get(name)) === JSON.stringify(changes[name]);
      const changed = Object.keys(changes).filter((name) => !same(name));
      changed.forEach((name, i) => {
        moving = i < changed.length - 1;
        model.set(name, changes[name]);
      });
      model.save_changes();
    },
    stop: () => { for (const name of names) model.off(`change:${name}`, listen); },
  };
}

// Theme: the book and Colab mark it on <html>, JupyterLab and VS Code on <body>; else the system's.

const system = matchMedia("(prefers-color-scheme: dark)");

function themeNow() {
  const { documentElement: html, body } = document;
  const marked = html.dataset.theme || html.getAttribute("theme");
  if (marked === "light" || marked === "dark") return marked;
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "true" ? "light" : "dark";
  if (body.classList.contains("vscode-light")) return "light";
  if (/\bvscode-(dark|high-contrast)\b/.test(body.className)) return "dark";
  return system.matches ? "dark" : "light";
}

function followTheme(element) {
  const follow = () => { element.dataset.theme = themeNow(); };
  const watch = new MutationObserver(follow);
  const attributeFilter = ["data-theme", "theme", "data-jp-theme-light", "class"];
  for (const marked of [document.documentElement, document.body])
    watch.observe(marked, { attributes: true, attributeFilter });
  system.addEventListener("change", follow);
  follow();
  return () => { watch.disconnect(); system.removeEventListener("change", follow); };
}

// Elements: node("p", { class: "note", onclick: f }, "text", child); shape(...) the same for SVG.

function fill(element, attributes, parts) {
  change(element, attributes);
  element.append(...children(parts));
  return element;
}

// Lists are taken apart; of a control or a drawing, its element is meant.
function children(...parts) {
  return parts.flat(Infinity).filter((part) => part != null).map((part) => part.element ?? part);
}

export function change(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === false || value == null) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : value);
  }
}

export function node(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function shape(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Bytes that travel as text.
export const readBytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

// A piece of the figure with its heading.
export const titled = (title, ...parts) =>
  node("div", {}, node("p", { class: "card-title" }, title), parts);

// Numbers, written the same in every browser.

const grouped = new Intl.NumberFormat("en-GB");

export const count = (n) => grouped.format(n);

// "1 channel", "1,024 channels".
export const several = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;

export const fixed = (n, digits) => n.toLocaleString("en-GB",
  { minimumFractionDigits: digits, maximumFractionDigits: digits });

export function millions(n) {
  if (n >= 1e9) return `${(n / 1e9).toFixed(2)} billion`;
  if (n >= 1e6) return `${(n / 1e6).toFixed(1)} million`;
  return count(n);
}

// A ratio: "9.7", "1,025".
export const times = (ratio) => (ratio < 100 ? ratio.toFixed(1) : count(Math.round(ratio)));

// "9.7 times fewer", "1.3 times as many", "0.4% fewer", "almost the same": `now` against `before`.
export function compared(now, before) {
  if (now === before) return "exactly as many";
  const ratio = now < before ? before / now : now / before;
  const percent = (100 * Math.abs(now / before - 1)).toFixed(1);
  if (percent === "0.0") return "almost the same";
  if (ratio < 1.1) return `${percent}% ${now < before ? "fewer" : "more"}`;
  return `${times(ratio)} times ${now < before ? "fewer" : "as many"}`;
}

export const percent = (share) => `${fixed(100 * share, 1)}%`;

// Controls. Each returns its element and a function that shows a value given from outside.

// Ids and groups need only be unique within a shadow tree.
let serial = 0;

// Where a whole number is typed. What is out of range is marked, and put right when the field is left.
export function numberField({ label, min, max, change: changed }) {
  const input = node("input", { type: "number", step: 1, inputmode: "numeric", "aria-label": label });
  let value = min;
  const show = (next, limits = {}) => {
    ({ min, max } = { min, max, ...limits });
    value = next;
    change(input, { min, max });
    const typing = input === input.getRootNode().activeElement;
    if (!typing || input.valueAsNumber !== value) input.value = value;
  };
  input.addEventListener("input", () => {
    const typed = input.valueAsNumber;
    const fits = Number.isInteger(typed) && typed >= min && typed <= max;
    change(input, { "aria-invalid": fits ? null : "true" });
    if (fits) changed(typed);
  });
  input.addEventListener("change", () => {
    const typed = Math.round(input.valueAsNumber);
    if (Number.isFinite(typed)) changed(Math.min(max, Math.max(min, typed)));
    input.value = value;
    change(input, { "aria-invalid": null });
  });
  return { input, show };
}

// A slider alone. `text` says in words where it stands.
export function track({ label = null, min = 0, max, change: changed, id = null }) {
  const element = node("input", {
    type: "range", id, step: 1, "aria-label": label, oninput: () => changed(element.valueAsNumber),
  });
  const show = (value, limits = {}) => {
    ({ min, max } = { min, max, ...limits });
    change(element, { min, max, "aria-valuetext": limits.text });
    element.value = value;
    element.style.setProperty("--part", max > min ? (value - min) / (max - min) : 1);
  };
  return { element, show };
}

// A slider and, for the exact number, a field. `hint` goes before the label for who cannot see.
export function slider({ label, hint = "", min, max, change: changed, colour = null }) {
  const id = `control-${++serial}`;
  const { element: range, show: showRange } =
    track({ id, label: hint ? hint + label : null, min, max, change: changed });
  const { input: field, show: showField } = numberField({
    label: `${hint}${label}, as a number`, min, max, change: changed,
  });
  const show = (value, limits = {}) => {
    showRange(value, limits);
    showField(value, limits);
  };
  const caption = node("label", { for: id }, label);
  const element = node("div", { class: "slider" }, caption, field, range);
  if (colour) element.style.setProperty("--accent", colour);
  return { element, show, range, field, caption };
}

// options: [[value, "text"], ...]
export function choice({ legend, options, change: changed }) {
  const name = `control-${++serial}`;
  const inputs = options.map(([value, label]) => {
    const input = node("input", { type: "radio", name, value, onchange: () => changed(value) });
    return [value, input, node("label", {}, input, node("span", {}, label))];
  });
  const element = node("fieldset", { class: "choice" }, node("legend", {}, legend),
    node("div", {}, inputs.map(([, , label]) => label)));
  const show = (value) => inputs.forEach(([own, input]) => { input.checked = own === value; });
  return { element, show };
}

// groups: [["stage 3", [["key", "text"], ...]], ...]; show(null) selects the line `other`.
export function menu({ label, other = "", groups, change: changed }) {
  const id = `control-${++serial}`;
  const none = node("option", { value: "", disabled: true, hidden: true }, other);
  const select = node("select", { id, onchange: () => changed(select.value) }, none,
    groups.map(([name, lines]) => node("optgroup", { label: name },
      lines.map(([value, text]) => node("option", { value }, text)))));
  const element = node("div", { class: "menu" }, node("label", { for: id }, label), select);
  return { element, show: (value) => { select.value = value ?? ""; } };
}

// A table of numbers. rows: [[head, cells, class], ...]; a cell is its name, or an element; there may be
// no heads. show({ name: text }) writes.
export function table({ caption = null, heads = null, rows }) {
  const cells = {};
  const cell = (name) => (typeof name === "string"
    ? (cells[name] = node("td", { "data-name": name })) : node("td", {}, name));
  const head = (text) => (text === "" ? node("td") : node("th", { scope: "col" }, text));
  const element = node("table", {}, caption && node("caption", {}, caption),
    heads && node("thead", {}, node("tr", {}, heads.map(head))),
    node("tbody", {}, rows.map(([text, names, kind = null]) =>
      node("tr", { class: kind }, node("th", { scope: "row" }, text), names.map(cell)))));
  const show = (texts) => {
    for (const [name, text] of Object.entries(texts)) say(cells[name], text);
  };
  return { element, cells, show };
}

// Drawings

export const words = (...kinds) => shape("text", { class: kinds.join(" ") });

// A text is placed by a transform, which style sheets can animate.
export function place(text, x, y, said) {
  text.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
  if (said !== undefined) say(text, String(said));
}

export function box(rect, x, y, width, height) {
  change(rect, {
    x: x.toFixed(1), y: y.toFixed(1),
    width: Math.max(0, width).toFixed(1), height: Math.max(0, height).toFixed(1),
  });
}

// A picture as wide as its place. `draw(width, ...what)` runs whenever it is shown something and when
// the width changes; it returns the picture's height and what it shows, in words.
function drawing({ parts, draw, class: kind }) {
  const element = shape("svg", { role: "img", class: kind }, parts);
  let wide = 0;
  let what = [];
  const redraw = () => {
    if (!wide) return;
    const { width = wide, height, label } = draw(wide, ...what);
    change(element, { width, height, viewBox: `0 0 ${width} ${height}`, "aria-label": label });
  };
  return {
    element,
    show(...now) { what = now; redraw(); },
    resize(width) { wide = width; redraw(); },
  };
}

// Calls back with the pointer's place in the element, in pixels, from press to release.
export function drag(element, moved, touch = "pan-y") {
  let pressed = false;
  const point = ({ clientX, clientY }) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    moved({ x: clientX - left, y: clientY - top, width, height });
  };
  element.style.touchAction = touch;
  element.style.userSelect = "none"; // what is selected would be dragged itself, the next time
  element.addEventListener("pointerdown", (event) => {
    pressed = true;
    element.setPointerCapture(event.pointerId);
    point(event);
  });
  element.addEventListener("pointermove", (event) => { if (pressed) point(event); });
  for (const end of ["pointerup", "pointercancel"])
    element.addEventListener(end, () => { pressed = false; });
}

// Paints shade(i), a grey from 0 to 1, one pixel of the canvas each.
export function paint(canvas, width, height, shade) {
  if (canvas.width !== width || canvas.height !== height) change(canvas, { width, height });
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const grey = Math.round(255 * Math.min(1, Math.max(0, shade(i))));
    image.data.fill(grey, 4 * i, 4 * i + 3);
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const STYLE = `
:host { display: block; }
.stage {
  --ink: #1c2430; --soft: #515c6b; --paper: #ffffff; --well: #f3f5f8; --line: #cfd6df;
  --control: #7b8796; --slab: #5b6675; --accent: #1c2430; --loss: #9aa5b3;
  color-scheme: light; container-type: inline-size; box-sizing: border-box;
  color: var(--ink); background: var(--paper); border: 1px solid var(--line); border-radius: 12px;
  padding: clamp(10px, 2.4cqi, 20px); font-size: 15px; line-height: 1.45; text-align: left;
  font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%;
}
.stage[data-theme="dark"] {
  --ink: #e8ecf2; --soft: #aab4c2; --paper: #1b212b; --well: #242c38; --line: #3c4757;
  --control: #8a96a6; --slab: #9aa6b6; --accent: #e8ecf2; --loss: #5d6979; color-scheme: dark;
}
@media print { .stage, .stage[data-theme="dark"] {
  --ink: #000000; --soft: #333333; --paper: #ffffff; --well: #ffffff; --line: #888888;
  --slab: #5b6675; color-scheme: light; break-inside: avoid; print-color-adjust: exact;
} input[type="range"] { display: none; } }
*, *::before, *::after { box-sizing: border-box; }
p { margin: 0; }
.stage { display: grid; grid-template-columns: minmax(0, 1fr); gap: 14px; }
.stage > *, .sides > * { min-width: 0; }
.head, .actions { display: flex; flex-wrap: wrap; gap: 6px 14px; align-items: center; }
.head { justify-content: space-between; }
.summary { background: var(--well); border-radius: 8px; padding: 8px 12px; align-content: center; }
.sides { display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr); align-items: start; }
.card-title { font-weight: 650; padding-bottom: 8px; }
.title { font-size: 1.15em; font-weight: 650; line-height: 1.25; text-wrap: balance; }
.note { color: var(--soft); font-size: .87em; }
svg { display: block; overflow: visible; max-width: 100%; }
svg text { fill: var(--ink); font-size: 13px; }
svg .halo { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
svg .soft { fill: var(--soft); }
svg .strong { font-weight: 650; }
svg .middle { text-anchor: middle; }
svg .end { text-anchor: end; }
svg .small { font-size: 11px; }
.rule { stroke: var(--line); fill: none; }
.upright { stroke: var(--control); fill: none; }
path.curve { fill: none; stroke-width: 2; }
path.curve.lit { stroke-width: 4; }

label, legend { font-size: .93em; }
input, select, button {
  font: inherit; line-height: 1.3; font-variant-numeric: inherit; color: var(--ink); margin: 0;
}
input[type="number"], select, button {
  min-height: 30px; background: var(--paper); border: 1px solid var(--control); border-radius: 6px;
}
input[type="number"] { width: 4.6em; padding: 1px 4px 1px 8px; }
input[aria-invalid="true"] { border: 2px dashed #D55E00; }
select { padding: 3px 6px; max-width: 100%; }
button { padding: 3px 12px; cursor: pointer; }
input[type="checkbox"] { width: 24px; height: 24px; margin: 0; accent-color: var(--accent); }
:is(input, select, button, summary, [tabindex]):focus-visible,
.choice label:has(:focus-visible) { outline: 3px solid #2f81e0; outline-offset: 1px; }

.slider { display: grid; grid-template-columns: 1fr auto; align-items: center; gap: 0 8px; }
.slider input[type="range"] { grid-column: 1 / -1; }
input[type="range"] {
  -webkit-appearance: none; appearance: none; width: 100%; height: 30px; background: none;
  cursor: pointer; touch-action: pan-y; border-radius: 6px;
}
input[type="range"]::-webkit-slider-runnable-track {
  height: 6px; border-radius: 3px;
  background: linear-gradient(var(--accent) 0 0) 0 / calc(11px + var(--part) * (100% - 22px)) 100%
    no-repeat var(--line);
}
input[type="range"]::-moz-range-track { height: 6px; border-radius: 3px; background: var(--line); }
input[type="range"]::-moz-range-progress { height: 6px; border-radius: 3px; background: var(--accent); }
input[type="range"]::-webkit-slider-thumb {
  -webkit-appearance: none; width: 22px; height: 22px; margin-top: -8px; border-radius: 50%;
  background: var(--accent); border: 3px solid var(--paper); box-shadow: 0 0 0 1px var(--control);
}
input[type="range"]::-moz-range-thumb {
  width: 22px; height: 22px; box-sizing: border-box; border-radius: 50%;
  background: var(--accent); border: 3px solid var(--paper); box-shadow: 0 0 0 1px var(--control);
}
input[type="range"]:disabled { opacity: .35; cursor: default; }

.choice { border: 0; padding: 0; margin: 0; min-width: 0; display: flex; flex-wrap: wrap;
  align-items: center; justify-content: space-between; gap: 4px 8px; }
.choice legend { float: left; padding: 0; }
.choice > div { display: inline-flex; overflow: clip; border: 1px solid var(--control);
  border-radius: 6px; }
.choice label { position: relative; min-width: 38px; }
.choice label + label { border-left: 1px solid var(--control); }
.choice input { position: absolute; inset: 0; width: 100%; height: 100%; opacity: 0; cursor: pointer; }
.choice span { display: block; padding: 3px 9px; text-align: center; min-height: 28px; }
.choice input:checked + span { background: var(--ink); color: var(--paper); font-weight: 650; }
.choice label:first-child { border-radius: 5px 0 0 5px; }
.choice label:last-child { border-radius: 0 5px 5px 0; }

.menu { display: flex; align-items: center; gap: 8px; min-width: 0; max-width: 100%; }
.menu select { min-width: 0; flex: 1; text-overflow: ellipsis; }

table { border-collapse: collapse; width: 100%; font-size: .93em; }
caption { text-align: left; padding: 0 0 4px; color: var(--soft); }
th, td { padding: 4px 6px; text-align: right; font-weight: 400; border-top: 1px solid var(--line); }
thead :is(td, th) { border-top: 0; color: var(--soft); vertical-align: bottom; }
th:first-child { text-align: left; padding-left: 0; }
td:last-child, thead th:last-child { padding-right: 0; }
tr.sum th, tr.sum td { font-weight: 650; border-top: 2px solid var(--control); }

@container (max-width: 420px) { table { font-size: .85em; } }
@container (max-width: 300px) { table { font-size: .76em; } th, td { padding: 4px 2px; } }

@media (prefers-reduced-motion: no-preference) {
  .glide :is(rect, path) { transition: x .35s, y .35s, width .35s, height .35s, d .35s; }
  .glide text { transition: transform .35s; }
}
`;
