// The spectrum, and other targets that are tried on it.

import { able, give } from "./commands.js";
import { chart, css, figure } from "./chart.js";
import { $, areMaps, link, room, say, story, touch } from "./room.js";

let axis = null;
let window_ = null;

export function drawSpectrum(now) {
  const channels = now.begun?.channels;
  const section = $("spectrum-section");
  // Maps are no channels of a spectrum.
  section.hidden = !channels || channels.coordinates.length < 2 || areMaps(now);
  if (section.hidden) return;
  const field = $("target");
  if (!field.dataset.touched) field.value = now.facts.sought ?? "";
  markLines();
  const chosen = room.chosen && now.pointAt(room.chosen.row, room.chosen.column);
  const point = chosen || now.points.at(-1);
  if (!point) return;
  const spectrum = room.spectra.get(point.record);
  if (!spectrum) { load(point.record); return; }
  const shown = window_ ? { signal: [window_] } : (room.trial ?? now.facts).windows;
  const ordered = channels.coordinates.every((x, index, all) => !index || x > all[index - 1]);
  axis = chart($("spectrum"), {
    series: [{ x: channels.coordinates, y: Array.from(spectrum), colour: css("--line-a") }],
    zero: ordered, windows: shown,
    marks: ordered ? marked(channels, shown) : [],
    x: { label: `${channels.name}${channels.units ? `, ${channels.units}` : ""}` },
    y: { label: channels.counts || channels.quantity },
  });
  $("spectrum-note").textContent =
    `point ${point.number} at row ${point.row}, column ${point.column}${chosen ? "" : ", the last"}`
    + (shown?.background?.length ? "; grey: where the background is measured" : "")
    + (ordered ? "; drag over the spectrum to try another window" : "")
    + (axis.unnamed.length ? `; without room for their names: ${axis.unnamed.map(({ label }) => label).join(", ")}` : "")
    + (room.trial ? `. The map shows ${room.trial.target} of all ${room.trial.count} points${room.trial.note ? `; ${room.trial.note}` : ""}` : "");
  $("drop-target").hidden = !room.trial;
  able($("set-target"), "target");
}

/** The order in which lines are named where there is no room for all: the strong ones first. */
const FAMILIES = ["K", "L", "M"];
/** Edges that are named at a time where nobody said which elements there are. */
const FEW = 12;

/** The lines of the elements that are worth naming, or the edges of a spectrum of energy losses. */
function marked(channels, windows) {
  if (!["kev", "ev"].includes(channels.units.trim().toLowerCase())) return [];
  const perKeV = channels.units.trim().toLowerCase() === "ev" ? 1000 : 1;
  const [low, high] = [channels.coordinates[0], channels.coordinates.at(-1)];
  const within = ({ at }) => at > low && at < high;
  const mine = (element) => channels.elements.includes(element);
  if (channels.losses) {
    const from = windows?.signal?.[0]?.[0] ?? low;
    const away = ({ at }) => Math.abs(Math.log(at / Math.max(from, 1e-3 * perKeV)));
    const all = room.edges.map(([element, name, ev]) => ({ element, at: ev * perKeV / 1000, label: `${element} ${name}` })).filter(within);
    const named = channels.elements.length ? all.filter(({ element }) => mine(element)) : all.sort((a, b) => away(a) - away(b)).slice(0, FEW);
    return named;
  }
  return room.lines
    .map(({ name, kev }) => ({ at: kev * perKeV, label: name }))
    .filter((mark) => /-[KLM]a$/.test(mark.label) && mine(mark.label.split("-")[0]) && within(mark))
    .sort((a, b) => FAMILIES.indexOf(a.label.at(-2)) - FAMILIES.indexOf(b.label.at(-2)));
}

async function load(record) {
  if (room.spectra.has(record)) return;
  room.spectra.set(record, null);
  try {
    room.spectra.set(record, await link.numbers(`api/campaigns/${room.campaign}/spectra/${record}`));
    if (room.spectra.size > 60) room.spectra.delete(room.spectra.keys().next().value);
    touch();
  } catch { room.spectra.delete(record); }
}

let trying = null;

/** Shows all points by another target: one request at a time, the last wish wins. */
async function attempt(target) {
  if (!target) return say("Type what is to be shown: a scalarizer, as in sum or window:1.5..1.6.", true);
  markLines();
  if (trying !== null) { trying = target; return; }
  trying = target;
  for (let asked = null; asked !== trying;) {
    asked = trying;
    try {
      const told = await link.json(`api/campaigns/${room.campaign}/reduced/${encodeURIComponent(asked)}`);
      const by = new Map(told.records.map((record, index) => [record, told.responses[index]]));
      room.trial = { target: told.target, units: told.units, note: told.note, windows: told.windows, by, count: told.records.length };
      say("");
    } catch (error) {
      room.trial = null;
      say(`${asked}: ${error.message}`, true);
    }
    touch();
  }
  trying = null;
}

