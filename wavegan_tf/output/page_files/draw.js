// Pictures of one series: a waveform with the intervals, a spectrogram, their axes.

const AXIS_PX = 16, STRIP_PX = 16, FONT = "11px system-ui, sans-serif";

function colours() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: get("ink"), faint: get("faint"), line: get("line"), wave: get("wave"),
    change: get("change"), voiced: get("voiced"), frication: get("frication"),
    silence: get("silence"),
    dark: matchMedia("(prefers-color-scheme: dark)").matches && !matchMedia("print").matches,
  };
}

// The drawing context of a canvas in CSS pixels, cleared, with its width and height.
function prepare(canvas) {
  const ratio = devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  const size = [width, height].map((side) => Math.max(1, Math.round(side * ratio)));
  if (canvas.width !== size[0]) canvas.width = size[0]; // a change costs a new layout of the page
  if (canvas.height !== size[1]) canvas.height = size[1];
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = FONT;
  return { pen, width, height };
}

function drawTimeAxis(pen, width, bottom, durationS, colour) {
  const wanted = Math.max(2, Math.floor(width / 70));
  const step = [0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5].find((s) => durationS / s <= wanted) || 10;
  pen.fillStyle = colour.faint;
  pen.textBaseline = "alphabetic";
  for (let k = 0; k * step <= durationS; k++) {
    const x = ((k * step) / durationS) * width;
    const text = `${Number((k * step).toFixed(2))}${k === 0 ? " s" : ""}`;
    pen.textAlign = k === 0 ? "left" : x > width - 14 ? "right" : "center";
    pen.fillRect(Math.min(x, width - 1), bottom, 1, 3);
    pen.fillText(text, k === 0 ? 3 : Math.min(x, width), bottom + 13);
  }
}

// A text on a plate, so that it can be read on any picture.
function label(pen, text, x, y, colour) {
  pen.textAlign = "left";
  pen.textBaseline = "top";
  const width = pen.measureText(text).width;
  pen.globalAlpha = 0.75;
  pen.fillStyle = colour.dark ? "#15181b" : "#ffffff";
  pen.fillRect(x, y, width + 6, 14);
  pen.globalAlpha = 1;
  pen.fillStyle = colour.ink;
  pen.fillText(text, x + 3, y + 2);
}

// The intervals: a strip of full colour with their labels, and shades below it.
function drawIntervals(pen, intervals, width, bottom, durationS, colour) {
  for (const interval of intervals) {
    const x = (interval.start_s / durationS) * width;
    const wide = Math.max(1, ((interval.end_s - interval.start_s) / durationS) * width);
    pen.fillStyle = colour[interval.label] || colour.silence;
    pen.fillRect(x, 0, wide, STRIP_PX - 2);
    pen.globalAlpha = colour.dark ? 0.16 : 0.2;
    pen.fillRect(x, STRIP_PX, wide, bottom - STRIP_PX);
    pen.globalAlpha = 1;
    const text = [interval.label, `${interval.label.slice(0, 3)}.`].find(
      (t) => pen.measureText(t).width < wide - 4,
    );
    if (text) {
      pen.fillStyle = "#101010";
      pen.textAlign = "left";
      pen.textBaseline = "top";
      pen.fillText(text, x + 3, 2);
    }
  }
}

// Where a layer changes most along the sweeps: bars at the foot, a row for each latent variable.
function drawSpikes(pen, spikes, width, bottom, durationS, colour) {
  const latents = [...new Set(spikes.map((spike) => spike.latent))];
  pen.fillStyle = colour.change;
  for (const { latent, start_s, end_s } of spikes) {
    const x = (start_s / durationS) * width, wide = ((end_s - start_s) / durationS) * width;
    pen.fillRect(x, bottom - 4 - 5 * latents.indexOf(latent), Math.max(2, wide), 3);
  }
}

