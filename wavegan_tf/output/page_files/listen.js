// The page to label outputs with: what is heard, what was answered, what is remembered and saved.
// A sound is known here by its place in the page alone; save() looks up which output it is.

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const total = data.plays.length;
const state = {
  place: 0, // of the sound that is heard, in data.plays
  answers: {}, // label by place
  listener: "",
  playing: null, // source of what sounds
  wanted: 0, // number of the newest request to play
  remembered: true, // whether this browser keeps answers
  saved: true, // whether all answers are in a file
};
let audio = null;

// ---- what is remembered ----

const storageKey = () => `wavegan_tf listen ${data.run} ${state.listener}`;

function recall() {
  try {
    return JSON.parse(localStorage.getItem(storageKey())) || {};
  } catch {
    return {};
  }
}

function remember() {
  try {
    localStorage.setItem(storageKey(), JSON.stringify(state.answers));
  } catch {
    state.remembered = false;
  }
}

// ---- what is heard ----

async function play() {
  const number = ++state.wanted, sound = data.sounds[data.plays[state.place]];
  stop();
  audio = audio || new AudioContext(); // before anything is waited for: a phone asks for a touch
  audio.resume();
  const channels = await unpack(sound.series, data.lengths, sound.scales);
  if (number !== state.wanted) return; // a newer request has been made
  const about = { length: data.lengths[0], numberOfChannels: channels.length };
  const buffer = new AudioBuffer({ ...about, sampleRate: data.rate_hz });
  channels.forEach((samples, k) => buffer.copyToChannel(samples, k));
  state.playing = new AudioBufferSourceNode(audio, { buffer });
  state.playing.connect(audio.destination);
  state.playing.start();
}

function stop() {
  if (state.playing) state.playing.stop();
  state.playing = null;
}

// ---- what is answered ----

function answer(label) {
  state.answers[state.place] = label;
  state.saved = false;
  remember();
  const next = unlabelled(state.place + 1);
  if (next < 0) show();
  else go(next);
}

// The first place without a label from a place on, then from the beginning; -1 if there is none.
function unlabelled(from) {
  const places = Array.from({ length: total }, (_, k) => (from + k) % total);
  return places.find((place) => !(place in state.answers)) ?? -1;
}

function go(place) {
  if (place < 0 || place >= total) return;
  state.place = place;
  show();
  play();
}

function show() {
  const done = Object.keys(state.answers).length, label = state.answers[state.place];
  byId("progress").textContent = `Sound ${state.place + 1} of ${total} · ${done} labelled`;
  byId("bar").value = done;
  byId("choices")?.querySelectorAll("button").forEach((button, k) => {
    button.setAttribute("aria-pressed", data.labels[k] === label);
  });
  if (byId("word")) {
    byId("word").value = label || "";
    byId("word").focus();
  }
  byId("back").disabled = state.place === 0;
  byId("skip").disabled = state.place === total - 1;
  byId("save").disabled = done === 0;
  byId("save").classList.toggle("due", done === total);
  tell(done === total ? "All sounds are labelled. Save the labels now." : "");
}

function tell(text) {
  const forgets = "This browser remembers nothing: save the labels before you close this page. ";
  byId("note").textContent = (state.remembered ? "" : forgets) + text;
}

// ---- what is saved ----

function quoted(text) {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// The table output,label, in order of outputs; of sounds heard twice the second label too.
function csv() {
  const bytes = Uint8Array.from(atob(data.key), (c) => c.charCodeAt(0));
  const outputs = new Uint32Array(bytes.buffer), twice = total > data.sounds.length;
  const rows = Array.from(outputs, (output, place) => {
    const second = data.plays.indexOf(place, data.sounds.length);
    return [output, state.answers[place], second < 0 ? undefined : state.answers[second]];
  });
  const there = rows.filter((row) => row[1] || row[2]).sort((a, b) => a[0] - b[0]);
  const lines = there.map(([output, first, second]) => {
    const cells = [output, quoted(first || "")];
    return (twice ? [...cells, quoted(second || "")] : cells).join(",");
  });
  return [`output,label${twice ? ",again" : ""}`, ...lines, ""].join("\n");
}

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
  link.download = `labels-${state.listener.replace(/[^\p{L}\p{N}_-]+/gu, "-")}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  state.saved = true;
  tell(`Saved as ${link.download}, in the folder of your downloads.`);
}

// ---- controls ----

function begin(event) {
  event.preventDefault();
  state.listener = byId("listener").value.trim();
  if (!state.listener) return;
  state.answers = recall();
  remember();
  byId("start").hidden = true;
  byId("work").hidden = false;
  go(Math.max(0, unlabelled(0)));
}

function keepWord(event) {
  event.preventDefault();
  const word = byId("word").value.trim();
  if (data.missing.includes(word.toLowerCase())) {
    tell(`"${word}" means that there is no label; write another word.`);
  } else if (word) answer(word);
}

function onKey(event) {
  if (byId("work").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.id === "word" && event.target.value) return; // it is being written in
  const digit = event.code.match(/^Digit(\d)$/); // a French 1 is typed with Shift
  const label = data.keys.indexOf(digit ? digit[1] : event.key.toLowerCase());
  const moves = { " ": play, Backspace: () => go(state.place - 1) };
  moves.ArrowLeft = moves.Backspace;
  moves.ArrowRight = () => go(state.place + 1);
  if (event.key in moves) {
    event.preventDefault(); // Space would press the button that has the focus
    if (!event.repeat) moves[event.key](); // who holds Backspace erases a word, and no more
  } else if (event.key.length === 1 && label >= 0 && !event.repeat) {
    event.preventDefault();
    answer(data.labels[label]);
  }
}

function listen() {
  byId("start").addEventListener("submit", begin);
  byId("play").addEventListener("click", play);
  byId("back").addEventListener("click", () => go(state.place - 1));
  byId("skip").addEventListener("click", () => go(state.place + 1));
  byId("save").addEventListener("click", save);
  byId("words")?.addEventListener("submit", keepWord);
  byId("choices")?.querySelectorAll("button").forEach((button, k) => {
    button.addEventListener("click", () => answer(data.labels[k]));
  });
  document.addEventListener("keydown", onKey);
  addEventListener("beforeunload", (event) => {
    if (!state.saved && !state.remembered) event.preventDefault();
  });
}

if (typeof DecompressionStream === "undefined") {
  byId("begin").disabled = true;
  byId("start").firstElementChild.textContent =
    "This browser cannot unpack the sounds; use one of 2023 or later.";
} else {
  listen();
}
