// A question that the page answers: a choice among options, or a number.
// What is right and what each wrong answer shows comes with the state; nothing is sent anywhere.
// The first answer makes room for everything that it may ever say, unseen in one grid cell: nothing
// below moves while the reader tries the others. A prediction is wrong for nobody: what it predicts
// stays hidden (course.css) for as long as the box has `data-prediction`.

const STYLE = `
.question { border: 1px solid color-mix(in srgb, currentColor 25%, transparent);
  border-radius: .5rem; margin: 0; padding: .25rem 1rem 1rem; min-width: 0; }
.question legend { float: none; width: auto; margin: 0; padding: 0 .4rem; font-size: .85rem;
  font-weight: 600; }
.question-prompt { margin: .25rem 0 .75rem; }
.question-option { display: flex; gap: .6rem; align-items: baseline; padding: .3rem .25rem;
  min-height: 24px; border-radius: .25rem; cursor: pointer; }
.question-option:hover { background: color-mix(in srgb, currentColor 8%, transparent); }
.question-option input { flex: none; width: 1rem; height: 1rem; transform: translateY(.1rem); }
.question-number { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
.question-number input, .question-number button { font: inherit; color: inherit; min-height: 2.25rem;
  border: 1px solid color-mix(in srgb, currentColor 55%, transparent); border-radius: .3rem;
  background: transparent; padding: .2rem .6rem; }
.question-number input { flex: 1 1 9rem; min-width: 0; max-width: 18rem; }
.question-number button { cursor: pointer; }
.question-number button:hover { background: color-mix(in srgb, currentColor 8%, transparent); }
.question-room { display: grid; margin: .75rem 0 0; }
.question-room > * { grid-area: 1 / 1; min-width: 0; margin: 0; overflow-wrap: anywhere; }
.question-unsaid { visibility: hidden; user-select: none; }
.question:not([data-tried]) .question-unsaid { display: none; }
.question-wait { display: flex; flex-wrap: wrap; gap: .3rem .6rem; align-items: center;
  min-height: 2.25rem; margin: .75rem 0 0; font-size: .9rem; }
.question-wait button { font: inherit; color: inherit; cursor: pointer; padding: .2rem .6rem;
  border: 1px solid color-mix(in srgb, currentColor 55%, transparent); border-radius: .3rem;
  background: transparent; }
.question-wait button:hover { background: color-mix(in srgb, currentColor 8%, transparent); }
@media print { .question-wait { display: none; } }
.question :focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
`;

function element(tag, className, html = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.innerHTML = html;
  return made;
}

let asked = 0;