// series at its own rate between low and high; about: intervals, spikes, whether the time axis
// stands below it, whether it is the target.
function drawWaveform(canvas, series, limits, about, durationS) {
  const { pen, width, height } = prepare(canvas);
  const colour = colours(), bottom = height - (about.axis ? AXIS_PX : 0);
  drawIntervals(pen, about.intervals, width, bottom, durationS, colour);
  const span = limits.high - limits.low || 1;
  const room = bottom - STRIP_PX - (about.spikes.length ? 12 : 6);
  const y = (value) => STRIP_PX + 3 + ((limits.high - value) / span) * room;
  pen.fillStyle = colour.line;
  pen.fillRect(0, Math.round(y(0)), width, 1);
  pen.strokeStyle = pen.fillStyle = about.isTarget ? colour.ink : colour.wave;
  if (series.length > 2 * width) drawColumns(pen, series, width, y);
  else drawLine(pen, series, width, y);
  label(pen, shown(limits.high), 2, STRIP_PX, colour);
  if (limits.low < 0) label(pen, shown(limits.low), 2, bottom - 14, colour);
  drawSpikes(pen, about.spikes, width, bottom, durationS, colour);
  if (about.axis) drawTimeAxis(pen, width, bottom, durationS, colour);
}

function drawLine(pen, series, width, y) {
  pen.lineWidth = 1.3;
  pen.beginPath();
  let down = false;
  for (let i = 0; i < series.length; i++) {
    const known = Number.isFinite(series[i]);
    if (known) pen[down ? "lineTo" : "moveTo"](((i + 0.5) / series.length) * width, y(series[i]));
    down = known;
  }
  pen.stroke();
}

// From the least to the largest sample of each column of pixels.
function drawColumns(pen, series, width, y) {
  const step = 1 / (devicePixelRatio || 1);
  for (let x = 0; x < width; x += step) {
    const from = Math.floor((x / width) * series.length);
    const to = Math.min(series.length, Math.ceil(((x + step) / width) * series.length) + 1);
    let low = Infinity, high = -Infinity;
    for (let i = from; i < to; i++) {
      if (series[i] < low) low = series[i];
      if (series[i] > high) high = series[i];
    }
    if (low <= high) pen.fillRect(x, y(high), step, Math.max(1, y(low) - y(high)));
  }
}

function drawSpectrogram(canvas, picture, topHz, durationS) {
  const { pen, width, height } = prepare(canvas);
  const colour = colours(), bottom = height - AXIS_PX;
  const rows = Math.min(picture.bins, Math.floor(topHz / picture.binHz) + 1);
  const image = new ImageData(picture.frames, rows);
  const pixels = new Uint32Array(image.data.buffer); // opaque grey: the order of bytes is the same
  for (let frame = 0; frame < picture.frames; frame++) {
    for (let bin = 0; bin < rows; bin++) {
      const strength = 1 + picture.levels[frame * picture.bins + bin] / RANGE_DB;
      const grey = Math.round(colour.dark ? 18 + 237 * strength : 255 - 255 * strength);
      pixels[(rows - 1 - bin) * picture.frames + frame] = 0xff000000 | (grey * 0x010101);
    }
  }
  const small = new OffscreenCanvas(picture.frames, rows);
  small.getContext("2d").putImageData(image, 0, 0);
  const step = picture.frames > 1 ? picture.timesS[1] - picture.timesS[0] : durationS;
  const left = ((picture.timesS[0] - step / 2) / durationS) * width;
  const wide = ((picture.frames * step) / durationS) * width;
  const tall = (rows * picture.binHz * bottom) / topHz;
  pen.save();
  pen.beginPath();
  pen.rect(0, 0, width, bottom);
  pen.clip();
  pen.drawImage(small, left, bottom - tall, wide, tall);
  pen.restore();
  label(pen, topHz >= 1000 ? `${topHz / 1000} kHz` : `${topHz} Hz`, 2, 0, colour);
  drawTimeAxis(pen, width, bottom, durationS, colour);
}

// A number for people: four significant digits, three decimals of what is not tiny, a true minus.
function shown(value) {
  if (value === null || !Number.isFinite(value)) return "–";
  const short = Math.abs(value) < 0.01 ? value.toPrecision(2) : value.toFixed(3);
  return String(Number(Number(short).toPrecision(4))).replace("-", "−");
}
