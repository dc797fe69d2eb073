import { node, readBytes } from "../interactive/kit.js";

// Bytes that travel with a figure, deflated: in its state, as a data address; or in a file of the book,
// where `_ext/course/figure_data.py` put them. That file is a script which leaves its text here: a page
// that was opened from a disk may load nothing else.

const LEFT = Symbol.for("inception-course-data");

export async function bytesOf(address) {
  const text = address.startsWith("data:") ? address.slice(address.indexOf(",") + 1) : await left(address);
  const packed = readBytes(text);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function left(address) {
  const name = address.split("/").pop();
  if (!globalThis[LEFT]?.[name]) {
    await new Promise((resolve, reject) => {
      const script = node("script", { src: address });
      script.onload = resolve;
      script.onerror = () => reject(new Error(`the file ${name} could not be loaded`));
      document.head.append(script);
    });
  }
  return globalThis[LEFT][name];
}
