"use strict";
// From packed series to sounds and spectrograms: pure functions of arrays.

const NOT_FINITE = -32768, FULL_SCALE = 32767;

// Series of one output: what output.page.pack packed, a Float32Array each; NaN where no number was.
async function unpack(text, lengths, scales) {
  const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const samples = bytes.length / 2;
  let start = 0;
  return lengths.map((length, k) => {
    const series = new Float32Array(length);
    for (let i = 0; i < length; i++) {
      const code = ((bytes[start + i] | (bytes[samples + start + i] << 8)) << 16) >> 16;
      series[i] = code === NOT_FINITE ? NaN : (code / FULL_SCALE) * scales[k];
    }
    start += length;
    return series;
  });
}

// speech.averages.to_sound: clip to -1 .. 1, then upsample; sample i stands at (i + 0.5) / rate.
function toSound(series, length, upsample, clip) {
  const clipped = clip ? series.map((x) => Math.max(-1, Math.min(1, x))) : series;
  if (clipped.length === length) return Float32Array.from(clipped);
  if (upsample === "linear") return upsampleLinear(clipped, length);
  const sound = upsampleBandLimited(clipped, length);
  return clip ? sound.map((x) => Math.max(-1, Math.min(1, x))) : sound;
}

function upsampleLinear(series, length) {
  const n = series.length, sound = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    const position = Math.max(0, Math.min(n - 1, ((i + 0.5) * n) / length - 0.5));
    const left = Math.floor(position), right = Math.min(left + 1, n - 1);
    sound[i] = series[left] + (position - left) * (series[right] - series[left]);
  }
  return sound;
}

// A sinc of 65 samples of the series under a Kaiser window of 80 dB.
function upsampleBandLimited(series, length) {
  const reach = 32, beta = 0.1102 * (80 - 8.7);
  const n = series.length, factor = length / n, sound = new Float32Array(length);
  for (let phase = 0; phase < factor; phase++) {
    const offset = (phase + 0.5) / factor - 0.5, taps = [];
    for (let tap = -reach; tap <= reach; tap++) {
      const x = offset - tap, part = x / (reach + 0.5);
      const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
      taps.push(sinc * besselI0(beta * Math.sqrt(1 - part * part)));
    }
    const total = taps.reduce((a, b) => a + b);
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let tap = -reach; tap <= reach; tap++) {
        sum += taps[tap + reach] * series[Math.max(0, Math.min(n - 1, i + tap))];
      }
      sound[i * factor + phase] = sum / total;
    }
  }
  return sound;
}

function besselI0(x) {
  let term = 1, sum = 1;
  for (let k = 1; term > 1e-12 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

// What is played of a layer at equal loudness: without its offset, at the level of the target
// (rms), no sample beyond full scale.
function equalLoudness(sound, rms) {
  const mean = sound.reduce((a, b) => a + b, 0) / sound.length;
  const centred = sound.map((x) => x - mean);
  const own = rootMeanSquare(centred);
  const peak = centred.reduce((a, x) => Math.max(a, Math.abs(x)), 0);
  const gain = own === 0 ? 0 : Math.min(rms / own, 0.99 / peak);
  return centred.map((x) => x * gain);
}

function rootMeanSquare(sound) {
  return Math.sqrt(sound.reduce((a, x) => a + x * x, 0) / sound.length);
}

function finiteOnly(series) {
  return series.map((x) => (Number.isFinite(x) ? x : 0));
}

// Like Praat's picture of a broad-band spectrogram: Gaussian window of 5 ms, 2 ms steps, +6 dB per
// octave, 70 dB below the maximum. The weighted mean of each frame is subtracted.
// Returns {levels [frames * bins] in dB re the maximum, frames, bins, timesS, binHz}, or null of a
// series with fewer than 8 samples to a window.
const WINDOW_S = 0.005, STEP_S = 0.002, RANGE_DB = 70;

function spectrogram(values, rateHz) {
  const n = Math.round(2 * WINDOW_S * rateHz), half = Math.floor(n / 2);
  if (n < 8) return null;
  const series = finiteOnly(values), hop = Math.max(1, Math.round(STEP_S * rateHz));
  const window = gaussian(n), frames = Math.floor((series.length + 2 * half - n) / hop) + 1;
  let size = 256;
  while (size < 4 * n) size *= 2;
  const bins = size / 2 + 1, power = new Float64Array(frames * bins);
  const re = new Float64Array(size), im = new Float64Array(size);
  const flat = series.every((x) => x === series[0]);
  const fill = (part, frame) => {
    const first = frame * hop - half, last = series.length - 1;
    let mean = 0;
    part.fill(0);
    for (let i = 0; i < n; i++) {
      part[i] = series[Math.max(0, Math.min(last, first + i))];
      mean += window[i] * part[i];
    }
    for (let i = 0; i < n; i++) part[i] = (part[i] - mean) * window[i];
  };
  // Two frames at once, one as real part, one as imaginary part.
  for (let frame = 0; frame < frames && !flat; frame += 2) {
    const second = Math.min(frame + 1, frames - 1);
    fill(re, frame);
    fill(im, second);
    fourier(re, im);
    for (let bin = 0; bin < bins; bin++) {
      const mirror = (size - bin) % size;
      const sumRe = re[bin] + re[mirror], differenceIm = im[bin] - im[mirror];
      const sumIm = im[bin] + im[mirror], differenceRe = re[bin] - re[mirror];
      power[second * bins + bin] = ((sumIm ** 2 + differenceRe ** 2) / 4) * bin ** 2;
      power[frame * bins + bin] = ((sumRe ** 2 + differenceIm ** 2) / 4) * bin ** 2;
    }
  }
  const top = power.reduce((a, b) => Math.max(a, b), 0);
  const levels = new Float32Array(frames * bins);
  for (let i = 0; i < levels.length; i++) {
    levels[i] = top ? Math.max(-RANGE_DB, 10 * Math.log10(power[i] / top)) : -RANGE_DB;
  }
  const timesS = Array.from({ length: frames }, (_, k) => (k * hop + n / 2 - half) / rateHz);
  return { levels, frames, bins, timesS, binHz: rateHz / size };
}

function gaussian(n) {
  const window = Array.from({ length: n }, (_, i) => {
    const phase = (i + 0.5) / n - 0.5;
    return Math.exp(-48 * phase * phase) - Math.exp(-12);
  });
  const total = window.reduce((a, b) => a + b);
  return window.map((x) => x / total);
}

// Discrete Fourier transform in place; the length is a power of two.
function fourier(re, im) {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j], re[i]];
      [im[i], im[j]] = [im[j], im[i]];
    }
  }
  for (let span = 2; span <= n; span *= 2) {
    const half = span / 2, [cosines, sines] = turns(span);
    for (let start = 0; start < n; start += span) {
      for (let k = 0; k < half; k++) {
        const a = start + k, b = a + half;
        const x = re[b] * cosines[k] - im[b] * sines[k];
        const y = re[b] * sines[k] + im[b] * cosines[k];
        re[b] = re[a] - x;
        im[b] = im[a] - y;
        re[a] += x;
        im[a] += y;
      }
    }
  }
}

const turnsKept = new Map();

function turns(span) {
  if (!turnsKept.has(span)) {
    const angles = Array.from({ length: span / 2 }, (_, k) => (-2 * Math.PI * k) / span);
    turnsKept.set(span, [Float64Array.from(angles, Math.cos), Float64Array.from(angles, Math.sin)]);
  }
  return turnsKept.get(span);
}
