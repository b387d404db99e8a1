// The panels of layers: what is drawn and played of the output that is shown.

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const durationS = data.length / data.rate_hz;
const state = {
  place: 0, // of the output shown, in data.outputs
  panel: 0, // that is played
  channel: data.channels[0],
  startS: 0, // where playing starts
  series: [], // of the output shown, by panel
  playing: null, // {source, from} while something sounds
  opened: {}, // lists of the measurements, by title
  wanted: 0, // number of the newest request to show an output
};
let audio = null;

// ---- pictures ----

function intervalsOf(output, channel = state.channel) {
  return output.intervals.filter((interval) => interval.channel === channel);
}

function intervalsText(intervals) {
  if (!intervals.length) return "No intervals.";
  return intervals
    .map((x) => `${x.label} ${x.start_s.toFixed(3)}–${x.end_s.toFixed(3)} s`).join(", ") + ".";
}

// The least and the largest of 0 and all samples.
function rangeOf(series) {
  const known = finiteOnly(series);
  const low = known.reduce((a, b) => Math.min(a, b), 0);
  return { low, high: known.reduce((a, b) => Math.max(a, b), 0) };
}

function drawPanels() {
  const output = data.outputs[state.place];
  data.panels.forEach((panel, k) => {
    const series = state.series[k], intervals = intervalsOf(output, panel.channel || state.channel);
    const wave = byId(`wave-${k}`), spectrum = byId(`spectrum-${k}`);
    const isTarget = panel.layer === data.target, range = rangeOf(series);
    const spikes = data.spikes.filter((spike) => spike.layer === panel.layer);
    const about = { intervals, spikes, axis: !spectrum, isTarget };
    drawWaveform(wave, series, byId("same-scale").checked ? panel : range, about, durationS);
    const peak = shown(Math.max(-range.low, range.high));
    wave.setAttribute(
      "aria-label",
      `Waveform of ${panel.title}, largest value ${peak}. ${intervalsText(intervals)}`,
    );
    if (spectrum) {
      const picture = spectrogram(series, panel.rate_hz);
      drawSpectrogram(spectrum, picture, panel.nyquist_hz, durationS);
    }
  });
  moveCursor(state.startS);
}

function moveCursor(timeS) {
  const share = Math.max(0, Math.min(1, timeS / durationS));
  for (const cursor of document.querySelectorAll(".cursor")) cursor.style.left = `${100 * share}%`;
  byId("position").value = timeS;
  byId("position").setAttribute("aria-valuetext", `${timeS.toFixed(2)} seconds`);
  byId("clock").textContent = `${timeS.toFixed(2)} s`;
}

// ---- sound ----

// What is heard of a panel: to_sound's samples, or those at equal loudness.
function soundOf(k) {
  const make = (series) => toSound(finiteOnly(series), data.length, data.upsample, data.clip);
  const sound = make(state.series[k]);
  if (data.panels[k].layer === data.target || !byId("equal").checked) return sound;
  const target = data.panels.findIndex((panel) => panel.layer === data.target);
  return equalLoudness(sound, target < 0 ? 0.1 : rootMeanSquare(make(state.series[target])));
}

function makeBuffer() {
  const sound = soundOf(state.panel);
  const buffer = new AudioBuffer({ length: sound.length, sampleRate: data.rate_hz });
  buffer.copyToChannel(sound, 0);
  return buffer;
}

function play() {
  stop();
  audio = audio || new AudioContext();
  audio.resume();
  const source = new AudioBufferSourceNode(audio, {
    buffer: makeBuffer(), loop: byId("repeat").checked, loopStart: state.startS, loopEnd: durationS,
  });
  source.connect(audio.destination);
  source.start(0, state.startS);
  state.playing = { source, from: audio.currentTime };
  source.onended = stop;
  markPlaying();
  requestAnimationFrame(follow);
}

// What sounds, as it is now.
function playOn() {
  if (state.playing) play();
}

function stop() {
  if (!state.playing) return;
  const { source } = state.playing;
  state.playing = null;
  source.onended = null;
  source.stop();
  markPlaying();
  moveCursor(state.startS);
}

function follow() {
  if (!state.playing) return;
  const passed = Math.max(0, audio.currentTime - state.playing.from);
  const length = Math.max(1e-3, durationS - state.startS);
  moveCursor(state.startS + (state.playing.source.loop ? passed % length : passed));
  requestAnimationFrame(follow);
}

function markPlaying() {
  const on = Boolean(state.playing);
  const mark = (button, playing, title) => {
    button.dataset.on = playing;
    button.setAttribute("aria-label", `${playing ? "Stop" : "Play"} ${title}`);
  };
  mark(byId("play"), on, data.panels[state.panel].title);
  document.querySelectorAll(".panel").forEach((section, k) => {
    section.classList.toggle("chosen", k === state.panel);
    mark(section.querySelector("button"), on && k === state.panel, data.panels[k].title);
  });
}

function toggle(panel = state.panel) {
  if (state.playing && panel === state.panel) return stop();
  choosePanel(panel);
  play();
}

function choosePanel(panel) {
  state.panel = panel;
  byId("listen").value = panel;
  markPlaying();
}

function startAt(timeS) {
  state.startS = Math.max(0, Math.min(durationS - 0.01, timeS));
  moveCursor(state.startS);
  playOn();
}

// ---- controls of the panels ----

function listenToPanels() {
  byId("play").addEventListener("click", () => toggle());
  byId("listen").addEventListener("change", (event) => {
    choosePanel(Number(event.target.value));
    playOn();
  });
  byId("position").addEventListener("input", (event) => startAt(Number(event.target.value)));
  byId("same-scale").addEventListener("change", drawPanels);
  for (const id of ["repeat", "equal"]) byId(id).addEventListener("change", playOn);
  document.querySelectorAll(".panel").forEach((section, k) => {
    section.querySelector("button").addEventListener("click", () => toggle(k));
    section.querySelector(".plots").addEventListener("click", (event) => {
      const box = event.currentTarget.getBoundingClientRect();
      startAt(((event.clientX - box.left) / box.width) * durationS);
    });
  });
  let width = 0;
  new ResizeObserver(([entry]) => {
    if (entry.contentRect.width !== width && state.series.length) drawPanels();
    width = entry.contentRect.width;
  }).observe(document.querySelector(".plots"));
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", drawPanels);
  }
  markPlaying();
}

// Space plays and stops; act is told every other key, with the name of the element it was pressed in.
function listenToKeys(act) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const tag = event.target.tagName, typing = tag === "SELECT" || tag === "TEXTAREA";
    if (event.key === " " && data.panels.length && !typing && tag !== "BUTTON" &&
        tag !== "SUMMARY" && event.target.type !== "checkbox") {
      event.preventDefault();
      toggle();
    } else if (!typing) {
      act(event.key, event.target);
    }
  });
}