const graph = $("spectrum");
let dragged = null;
const energy = (event) => axis?.value(event.clientX - graph.getBoundingClientRect().left);
graph.addEventListener("pointerdown", (event) => {
  if (!axis || event.button !== 0) return;
  graph.setPointerCapture(event.pointerId);
  dragged = energy(event);
});
graph.addEventListener("pointermove", (event) => {
  if (dragged === null) return;
  const [low, high] = [Math.min(dragged, energy(event)), Math.max(dragged, energy(event))];
  const [left, right] = axis.range;
  if (high - low < (right - left) / 200) return;
  const step = 10 ** Math.floor(Math.log10((right - left) / 1000));
  const round = (value) => Number((Math.round(value / step) * step).toPrecision(6));
  window_ = [Math.max(left, round(low)), Math.min(right, round(high))];
  $("target").value = `window:${window_[0]}..${window_[1]}`;
  $("target").dataset.touched = "yes";
  attempt($("target").value);
  touch();
});
graph.addEventListener("pointerup", () => { dragged = null; });
graph.addEventListener("pointercancel", () => { dragged = null; });
$("target").addEventListener("input", () => { $("target").dataset.touched = "yes"; window_ = null; });
$("try-target").addEventListener("click", () => attempt($("target").value.trim()));
$("target").addEventListener("keydown", (event) => { if (event.key === "Enter") attempt($("target").value.trim()); });
$("set-target").addEventListener("click", async () => {
  if (await give("target", $("target").value.trim())) forget();
});
$("drop-target").addEventListener("click", forget);

function forget() {
  [room.trial, window_] = [null, null];
  $("target").dataset.touched = "";
  touch();
}

/** The lines of the targets, or of the one that is tried. */
function pressed() {
  const targets = $("target").value || story.now.facts.sought || "";
  return targets.split(",").flatMap((target) => /^line:([^@]*)/.exec(target.trim())?.[1].split("+") ?? []);
}

/** Tries a line; further ones are added to what is tried, and taken away. */
function toggle(name) {
  const before = room.trial ? pressed() : [];
  const after = before.includes(name) ? before.filter((one) => one !== name) : [...before, name];
  window_ = null;
  if (!after.length) { forget(); return; }
  $("target").value = `line:${after.join("+")}`;
  $("target").dataset.touched = "yes";
  attempt($("target").value);
}

function markLines() {
  const all = pressed(), key = all.join("+"), holder = $("lines");
  if (holder.dataset.pressed === key) return;
  holder.dataset.pressed = key;
  for (const button of document.querySelectorAll("#lines button, #all-lines-table button")) button.setAttribute("aria-pressed", String(all.includes(button.textContent)));
}

/** A table of lines: an element a row, with the energies of its lines. */
function table(lines, units) {
  const elements = new Map();
  for (const line of lines) {
    const element = line.name.split("-")[0];
    elements.set(element, [...(elements.get(element) ?? []), line]);
  }
  const body = document.createElement("table");
  for (const [element, all] of elements) {
    const row = body.insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = element;
    row.append(head);
    for (const { name, kev } of all) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.title = `${figure(kev * units, 4)} ${units === 1 ? "keV" : "eV"}`;
      button.addEventListener("click", () => toggle(name));
      row.insertCell().append(button);
    }
  }
  return body;
}

/** Edges that may be typed: 50 eV from their onset, where that and what is fitted before lie on the axis. */
function offerEdges(channels, perKeV) {
  const [low, high] = [channels.coordinates[0], channels.coordinates.at(-1)];
  const scaled = (ev) => Number((ev * perKeV / 1000).toPrecision(6));
  const on = room.edges.filter(([, , ev]) => scaled(0.85 * ev) >= low && scaled(ev + 50) <= high);
  $("targets").replaceChildren(...on.map(([element, name, ev]) => new Option(`${element} ${name}`, `eels:${scaled(ev)}..${scaled(ev + 50)}`)));
}

export function listLines() {
  const channels = story.now.begun?.channels;
  $("lines").replaceChildren();
  $("all-lines").hidden = true;
  $("all-lines-table").replaceChildren();
  if (!channels || !["keV", "eV"].includes(channels.units)) return;
  const units = channels.units === "eV" ? 1000 : 1;
  if (channels.losses) { offerEdges(channels, units); return; }
  const [low, high] = [channels.coordinates[0], channels.coordinates.at(-1)];
  const on = room.lines.filter(({ kev }) => kev * units > low && kev * units < high);
  $("targets").replaceChildren(...on.map(({ name }) => new Option(`line:${name}`)));
  const ofSample = ({ name }) => channels.elements.includes(name.split("-")[0]);
  $("lines").append(table(on.filter(ofSample), units));
  $("all-lines").hidden = !on.length;
  $("all-lines-table").append(table(on.filter((line) => !ofSample(line)), units));
  delete $("lines").dataset.pressed;
  markLines();
}
