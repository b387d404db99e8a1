// What was measured of the output that is shown: tables, made of text alone.

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function writeMeasurements(output) {
  const notes = { missing: new Map(), flags: [] };
  const place = byId("measurements"), intervals = intervalsOf(output);
  const parts = [element("p", output.title, { class: "output-title" })];
  if (data.sweeps.length) parts.push(element("p", stepText(), { class: "step-text" }));
  if (output.problem) parts.push(element("p", output.problem, { class: "problem" }));
  const facts = output.facts[Math.min(state.channel, output.facts.length) - 1] || [];
  if (facts.length && !output.levels.length) {
    parts.push(element("p", facts.map(([n, v]) => `${n} ${shown(v)}`).join(" · ")));
  }
  const levels = output.levels.filter((row) => row.channel === state.channel);
  if (levels.length) {
    parts.push(table("Whole output", levels.map((row) => [row.title, row.cells]), notes));
  }
  if (!intervals.length) parts.push(element("p", "No interval was found in this output."));
  for (const x of intervals) {
    const ms = Math.round(1000 * (x.end_s - x.start_s));
    const span = `${x.start_s.toFixed(3)}–${x.end_s.toFixed(3)} s (${ms} ms)`;
    parts.push(table(`${x.number}. ${x.label}, ${span}`, x.rows, notes, x.label, "Mean"));
  }
  if (notes.flags.length) parts.push(flagList(notes.flags));
  if (notes.missing.size) parts.push(missingList(notes.missing));
  if (output.numbers.length) parts.push(numberList(output.numbers));
  place.replaceChildren(...parts);
}

// A table of measures by layers; the notes of its cells are gathered in notes.
function table(caption, rows, notes, kind = "output", heading = "Level", columns = data.layers) {
  const made = element("table"), head = element("tr");
  made.append(element("caption", caption, { "data-label": kind }), element("thead"));
  head.append(element("th", heading, { scope: "col" }));
  const above = { scope: "col", class: "number" };
  columns.forEach((layer) => head.append(element("th", layer, above)));
  made.tHead.append(head);
  const body = made.createTBody();
  for (const [title, cells] of rows) {
    const row = body.insertRow();
    row.append(element("th", title, { scope: "row" }));
    cells.forEach((cell, k) => row.append(tableCell(cell, notes, title, columns[k])));
  }
  const region = { class: "scroll", tabindex: "0", role: "region", "aria-label": caption };
  const wrap = element("div", undefined, region);
  wrap.append(made);
  return wrap;
}

// A value; of a missing one the reason is noted, a suspect one bears the number of its flag.
function tableCell(cell, notes, measure, layer) {
  const [value, reason, flag] = Array.isArray(cell) ? cell : [cell, -1, -1];
  const made = element("td", shown(value), { class: "number" });
  if (reason >= 0) {
    const places = notes.missing.get(reason) || new Map();
    places.set(layer, [...(places.get(layer) || []), measure]);
    notes.missing.set(reason, places);
    made.title = data.texts[reason];
  }
  if (flag >= 0) {
    if (!notes.flags.includes(flag)) notes.flags.push(flag);
    made.append(element("sup", String(notes.flags.indexOf(flag) + 1)));
    made.title = data.texts[flag];
  }
  return made;
}

function flagList(flags) {
  const list = element("ol", undefined, { class: "flags" });
  flags.forEach((place) => list.append(element("li", data.texts[place])));
  return list;
}

function missingList(missing) {
  const list = element("ul");
  missing.forEach((places, reason) => {
    const where = [...places].map(
      ([layer, measures]) => `${layer}, ${[...new Set(measures)].join(", ")}`,
    );
    list.append(element("li", `${where.join("; ")}: ${data.texts[reason]}`));
  });
  return details("Why values are missing", list, false);
}

function numberList(numbers) {
  const list = element("p", undefined, { class: "numbers" });
  const logits = numbers[0][0].startsWith("logit");
  numbers.forEach(([name, value]) => list.append(element("span", `${name} ${shown(value)}`)));
  return details(logits ? "What the network says (logits)" : "Latent variables", list, logits);
}

// A list that is opened by its title, and as it was left at the output before.
function details(title, list, open) {
  const made = element("details");
  made.append(element("summary", title), list);
  made.open = state.opened[title] ?? open;
  made.addEventListener("toggle", () => (state.opened[title] = made.open));
  return made;
}
