// A trained Inception network, run on one image in plain JavaScript: no library, every map kept.
//
// A map is { data, channels, side }: channel by channel, each row by row. A convolution is
// { weight, bias, inputs, outputs, kernel }, with its normalisation folded into its weights. All numbers
// are float64, as JavaScript computes: reading float32 would cost a conversion each time.

let rows = new Float64Array(0); // used again by every convolution

// What the weights of a kernel by kernel convolution meet: a row for each input channel and place in the
// kernel, in it the value for each place of the map, and 0 beyond the edge.
function windows({ data, channels, side }, kernel) {
  if (kernel === 1) return data;
  const places = side * side;
  const size = channels * kernel * kernel * places;
  if (rows.length < size) rows = new Float64Array(size);
  else rows.fill(0, 0, size);
  const half = (kernel - 1) / 2;
  let row = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let down = -half; down <= half; down++) {
      for (let right = -half; right <= half; right++, row += places) {
        const top = Math.max(0, -down), bottom = Math.min(side, side - down);
        const from = Math.max(0, -right), to = Math.min(side, side - right);
        for (let y = top; y < bottom; y++) {
          const source = channel * places + (y + down) * side + right;
          for (let x = from; x < to; x++) rows[row + y * side + x] = data[source + x];
        }
      }
    }
  }
  return rows;
}

// A convolution that keeps the map's size, and its ReLU: each output channel is its bias plus the sum
// of weight times row. Two outputs and four rows at a time: what is read serves twice, and an output is
// read and written a quarter as often.
export function convolve(map, { weight, bias, outputs, kernel }, relu = true) {
  const places = map.side * map.side;
  const read = windows(map, kernel);
  const count = map.channels * kernel * kernel;
  const even = outputs + (outputs % 2); // the second of a last pair may be nobody's
  const data = new Float64Array(even * places);
  for (let output = 0; output < outputs; output += 2) {
    const a = data.subarray(output * places, (output + 1) * places);
    const b = data.subarray((output + 1) * places, (output + 2) * places);
    a.fill(bias[output]);
    b.fill(bias[output + 1]);
    let [u, v, row] = [output * count, (output + 1) * count, 0]; // the weights of a, of b
    for (; row + 4 <= count; row += 4, u += 4, v += 4) {
      const u0 = weight[u], u1 = weight[u + 1], u2 = weight[u + 2], u3 = weight[u + 3];
      const v0 = weight[v], v1 = weight[v + 1], v2 = weight[v + 2], v3 = weight[v + 3];
      const r0 = row * places, r1 = r0 + places, r2 = r1 + places, r3 = r2 + places;
      for (let i = 0; i < places; i++) {
        const x0 = read[r0 + i], x1 = read[r1 + i], x2 = read[r2 + i], x3 = read[r3 + i];
        a[i] += u0 * x0 + u1 * x1 + u2 * x2 + u3 * x3;
        b[i] += v0 * x0 + v1 * x1 + v2 * x2 + v3 * x3;
      }
    }
    for (; row < count; row++, u++, v++) {
      for (let i = 0; i < places; i++) {
        a[i] += weight[u] * read[row * places + i];
        b[i] += weight[v] * read[row * places + i];
      }
    }
  }
  if (relu) for (let i = 0; i < data.length; i++) if (data[i] < 0) data[i] = 0;
  return { data: data.subarray(0, outputs * places), channels: outputs, side: map.side };
}

// The largest value of every 3 by 3 window. In steps of 1 the windows stand around each place; in steps
// of 2 they start at the first place, and the last one may reach beyond the edge.
export function maxPool({ data, channels, side }, step) {
  const size = step === 1 ? side : Math.ceil((side - 3) / step) + 1;
  const start = step === 1 ? -1 : 0;
  const pooled = new Float64Array(channels * size * size);
  let to = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let y = 0; y < size; y++) {
      const top = Math.max(0, y * step + start), bottom = Math.min(side, y * step + start + 3);
      for (let x = 0; x < size; x++) {
        const left = Math.max(0, x * step + start), right = Math.min(side, x * step + start + 3);
        let most = -Infinity;
        for (let v = top; v < bottom; v++) {
          const row = (channel * side + v) * side;
          for (let at = row + left; at < row + right; at++) if (data[at] > most) most = data[at];
        }
        pooled[to++] = most;
      }
    }
  }
  return { data: pooled, channels, side: size };
}