// Arithmetic as a reader types it: its value, NaN where it is none, and whether there was any.
//   sum = product {(+ | -) product}          product = signed {(* | / | nothing before a bracket) signed}
//   signed = (+ | -) signed | power          power = atom [^ signed]          atom = number | ( sum )
const GROUPED = /^[1-9]\d{0,2}(?:[ ,_'’\u00a0\u202f]\d{3}(?!\d))+/; // 26,880; 0,125 is a decimal comma

function worked(text) {
  let rest = text.replace(/\*\*/g, "^").replace(/²/g, "^2").replace(/³/g, "^3")
    .replace(/[×·⋅∙x]/gi, "*").replace(/÷/g, "/").replace(/[−–]/g, "-");
  let calculated = false;
  const next = () => (rest = rest.trimStart())[0] ?? " ";
  const take = (signs) => {
    const sign = next();
    if (!signs.includes(sign)) return "";
    calculated = true;
    rest = rest.slice(1);
    return sign;
  };
  const read = (pattern) => {
    const found = rest.match(pattern)?.[0] ?? "";
    rest = rest.slice(found.length);
    return found;
  };
  const atom = () => {
    if (take("(")) {
      const value = sum();
      return take(")") ? value : NaN;
    }
    const whole = (read(GROUPED) || read(/^\d+/)).replace(/\D/g, "");
    const digits = whole + read(/^[.,]\d*/).replace(",", ".");
    return /\d/.test(digits) ? Number(digits + read(/^e[+-]?\d+/i)) : NaN;
  };
  const power = () => {
    const base = atom();
    return take("^") ? base ** signed() : base;
  };
  const signed = () => {
    const sign = take("+-");
    if (!sign) return power();
    return sign === "-" ? -signed() : signed();
  };
  const product = () => {
    let value = signed();
    for (;;) {
      const sign = take("*/") || (next() === "(" ? "*" : "");
      if (!sign) return value;
      const other = signed();
      value = sign === "*" ? value * other : value / other;
    }
  };
  const sum = () => {
    let value = product();
    for (let sign; (sign = take("+-"));) value += sign === "+" ? product() : -product();
    return value;
  };
  if (text.length > 200) return { value: NaN };
  const value = sum();
  return { value: next() === " " && Number.isFinite(value) ? value : NaN, calculated };
}

const HIDDEN = ".after-prediction, .tag_after-prediction";

// Hide what follows a prediction in its section; the returned function shows it. Arrow keys choose
// a radio by passing over the others, so that only a click, Space or Enter is an answer.
function prediction(box, el) {
  const following = [];
  for (let next = el.closest(".cell"); (next = next?.nextElementSibling);) {
    following.push(...(next.matches(HIDDEN) ? [next] : next.querySelectorAll(HIDDEN)));
  }
  box.dataset.prediction = "";
  const line = element("p", "question-wait");
  const words = element("span", "", "Answer the question to see the result, or");
  const button = Object.assign(element("button", "", "show it now"), { type: "button" });
  line.append(words, button);
  const reveal = () => {
    delete box.dataset.prediction;
    words.textContent = "The result is shown below.";
    button.remove();
    // What has just got a size is measured: the theme lets the keyboard into code that scrolls.
    window.dispatchEvent(new Event("resize"));
  };
  button.addEventListener("click", () => {
    reveal();
    following[0].tabIndex = -1;
    following[0].focus();
  });
  if (following.length) box.append(line);
  return reveal;
}

const written = (n) => (Math.abs(n) < 1e15
  ? n.toLocaleString("en-GB", { maximumSignificantDigits: 12 })
  : n.toExponential(3)).replace("-", "−");

function render({ model, el }) {
  const group = `question-${(asked += 1)}-${Math.random().toString(36).slice(2)}`;
  const box = element("fieldset", "question");
  const legend = element("legend");
  legend.textContent = model.get("title");
  const prompt = element("p", "question-prompt", model.get("prompt"));
  const said = element("p", "question-said");
  said.setAttribute("role", "status");
  const verdict = (right, html) => `<strong>${right ? "✓ Right." : "✗ Not yet."}</strong> ${html}`;
  const tell = (html, tried = true) => {
    if (tried) box.dataset.tried = "";
    said.innerHTML = html;
  };
  const options = model.get("options");
  let sayings; // everything that may be told
  let reveal; // show what a prediction hides

  box.append(legend, prompt);
  if (model.get("kind") !== "number") {
    const predicted = model.get("kind") === "prediction";
    const found = options.find((option) => option.right);
    const quoted = ({ text }) => `“${text.replace(/\.$/, "")}”`;
    const saying = (option) => {
      if (!predicted) return verdict(option.right, option.diagnosis);
      const said = option.right
        ? `It was as you expected: ${quoted(found)}.`
        : `You expected ${quoted(option)}; it was ${quoted(found)}.`;
      return `<strong>${said}</strong> ${option.diagnosis}`;
    };
    const passing = "Press Enter to answer with this.";
    let arrow = false;
    for (const option of options) {
      const label = element("label", "question-option");
      const radio = Object.assign(element("input"), { type: "radio", name: group });
      const answer = () => {
        reveal?.();
        tell(saying(option));
      };
      radio.addEventListener("change", () => {
        if (arrow && "prediction" in box.dataset) tell(passing, false);
        else answer();
      });
      radio.addEventListener("keydown", ({ key }) => {
        arrow = key.startsWith("Arrow");
        if (radio.checked && (key === "Enter" || key === " ")) answer();
      });
      radio.addEventListener("keyup", () => (arrow = false));
      label.append(radio, element("span", "", option.text));
      box.append(label);
    }
    sayings = options.map(saying);
    tell("", false);
  } else {
    const form = element("div", "question-number");
    prompt.id = `${group}-prompt`;
    // Not the keypad for numbers: it has no signs for arithmetic.
    const field = Object.assign(element("input"), {
      type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: false,
    });
    field.setAttribute("aria-labelledby", prompt.id);
    const button = element("button");
    Object.assign(button, { type: "button", textContent: "Check" });
    const how = "Type a number or a calculation, such as 1,234 or 3 × (4 + 5).";
    const unread = `This does not read as a number. ${how}`;
    const check = () => {
      if (field.value.trim() === "") return tell(how, false);
      const typed = model.get("percent") ? field.value.replace(/%\s*$/, "") : field.value;
      const { value, calculated } = worked(typed);
      if (Number.isNaN(value)) return tell(unread, false);
      const answer = model.get("answer");
      const result = calculated ? `= ${written(value)}. ` : "";
      const far = (known) => Math.abs(value - known);
      const near = (known) => far(known) <= model.get("tolerance") * Math.abs(known) + 1e-9;
      if (near(answer)) {
        return tell(result + verdict(true, model.get("right")));
      }
      const [slip] = options.filter((known) => near(known.value))
        .sort((one, other) => far(one.value) - far(other.value));
      tell(result + verdict(false, slip ? slip.diagnosis : model.get("otherwise")));
    };
    button.addEventListener("click", check);
    field.addEventListener("keydown", (event) => event.key === "Enter" && check());
    form.append(field, button);
    box.append(form);
    const long = `= ${written(-123456789012)}. `;
    sayings = [
      unread, long + verdict(true, model.get("right")),
      ...[...options.map((known) => known.diagnosis), model.get("otherwise")]
        .map((diagnosis) => long + verdict(false, diagnosis)),
    ];
    tell(how, false);
  }
  const room = element("div", "question-room");
  for (const saying of sayings) {
    const unsaid = element("p", "question-unsaid", saying);
    unsaid.setAttribute("aria-hidden", "true");
    unsaid.inert = true;
    room.append(unsaid);
  }
  room.append(said);
  box.append(room);
  if (model.get("kind") === "prediction") reveal = prediction(box, el);
  const style = element("style");
  style.textContent = STYLE;
  el.append(style, box);
}

export default { render };
