// What a page runs for a copy of a figure. Python writes three constants in front: CONTENT, the name
// of the figure's content, its STATE, and the SOURCE of its module.
//
// Copies with the same content are alike, so each script takes the first figure of its content that
// no other script has taken: nothing on the page needs a unique id.
const TAKEN = Symbol.for("inception-course-interactive");
const copies = [...document.querySelectorAll(`[data-interactive="${CONTENT}"]`)];
const figure = copies.find((copy) => !copy[TAKEN]);
if (figure) {
  figure[TAKEN] = true;
  if (figure.id && document.getElementById(figure.id) !== figure) figure.removeAttribute("id");
  const fallback = figure.querySelector(".interactive-fallback");
  const fail = (error) => {
    console.error(error);
    const said = document.createElement("p");
    said.className = "interactive-error";
    said.setAttribute("role", "alert");
    said.textContent = `This interactive figure stopped working (${error?.message ?? error}). ` +
      "The text below says the same in words; reloading the page may bring the figure back.";
    figure.replaceChildren(said, fallback);
  };
  const listeners = new Map();
  const tell = (name, detail) => {
    for (const f of [...(listeners.get(name) ?? [])]) {
      try { f(detail); } catch (error) { fail(error); }
    }
  };
  const state = structuredClone(STATE);
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  const model = {
    get: (key) => state[key],
    set(key, value) {
      const changes = typeof key === "object" ? key : { [key]: value };
      const changed = Object.keys(changes).filter((k) => !same(state[k], changes[k]));
      for (const k of changed) state[k] = changes[k];
      for (const k of changed) tell("change:" + k, { name: k, new: state[k] });
      if (changed.length) tell("change");
    },
    on(names, f) {
      for (const n of names.split(" ")) listeners.set(n, [...(listeners.get(n) ?? []), f]);
    },
    off(names, f) {
      for (const n of names.split(" "))
        listeners.set(n, f ? (listeners.get(n) ?? []).filter((g) => g !== f) : []);
    },
    save_changes() {},
    send() {},
  };
  let begun = false;
  const start = async () => {
    if (begun) return;
    begun = true;
    near?.disconnect();
    const address = URL.createObjectURL(new Blob([SOURCE], { type: "text/javascript" }));
    try {
      let module = (await import(address)).default;
      if (typeof module === "function") module = await module();
      const el = document.createElement("div");
      // JupyterLab would take the keys, as if they were for the cell, if not what has the focus says
      // so itself; of what is in a shadow tree it sees the host.
      el.addEventListener("focusin", ({ target }) => (target.dataset.lmSuppressShortcuts = "true"));
      figure.insertBefore(el, fallback);
      await module.initialize?.({ model });
      await module.render({ model, el });
      fallback.remove();
      figure.dataset.ready = "";
    } catch (error) { fail(error); } finally { URL.revokeObjectURL(address); }
  };
  // A page of many figures would stand still if all of them started at once: each does when a reader
  // comes near, and the others when the page has long been at rest.
  const near = globalThis.IntersectionObserver && new IntersectionObserver(
    (seen) => { if (seen.some((one) => one.isIntersecting)) start(); }, { rootMargin: "800px" });
  near?.observe(figure);
  const rest = () => setTimeout(() => (globalThis.requestIdleCallback ?? setTimeout)(start), 3000);
  if (document.readyState === "complete") rest();
  else addEventListener("load", rest, { once: true });
  addEventListener("beforeprint", start, { once: true });
}