// An Inception module: four branches read the same map, and their channels are put one behind another.
function inception(map, name, units, maps) {
  const unit = (path, from) => (maps[`${name}.${path}`] = convolve(from, units[`${name}.${path}`]));
  const branches = [
    unit("1x1", map),
    unit("3x3", unit("3x3.reduce", map)),
    unit("5x5", unit("5x5.reduce", map)),
    unit("pool", (maps[`${name}.pool.max`] = maxPool(map, 1))),
  ];
  const channels = branches.reduce((sum, branch) => sum + branch.channels, 0);
  const joined = { data: new Float64Array(channels * map.side ** 2), channels, side: map.side };
  let at = 0;
  for (const { data } of branches) {
    joined.data.set(data, at);
    at += data.length;
  }
  return joined;
}

// Runs the network on an image, grey values of 0 to 255, and returns all maps, scores and probabilities.
// `off` holds what is switched off: a stage ("inception3a"), a branch of one module ("inception3a.5x5") or
// of all ("5x5"), or a channel of a stage ("inception3a:17"). In its place stand zeros, or what `usual` has
// for each channel of a stage. With `after`, only what follows that stage is computed, from its map in
// `known`.
export function run({ stages, units, mean, std, size }, image, { off = new Set(), usual = {}, after, known = {} } = {}) {
  const maps = { ...known };
  let map = after ? maps[after] : {
    data: Float64Array.from(image, (grey) => (grey / 255 - mean) / std), channels: 1, side: size,
  };
  for (const stage of stages.slice(1 + stages.findIndex(({ name }) => name === after))) {
    const { name, kind } = stage;
    if (kind === "module") map = inception(map, name, units, maps);
    else map = kind === "pool" ? maxPool(map, 2) : convolve(map, units[name]);
    maps[name] = switchOff(map, stage, off, usual);
  }
  const means = average(map);
  const scores = [...convolve({ data: means, channels: map.channels, side: 1 }, units.fc, false).data];
  return { maps, means, scores, probabilities: softmax(scores) };
}

// Fills the channels of a stage that are switched off with what is usual, or zeros.
export function switchOff(map, { name, branches = {} }, off, usual = {}) {
  const places = map.side ** 2;
  const fill = (from, to) => {
    for (let channel = from; channel < to; channel++)
      map.data.fill(usual[name]?.[channel] ?? 0, channel * places, (channel + 1) * places);
  };
  if (off.has(name)) fill(0, map.channels);
  let first = 0;
  for (const [branch, channels] of Object.entries(branches)) {
    if (off.has(branch) || off.has(`${name}.${branch}`)) fill(first, first + channels);
    first += channels;
  }
  for (const one of off) {
    const [stage, channel] = one.split(":");
    if (stage === name && channel) fill(Number(channel), Number(channel) + 1);
  }
  return map;
}

// Of each channel its mean over the map: what the last layer reads.
export function average({ data, channels, side }) {
  const places = side * side;
  return Float64Array.from({ length: channels }, (_, channel) =>
    data.subarray(channel * places, (channel + 1) * places).reduce((sum, value) => sum + value, 0) / places);
}

export function softmax(scores) {
  const most = Math.max(...scores);
  const parts = scores.map((score) => Math.exp(score - most));
  const sum = parts.reduce((a, b) => a + b, 0);
  return parts.map((part) => part / sum);
}

// Puts the weights into the network's layout. The bytes hold, for each convolution in turn, a scale and
// a bias for each output channel, as float32; then all weights as whole numbers of 16 bits, to be
// multiplied by their scale: first the lower bytes of all, then the upper ones.
export function unpack(bytes, layout) {
  const units = {};
  const floats = layout.units.reduce((sum, { outputs }) => sum + 2 * outputs, 0);
  const values = new Float32Array(bytes.slice(0, 4 * floats).buffer);
  const count = (bytes.length - 4 * floats) / 2;
  const [low, high] = [bytes.subarray(4 * floats), bytes.subarray(4 * floats + count)];
  let [at, first] = [0, 0];
  for (const { name, inputs, outputs, kernel } of layout.units) {
    const scale = values.subarray(at, at + outputs);
    const bias = values.subarray(at + outputs, at + 2 * outputs);
    const each = inputs * kernel * kernel;
    const weight = Float64Array.from({ length: outputs * each }, (_, i) =>
      scale[Math.floor(i / each)] * (((high[first + i] << 8 | low[first + i]) << 16) >> 16));
    units[name] = { weight, bias, inputs, outputs, kernel };
    at += 2 * outputs;
    first += outputs * each;
  }
  return { ...layout, units };
}
