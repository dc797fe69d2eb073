// Reads one JSON request a line ({tex, display}), answers one JSON line ({html} or {error}).
const readline = require("node:readline");
const katex = require("./katex.min.js");

const options = { throwOnError: true, strict: "error", trust: false, output: process.argv[2] };

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { tex, display } = JSON.parse(line);
  let answer;
  try {
    answer = { html: katex.renderToString(tex, { ...options, displayMode: display }) };
  } catch (error) {
    answer = { error: error.message };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
});
