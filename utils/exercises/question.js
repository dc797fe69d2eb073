// A question that the page answers: a choice among options, or a number.
// What is right and what each wrong answer shows comes with the state; nothing is sent anywhere.

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
.question-number input { width: 9rem; }
.question-number button { cursor: pointer; }
.question-number button:hover { background: color-mix(in srgb, currentColor 8%, transparent); }
.question-said { min-height: 1.6em; margin: .75rem 0 0; }
.question :focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
`;

function element(tag, className, html = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.innerHTML = html;
  return made;
}

let asked = 0;

function render({ model, el }) {
  const group = `question-${(asked += 1)}-${Math.random().toString(36).slice(2)}`;
  const box = element("fieldset", "question");
  const legend = element("legend");
  legend.textContent = model.get("title");
  const prompt = element("p", "question-prompt", model.get("prompt"));
  const said = element("p", "question-said");
  said.setAttribute("role", "status");
  const tell = (right, html) => {
    box.dataset.state = right === null ? "open" : right ? "right" : "wrong";
    const mark = right === null ? "" : `<strong>${right ? "✓ Right." : "✗ Not yet."}</strong> `;
    said.innerHTML = mark + html;
  };

  box.append(legend, prompt);
  if (model.get("kind") === "choice") {
    for (const option of model.get("options")) {
      const label = element("label", "question-option");
      const radio = Object.assign(element("input"), { type: "radio", name: group });
      radio.addEventListener("change", () => tell(option.right, option.diagnosis));
      label.append(radio, element("span", "", option.text));
      box.append(label);
    }
  } else {
    const form = element("div", "question-number");
    prompt.id = `${group}-prompt`;
    const field = Object.assign(element("input"), { type: "text", inputMode: "decimal" });
    field.setAttribute("aria-labelledby", prompt.id);
    field.autocomplete = "off";
    const button = element("button");
    Object.assign(button, { type: "button", textContent: "Check" });
    const check = () => {
      // A comma before three digits groups thousands; any other is a decimal comma.
      const text = field.value.replace(/[\s_']|,(?=\d{3}(?!\d))/g, "").replace(",", ".")
        .replace("−", "-");
      const value = Number(text);
      if (text === "" || !Number.isFinite(value)) {
        return tell(null, "Type a number, such as 1234 or 0.5.");
      }
      const answer = model.get("answer");
      if (Math.abs(value - answer) <= model.get("tolerance") * Math.abs(answer) + 1e-9) {
        return tell(true, model.get("right"));
      }
      const slip = model.get("options").find((known) => Math.abs(known.value - value) < 1e-9);
      tell(false, slip ? slip.diagnosis : model.get("otherwise"));
    };
    button.addEventListener("click", check);
    field.addEventListener("keydown", (event) => event.key === "Enter" && check());
    form.append(field, button);
    box.append(form);
  }
  box.append(said);
  tell(null, "");
  const style = element("style");
  style.textContent = STYLE;
  el.append(style, box);
}

export default { render };
