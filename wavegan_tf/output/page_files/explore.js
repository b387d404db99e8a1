// The explorer: a setting is sent at every move, and what the model makes of it is shown.

const REACH = 25, FEW = 3; // of a slider; decimals of a number beside it
const hand = { seed: data.seed, values: data.values }; // the setting in hand, at first the code
// What the model made of a setting: {seed, values, series, output, means, texts, base}; "a" is
// held, "b" the newest, shown one of them.
const shots = { a: null, b: null };
const moves = { busy: false, again: false };
let side = "b";

const isCode = (name) => name.startsWith("c");
const codes = data.names.filter(isCode);

// ---- between page and model ----

async function ask(path, setting) {
  const answer = await fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(setting),
  }).catch(() => null);
  if (!answer) throw new Error("The program that makes the sounds does not answer; start it again.");
  const content = await answer.json();
  if (content.error) throw new Error(content.error);
  return content;
}

async function attempt(action) {
  try {
    const value = await action();
    byId("problem").hidden = true;
    return value;
  } catch (error) {
    byId("problem").textContent = error.message;
    byId("problem").hidden = false;
    return null;
  }
}

function floatsOf(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0)), series = [];
  const view = new DataView(bytes.buffer);
  let start = 0;
  for (const { length } of data.panels) {
    const from = start;
    series.push(Float32Array.from({ length }, (_, i) => view.getFloat32(4 * (from + i), true)));
    start += length;
  }
  return series;
}

// Sends the setting in hand; while one is on its way, the newest alone is kept to be sent next.
async function move() {
  moves.again = true;
  if (moves.busy) return;
  moves.busy = true;
  while (moves.again) {
    moves.again = false;
    const setting = structuredClone(hand), begun = performance.now();
    const answer = await attempt(() => ask("/move", setting));
    if (!answer) continue;
    const base = Object.fromEntries(answer.output.numbers);
    shots.b = { ...setting, ...answer, base, series: floatsOf(answer.series) };
    show(side); // who looks at A meanwhile goes on doing so
    document.documentElement.dataset.ms = Math.round(performance.now() - begun);
  }
  moves.busy = false;
  if (byId("auto").checked && !state.playing) play();
}

// ---- what is shown ----

function show(which) {
  const shot = shots[which];
  side = which;
  data.outputs = [shot.output];
  data.texts = shot.texts;
  state.series = shot.series;
  widenScales();
  drawPanels();
  writeMeasurements(shot.output);
  writeComparison();
  writeRows();
  byId("setting").disabled = which === "a";
  byId("show-a").disabled = byId("show-b").disabled = !shots.a;
  for (const each of ["a", "b"]) byId(`show-${each}`).setAttribute("aria-pressed", each === which);
  const told = `${which.toUpperCase()}: ${shot.output.title}. `;
  byId("saying").textContent =
    which === "a" ? `${told}Go on with B (X) to move.` : shots.a ? told : `${shot.output.title}.`;
  document.documentElement.dataset.shown = JSON.stringify([which, shot.seed, shot.values]);
  playOn();
}

const ordinary = data.panels.map(({ low, high }) => ({ low, high }));

// One scale for A and B: that of ordinary outputs, or a larger one.
function widenScales() {
  data.panels.forEach((panel, k) => {
    const ranges = Object.values(shots).filter(Boolean).map((shot) => rangeOf(shot.series[k]));
    panel.low = Math.min(ordinary[k].low, ...ranges.map((range) => range.low));
    panel.high = Math.max(ordinary[k].high, ...ranges.map((range) => range.high));
  });
}

function meansOf(shot) {
  const rows = shot.means.filter((row) => row.channel === state.channel);
  const name = (row) => (row.label === "output" ? row.title : `${row.label}: ${row.title}`);
  return new Map(rows.map((row) => [name(row), row.cells]));
}

// Both values of Out, and B − A in every layer that has both.
function writeComparison() {
  if (!shots.a) return byId("compared").replaceChildren();
  const [a, b] = [meansOf(shots.a), meansOf(shots.b)], nothing = data.layers.map(() => null);
  const rows = [...new Set([...a.keys(), ...b.keys()])].map((title) => {
    const [cellsA, cellsB] = [a.get(title) || nothing, b.get(title) || nothing];
    const minus = cellsB.map((x, k) => (x === null || cellsA[k] === null ? null : x - cellsA[k]));
    return [title, [cellsA[0], cellsB[0], ...minus]];
  });
  const notes = { missing: new Map(), flags: [] };
  const caption = `A and B: ${data.layers[0]}; then B − A in each layer`;
  const columns = ["A", "B", ...data.layers];
  const made = table(caption, rows, notes, "output", "Mean over intervals", columns);
  byId("compared").replaceChildren(made);
}

