// The report: which output is shown, and what its controls do.

// ---- which output ----

function sliders() {
  return data.sweeps.map((_, k) => byId(`sweep-${k}`));
}

function placeOfControls() {
  if (!data.sweeps.length) return byId("output").selectedIndex;
  const base = byId("base") ? byId("base").selectedIndex : 0;
  return sliders().reduce(
    (place, slider, k) => place * data.sweeps[k].values.length + Number(slider.value), base,
  );
}

function stepText() {
  return data.sweeps
    .map((sweep, k) => `${sweep.name} = ${shown(sweep.values[Number(sliders()[k].value)])}`)
    .join(", ");
}

function readOut() {
  data.sweeps.forEach((sweep, k) => {
    const value = sweep.values[Number(sliders()[k].value)];
    byId(`value-${k}`).textContent = shown(value);
    sliders()[k].setAttribute("aria-valuetext", `${sweep.name} = ${shown(value)}`);
    const beyond = sweep.training === "−1 to 1" ? Math.abs(value) > 1 : ![0, 1].includes(value);
    byId(`training-${k}`).textContent = sweep.training
      ? `${beyond ? "outside" : "within"} its training values, ${sweep.training}` : "";
  });
}

async function showOutput() {
  const place = placeOfControls(), output = data.outputs[place], number = ++state.wanted;
  readOut();
  let series = [];
  if (data.panels.length) {
    const lengths = data.panels.map((panel) => panel.length);
    series = await unpack(output.series, lengths, output.scales);
    if (number !== state.wanted) return; // a newer request has been made
  }
  Object.assign(state, { place, series });
  if (data.panels.length) drawPanels();
  writeMeasurements(output);
  document.documentElement.dataset.shown = output.id;
  byId("status").textContent =
    `${output.title}${data.sweeps.length ? `: ${stepText()}` : ""}. ` +
    (output.problem ? `${output.problem}. ` : "") + intervalsText(intervalsOf(output));
  playOn();
}

function step(by) {
  const choice = byId("output"), last = data.outputs.length - 1;
  if (data.sweeps.length) sliders()[0].value = Number(sliders()[0].value) + by;
  else choice.selectedIndex = Math.max(0, Math.min(last, choice.selectedIndex + by));
  showOutput();
}

// ---- controls ----

function listen() {
  for (const slider of sliders()) slider.addEventListener("input", showOutput);
  for (const id of ["output", "base"]) byId(id)?.addEventListener("change", showOutput);
  byId("previous")?.addEventListener("click", () => step(-1));
  byId("next")?.addEventListener("click", () => step(1));
  byId("channel")?.addEventListener("change", (event) => {
    state.channel = Number(event.target.value);
    showOutput();
  });
  if (data.panels.length) listenToPanels();
}

function stepByKey(key, element) {
  if (element.tagName === "INPUT" || element.closest(".scroll")) return;
  if (key === "ArrowLeft") step(-1);
  if (key === "ArrowRight") step(1);
}

if (data.panels.length && typeof DecompressionStream === "undefined") {
  byId("status").className = "problem";
  byId("status").textContent =
    "This browser cannot unpack the sounds; use one of 2023 or later. The tables are complete.";
} else if (data.outputs.length) {
  listen();
  listenToKeys(stepByKey);
  showOutput();
}
