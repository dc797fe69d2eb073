// A reader's own picture, as the network's images were made: grey, the thing bright on black, as large as
// the sheet. It is read by the browser alone, and goes nowhere.

const MOST_BYTES = 64e6;
const WORK = 448; // pixels of the longer side that is worked on
const STANDS_OUT = 28; // grey levels from the background

const luma = (data, i) => 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
const middleOf = (values) => values.sort((a, b) => a - b)[values.length >> 1];

// Returns { pixels, view, done }: the sheet, a canvas that shows what was cropped, and what was done, in
// words. Throws an Error whose message is a sentence for the reader.
export async function readPicture(file, size) {
  if (!file.size) throw new Error("This file is empty.");
  if (file.size > MOST_BYTES) throw new Error("This file is larger than 64 MB: take a smaller picture.");
  let bitmap;
  try {
    bitmap = await createImageBitmap(file); // turned as its camera says
  } catch {
    throw new Error(
      "This browser cannot read that file as a picture: it may be damaged or too large. Try a JPEG or PNG.");
  }
  const larger = Math.min(1, WORK / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * larger));
  const height = Math.max(1, Math.round(bitmap.height * larger));
  const view = Object.assign(document.createElement("canvas"), { width, height });
  const context = view.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);

  // What is transparent becomes white behind a dark thing, black behind a bright one.
  const opaque = [];
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 127) opaque.push(luma(data, i));
  if (!opaque.length) throw new Error("This picture is transparent throughout: there is nothing to see.");
  const see = opaque.length < 0.98 * (data.length / 4);
  const behind = see && middleOf(opaque) > 140 ? 0 : 255;
  const grey = Float32Array.from({ length: width * height }, (_, i) => {
    const part = data[4 * i + 3] / 255;
    return part * luma(data, 4 * i) + (1 - part) * behind;
  });
  context.globalCompositeOperation = "destination-over";
  context.fillStyle = behind ? "#fff" : "#000";
  context.fillRect(0, 0, width, height);

  const edge = [];
  for (let x = 0; x < width; x++) edge.push(grey[x], grey[(height - 1) * width + x]);
  for (let y = 0; y < height; y++) edge.push(grey[y * width], grey[y * width + width - 1]);
  let background = middleOf(edge);
  const bright = background > 127;
  if (bright) {
    background = 255 - background;
    grey.forEach((value, i) => { grey[i] = 255 - value; });
  }
  const value = (i) => Math.max(0, ((grey[i] - background) * 255) / (255 - background));

  // The thing: rows and columns in which enough stands out.
  const [rows, columns] = [new Array(height).fill(0), new Array(width).fill(0)];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (value(y * width + x) > STANDS_OUT) { rows[y]++; columns[x]++; }
  const ends = (counts, other) => {
    const enough = (n) => n > Math.max(0, 0.01 * other);
    return [counts.findIndex(enough), counts.length - [...counts].reverse().findIndex(enough)];
  };
  const [top, bottom] = ends(rows, width);
  const [left, right] = ends(columns, height);
  if (top < 0 || left < 0)
    throw new Error("Nothing stands out from the background of this picture: take one of a single thing " +
      "on a plain ground.");

  // The longer side fills the sheet; each of its pixels is the mean of what it covers.
  const scale = Math.max(right - left, bottom - top) / size;
  const [x0, y0] = [(left + right - size * scale) / 2, (top + bottom - size * scale) / 2];
  const pixels = [];
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [from, to] = [x0 + x * scale, x0 + (x + 1) * scale];
      const [above, below] = [y0 + y * scale, y0 + (y + 1) * scale];
      let [sum, area] = [0, 0];
      for (let v = Math.floor(above); v < below; v++) {
        for (let h = Math.floor(from); h < to; h++) {
          const part = (Math.min(to, h + 1) - Math.max(from, h)) * (Math.min(below, v + 1) - Math.max(above, v));
          area += part;
          if (v >= top && v < bottom && h >= left && h < right) sum += part * value(v * width + h);
        }
      }
      pixels.push(Math.round(sum / area));
    }
  }
  // Where the edge is no plain ground, nothing has been cut out.
  const apart = edge.filter((one) => Math.abs((bright ? 255 - one : one) - background) > STANDS_OUT).length;
  const whole = right - left > 0.95 * width && bottom - top > 0.95 * height;
  const doubt = whole && apart > 0.4 * edge.length ? " But almost everything in it stands out: unless this is " +
    "one garment on a plain ground, the answer means nothing." : "";
  context.globalCompositeOperation = "source-over";
  context.strokeStyle = "#2f81e0";
  context.lineWidth = Math.max(2, width / 100);
  context.strokeRect(left, top, right - left, bottom - top);
  return {
    pixels, view,
    done: `Made grey${bright ? ", inverted because its background is bright" : ""}, cropped to what stands ` +
      `out, and scaled to ${size} × ${size}.${doubt}`,
  };
}