// ---- variables ----

function valueOf(name) {
  const { values, base } = side === "a" ? shots.a : { values: hand.values, base: shots.b.base };
  return name in values ? values[name] : base[name];
}

function addRow(name) {
  const row = element("div", undefined, { class: isCode(name) ? "row code" : "row", id: `row-${name}` });
  const slider = element("input", undefined, {
    type: "range", min: -REACH, max: REACH, step: 0.1, id: `slide-${name}`, autocomplete: "off",
  });
  const number = element("input", undefined, {
    type: "number", step: "any", min: -1000, max: 1000, id: `number-${name}`, "aria-label": `${name}, value`,
    autocomplete: "off",
  });
  const only = isCode(name) && data.code === "ciwgan";
  const back = element("button", isCode(name) ? "only" : "↺", {
    type: "button", class: "worded", id: `back-${name}`,
    "aria-label": isCode(name) ? `${name} only` : `${name} of the base vector`,
  });
  slider.addEventListener("input", () => set(name, Number(slider.value)));
  number.addEventListener("change", () => {
    if (number.value !== "") set(name, Number(number.value));
    else writeRows();
  });
  back.addEventListener("click", () => {
    if (isCode(name)) for (const other of codes) hand.values[other] = Number(other === name);
    else delete hand.values[name];
    move();
  });
  const way = element("span", undefined, { class: "way" });
  way.append(slider);
  row.append(element("label", name, { for: slider.id }), way, number);
  if (only || !isCode(name)) row.append(back);
  byId("rows").append(row);
  byId("add").querySelector(`[value="${name}"]`)?.remove();
}

function set(name, value) {
  hand.values[name] = value;
  writeRow(name);
  move();
}

function writeRows() {
  for (const row of byId("rows").children) writeRow(row.id.slice(4));
  if (document.activeElement !== byId("seed")) {
    byId("seed").value = side === "a" ? shots.a.seed : hand.seed;
  }
}

function writeRow(name) {
  const value = valueOf(name), text = String(Number(value.toFixed(FEW)));
  const within = isCode(name) ? [0, 1].includes(value) : Math.abs(value) <= 1;
  const slider = byId(`slide-${name}`), number = byId(`number-${name}`);
  slider.value = value;
  slider.setAttribute("aria-valuetext", `${text}${within ? "" : ", outside the training values"}`);
  if (document.activeElement !== number) number.value = text;
  byId(`row-${name}`).classList.toggle("outside", !within);
  const { values } = side === "a" ? shots.a : hand;
  byId(`row-${name}`).classList.toggle("base", !(name in values));
}

// ---- controls ----

function hold() {
  if (!shots.b) return;
  shots.a = shots.b;
  show("b");
}

// A slider that was in use is in use again after a look at A.
function exchange(to = side === "a" ? "b" : "a") {
  if (!shots.a || to === side) return;
  if (to === "a") state.focus = document.activeElement;
  show(to);
  if (to === "b") state.focus?.focus();
}

async function save() {
  if (!shots[side]) return;
  const { seed, values } = shots[side];
  const saved = await attempt(() => ask("/save", { seed, values }));
  if (!saved) return;
  const [text, command] = byId("saved").children;
  text.textContent = `Saved to ${saved.folder}: latents.csv, sounds, TextGrid, command.txt. This repeats it:`;
  command.textContent = saved.command;
  byId("saved").hidden = false;
  byId("saved").scrollIntoView({ block: "nearest" });
}

function start() {
  for (const name of data.names.filter((name) => !isCode(name))) {
    byId("add").append(element("option", name, { value: name }));
  }
  for (const name of new Set([...codes, ...data.vary])) addRow(name);
  byId("seed").value = hand.seed;
  byId("seed").addEventListener("change", () => {
    hand.seed = Number(byId("seed").value);
    move();
  });
  byId("new").addEventListener("click", () => {
    byId("seed").value = ++hand.seed;
    move();
  });
  byId("add").addEventListener("change", () => {
    addRow(byId("add").value);
    writeRows();
    byId("add").value = "";
  });
  byId("hold").addEventListener("click", hold);
  for (const which of ["a", "b"]) {
    byId(`show-${which}`).addEventListener("click", () => exchange(which));
  }
  byId("save").addEventListener("click", save);
  listenToPanels();
  listenToKeys((key, { type }) => {
    if (type === "number") return;
    if (key.toLowerCase() === "h") hold();
    if (key.toLowerCase() === "x") exchange();
  });
  move();
}

start();
