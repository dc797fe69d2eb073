// What the search page shows of a result. Runs between Sphinx's searchtools.js and the index.
{
  // "1x1" finds "1×1"; where it stands on the page, it is also marked.
  const parse = Search._parseQuery;
  Search._parseQuery = (query) => {
    const parsed = parse(query);
    const marked = parsed[3];
    for (const word of [...marked])
      if (/[\p{L}\p{N}]x\p{N}/u.test(word)) marked.add(word.replaceAll("x", "×"));
    localStorage.setItem("sphinx_highlight_terms", [...marked].join(" "));
    return parsed;
  };

  // A result in the glossary is called by its term.
  Scorer.score = (result) => {
    const [, title, anchor, , score] = result;
    if (anchor.startsWith("#term-"))
      result[1] = `${anchor.slice(6).replaceAll("-", " ")} (${title})`;
    return score;
  };

  // A formula is in a page three times, drawn, as MathML and as TeX: one of them is enough.
  const words = (tex) =>
    tex
      .replace(/\\times\b/g, "×")
      .replace(/\\(?:text|mathrm|mathbf|operatorname)\b/g, "")
      .replace(/\\[A-Za-z]+|\\./g, " ")
      .replace(/[{}&]/g, "");
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    for (const formula of page.querySelectorAll(".katex"))
      formula.replaceWith(words(formula.querySelector("annotation")?.textContent ?? ""));
    page.querySelectorAll(".headerlink, script, style, .visually-hidden").forEach((it) => it.remove());
    const place = (anchor && page.querySelector(`article ${anchor}`)) || page.querySelector("article");
    const more = place?.tagName === "DT" ? `: ${place.nextElementSibling.textContent}` : "";
    return ((place?.textContent ?? "") + more).replace(/\s+/g, " ").trim();
  };

  Search.makeSearchSummary = (html, keywords, anchor) => {
    const text = Search.htmlToText(html, anchor);
    if (!text) return null;
    const plain = text.toLowerCase().replaceAll("×", "x");
    const found = [...keywords].map((word) => plain.indexOf(word)).filter((place) => place >= 0);
    const from = found.length ? text.lastIndexOf(" ", Math.max(0, found.at(-1) - 100)) + 1 : 0;
    const summary = document.createElement("p");
    summary.className = "context";
    const to = from + 240 < text.length ? text.lastIndexOf(" ", from + 240) : text.length;
    const end = to < text.length ? " …" : "";
    summary.textContent = (from ? "… " : "") + text.slice(from, to) + end;
    return summary;
  };
}
