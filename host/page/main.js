// The control room: what the journal says, drawn, and commands.

import { chart, css, figure } from "./chart.js";
import { Connection } from "./connection.js";
import { Distances } from "./distance.js";
import { MapView, range, viridis } from "./map.js";
import { Story } from "./story.js";

const $ = (id) => document.getElementById(id);
const link = new Connection(location.hash);
const story = new Story();
const map = new MapView($("map"));

const room = {
  role: "watch", campaigns: [], campaign: 0, unfollow: null,
  connected: false, why: "connecting", status: undefined, problem: null, offset: 0,
  view: null, chosen: null, cursor: null, drag: null, tool: "look",
  overview: null, maps: null, figures: null, spectra: new Map(), trial: null, lines: [], waiting: null, dirty: true,
};

const snapshot = () => (room.view === null ? story.now : story.after(room.view));
const clock = (ms) => new Date(ms).toLocaleTimeString();
const touch = () => { room.dirty = true; };

function span(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "–";
  if (seconds < 1) return `${Math.round(1000 * seconds)} ms`;
  if (seconds < 100) return `${figure(seconds, 2)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/* ---- commands ---- */

/** Why a command cannot be given now; null when it can. */
function objection(word) {
  if (room.role !== "control") return "this link watches; the other link controls";
  if (room.status === null) {
    const folder = room.campaigns[room.campaign]?.folder ?? "DIR";
    return `no program runs this campaign: beacon resume ${folder}`;
  }
  if (word === "stop") return null;
  if (!room.connected) return "the connection is lost";
  if (room.view !== null) return "this is the past: go back to now";
  return null;
}

function say(text, refused = false) {
  $("said").textContent = text;
  $("said").classList.toggle("refused", refused);
  $("said").hidden = !text;
}

async function give(...words) {
  const why = objection(words[0]);
  if (why) return say(`Not sent: ${why}.`, true);
  const name = localStorage.getItem("beacon-name") ?? "";
  // Nothing stands between a person and the end of the beam.
  if (!name && words[0] !== "stop") {
    room.waiting = words;
    $("who").hidden = false;
    $("name").focus();
    return;
  }
  try {
    say(`${words.join(" ")}: ${await link.command(room.campaign, words, name)}`);
  } catch (error) {
    say(`${words.join(" ")}: ${error.message}`, true);
  }
}

$("who").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("name").value.trim();
  if (!name) return;
  localStorage.setItem("beacon-name", name);
  $("who").hidden = true;
  const words = room.waiting;
  room.waiting = null;
  if (words) give(...words);
});

/** The command that takes another back, where one does. */
function back({ event, command, before }) {
  if (event !== "Commanded") return null;
  const [word, ...rest] = command.split(" ");
  const value = rest.join(" ");
  const former = (name) => (before[name] === null || before[name] === undefined ? null : [word, String(before[name])]);
  switch (word) {
    case "exclude": return ["include", value];
    case "include": return ["exclude", value];
    case "discard": return ["restore", value];
    case "restore": return ["discard", value];
    case "pause": return ["resume"];
    case "approve": return ["approve", value === "on" ? "off" : "on"];
    case "strategy": return former("strategy");
    case "target": return former("target");
    case "budget": return former("budget");
    case "dwell": return former("dwell_seconds");
    case "dose-limit": return former("dose_limit_electrons");
    default: return null;
  }
}

/** A button that gives a command, or says why it cannot. */
function able(button, word, why = objection(word)) {
  button.setAttribute("aria-disabled", String(Boolean(why)));
  button.title = why ?? "";
}

$("stop").addEventListener("click", () => give("stop", "now"));
$("pause").addEventListener("click", () => give(paused() ? "resume" : "pause"));
// The pixel that is shown: another proposal may wait by the time that the word arrives.
for (const word of ["accept", "reject"]) $(word).addEventListener("click", () => give(word, $("proposal").dataset.at));
$("approve").addEventListener("change", () => {
  give("approve", $("approve").checked ? "on" : "off");
  $("approve").checked = Boolean(story.now.facts.approval);
});
for (const word of ["measure", "discard", "restore"]) $(word).addEventListener("click", () => act(word, room.chosen));
for (const form of document.querySelectorAll("form[data-word]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const value = form.elements.value.value.trim();
    if (value) give(form.dataset.word, value);
    form.elements.value.dataset.touched = "";
    if (form.dataset.word === "note") form.elements.value.value = "";
  });
  form.addEventListener("input", (event) => { event.target.dataset.touched = "yes"; });
}

const paused = () => Boolean(story.now.facts.paused) || /pausing/.test(room.status?.state ?? "");

function act(word, at) {
  if (!at) return;
  const waits = word === "measure" && story.now.facts.next?.waits;
  give(waits ? "suggest" : word, `${at.row},${at.column}`);
}

/* ---- the map ---- */

const board = $("map");
for (const input of document.querySelectorAll("input[name=tool]")) {
  input.addEventListener("change", () => {
    room.tool = input.value;
    board.classList.toggle("drags", ["exclude", "include"].includes(room.tool));
  });
}

const between = (a, b) => [
  Math.min(a.row, b.row), Math.max(a.row, b.row) + 1, Math.min(a.column, b.column), Math.max(a.column, b.column) + 1,
];

function choose(at) {
  room.chosen = at;
  touch();
}

board.addEventListener("pointerdown", (event) => {
  const at = map.pixel(event);
  if (!at || event.button !== 0) return;
  room.cursor = at;
  if (["exclude", "include"].includes(room.tool)) {
    board.setPointerCapture(event.pointerId);
    room.drag = { from: at, region: between(at, at), include: room.tool === "include" };
  }
  touch();
});
board.addEventListener("pointermove", (event) => {
  room.cursor = map.pixel(event);
  if (room.drag && room.cursor) room.drag.region = between(room.drag.from, room.cursor);
  touch();
});
board.addEventListener("pointerup", () => finish(room.cursor));
board.addEventListener("pointercancel", () => { room.drag = null; touch(); });
board.addEventListener("pointerleave", () => { if (!room.drag) { room.cursor = null; touch(); } });

function finish(at) {
  if (!at) return;
  if (room.drag) {
    const [top, bottom, left, right] = room.drag.region;
    const word = room.drag.include ? "include" : "exclude";
    room.drag = null;
    give(word, `${top}..${bottom},${left}..${right}`);
  } else if (room.tool === "measure" && !snapshot().pointAt(at.row, at.column)) {
    choose(at);
    act("measure", at);
  } else choose(at);
  touch();
}

board.addEventListener("keydown", (event) => {
  const size = map.size;
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  if (step && size) {
    const at = room.cursor ?? room.chosen ?? { row: size[0] >> 1, column: size[1] >> 1 };
    const by = event.shiftKey ? 8 : 1;
    const within = (value, count) => Math.max(0, Math.min(count - 1, value));
    room.cursor = { row: within(at.row + by * step[0], size[0]), column: within(at.column + by * step[1], size[1]) };
    if (room.drag) room.drag.region = between(room.drag.from, room.cursor);
  } else if (event.key === "Enter" && room.cursor) {
    if (["exclude", "include"].includes(room.tool) && !room.drag) {
      room.drag = { from: room.cursor, region: between(room.cursor, room.cursor), include: room.tool === "include" };
    } else finish(room.cursor);
  } else if (event.key === "Escape") { room.drag = null; room.chosen = null; } else return;
  event.preventDefault();
  touch();
});
document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, textarea, [role=application]") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "p") $("pause").click();
  else if (event.key === "a" && !$("proposal").hidden) $("accept").click();
  else if (event.key === "r" && !$("proposal").hidden) $("reject").click();
});

/** The responses that colour the points: those of the target, or of one that is tried. */
function responses(now) {
  const of = (point) => {
    if (room.trial) return room.trial.by.get(point.record) ?? null;
    return point.responses[now.target] ?? null;
  };
  return { of, values: now.points.map(of) };
}

function drawMap(now) {
  if (!room.overview || !now.overview) return;
  map.raster(room.overview, now.overview.size, "gray");
  const { of, values } = responses(now);
  const [low, high] = range(values);
  const colours = (point) => {
    const value = of(point);
    return value === null || !Number.isFinite(value) ? [128, 128, 128] : viridis((value - low) / (high - low));
  };
  map.draw({ snapshot: now, colours, points: true, cursor: room.cursor, chosen: room.chosen, drag: room.drag });
  $("pixel").textContent = readout(now, room.cursor ?? room.chosen);
  const chosen = room.chosen;
  const state = chosen && now.standingAt(chosen.row, chosen.column);
  $("chosen").hidden = !chosen;
  const only = (id, ...states) => { $(id).hidden = !states.includes(state); able($(id), id); };
  only("measure", "free", "next");
  only("discard", "measured");
  only("restore", "discarded");
}

function readout(now, at) {
  const shown = room.trial ? `colours: ${room.trial.target}, not yet the target` : `colours: ${now.facts.target ?? ""}`;
  if (!at) return `${now.points.length} points, ${shown}`;
  const state = now.standingAt(at.row, at.column);
  const point = now.pointAt(at.row, at.column);
  const { scale, units } = now.overview;
  const where = units && units !== "px"
    ? ` (${figure(at.column * scale[1], 4)}, ${figure(at.row * scale[0], 4)} ${units})` : "";
  const words = { none: "no candidate: its window leaves the image" }[state] ?? state;
  if (!point) return `row ${at.row}, column ${at.column}${where}: ${words}`;
  const response = responses(now).of(point);
  const predicted = point.predicted ? `, predicted ${figure(point.predicted[0])} ± ${figure(point.predicted[1], 2)}` : "";
  return `row ${at.row}, column ${at.column}${where}: point ${point.number}, ${words}, ${figure(response)} `
    + `${(room.trial ?? now.facts).units ?? ""}${predicted}, chosen by ${point.author}`;
}

/* ---- what the surrogate predicts ---- */

const MAPS = [["Predicted mean", "mean"], ["Predicted deviation", "sigma"], ["Structural distance", "distance"]];
const panels = new Map();

for (const [title, key] of MAPS) {
  const [frame, canvas, caption] = ["figure", "canvas", "figcaption"].map((name) => document.createElement(name));
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", title);
  frame.append(canvas, caption);
  $("maps").append(frame);
  const view = new MapView(canvas);
  canvas.addEventListener("pointermove", (event) => { room.cursor = view.pixel(event); touch(); });
  canvas.addEventListener("pointerleave", () => { room.cursor = null; touch(); });
  canvas.addEventListener("click", (event) => { const at = view.pixel(event); if (at) choose(at); });
  panels.set(key, { title, view, caption });
}

/** Takes the figures of further steps, and fetches the maps that belong to them. */
function takeView(told) {
  const { series } = told;
  const before = told.from === 0 ? {} : (room.figures?.series ?? {});
  for (const name of Object.keys(series)) series[name] = (before[name] ?? []).slice(0, told.from).concat(series[name]);
  room.figures = { ...told, series };
  fetchMaps();
  touch();
}

let fetching = false;
let wanted = false;

/** One request at a time: maps that nobody waited for are not fetched. */
async function fetchMaps() {
  if (fetching) { wanted = true; return; }
  fetching = true;
  do {
    wanted = false;
    try {
      const points = room.figures?.points;
      const both = await link.numbers(`api/campaigns/${room.campaign}/maps`);
      const overview = story.now.overview;
      if (overview) {
        const half = both.length / 2;
        room.maps = {
          mean: onPixels(both.subarray(0, half), overview), sigma: onPixels(both.subarray(half), overview), points,
        };
      }
      touch();
    } catch { /* the next view brings others */ }
  } while (wanted);
  fetching = false;
}

/** Numbers of the candidates as a raster of the image. */
function onPixels(values, { size, candidates: { region: [top, bottom, left, right] } }) {
  const raster = new Float32Array(size[0] * size[1]).fill(NaN);
  for (let row = top; row < bottom; row++) {
    const from = (row - top) * (right - left);
    raster.set(values.subarray(from, from + right - left), row * size[1] + left);
  }
  return raster;
}

/** How unlike what was measured every patch is, by the state that is shown. */
function distances(now) {
  if (!room.overview || !now.overview?.candidates.region || !now.points.length) return null;
  if (room.distances?.of !== room.overview) {
    room.distances = new Distances(room.overview, now.overview);
    room.distances.of = room.overview;
  }
  const counted = now.points.filter(({ row, column }) => now.standingAt(row, column) === "measured");
  if (room.distances.follow(counted)) touch();
  return room.distances.taken.length ? room.distances.map : null;
}

function drawMaps(now) {
  const maps = { ...room.maps, distance: distances(now) };
  $("maps").hidden = !now.overview;
  if ($("maps").hidden) return;
  for (const [key, { title, view, caption }] of panels) {
    view.canvas.parentElement.hidden = !maps[key];
    if (!maps[key]) continue;
    view.raster(maps[key], now.overview.size);
    view.draw({ cursor: room.cursor, chosen: room.chosen });
    const at = room.cursor ?? room.chosen;
    const value = at ? maps[key][at.row * now.overview.size[1] + at.column] : null;
    const here = value !== null && Number.isFinite(value) ? `, here ${figure(value, 3)}` : "";
    caption.textContent = `${title}, ${figure(view.range[0], 3)} (dark) to ${figure(view.range[1], 3)} ${key === "distance" ? "" : now.facts.units ?? ""}${here}`;
  }
  if (!room.maps) { $("maps-note").textContent = ""; return; }
  $("maps-note").textContent = room.view !== null
    ? `mean and deviation are those of now, after ${maps.points} points: those of the past are not kept`
    : `mean and deviation after ${maps.points} points`;
}

/** The figures that the campaign works out, as curves. */
function figures(now) {
  const { series, seeds } = room.figures ?? {};
  if (!series) return [];
  const shown = Math.max(0, now.points.length - seeds);
  const curve = (name, colour) => {
    const y = (series[name] ?? []).slice(0, shown);
    return { x: y.map((_, index) => seeds + 1 + index), y, colour: css(colour) };
  };
  const known = (names) => names.filter(([name]) => series[name]?.length).map(([name, colour]) => curve(name, colour));
  const coverage = known([
    ["observed_coverage", "--line-a"], ["patch_coverage", "--line-b"], ["latent_coverage", "--line-c"], ["target_coverage", "--line-d"],
  ]);
  return [
    [`Coverage: of responses (blue), patches (orange), latent (green)${series.target_coverage?.length ? ", target space (pink)" : ""}`, coverage],
    ["Predicted mean over all candidates", known([["surrogate_mean", "--line-a"]])],
    ["Predicted deviation (blue), noise (orange)", known([["surrogate_sigma", "--line-a"], ["noise_sigma", "--line-b"]])],
  ].filter(([, series]) => series.length);
}

/* ---- charts ---- */

/** Where commands took effect, for charts over points. */
function marks(now, labels = true) {
  return now.commands.filter((given) => given.event === "Commanded").map((given, index) => ({
    at: given.after + 0.5, label: labels ? given.command.split(" ")[0] : null, line: index % 4,
  }));
}

function drawResponse(now) {
  const points = now.points, target = now.target;
  const y = points.map((point) => point.responses[target] ?? null);
  const x = points.map((point) => point.number);
  const known = points.filter((point) => point.predicted && point.revision === now.facts.revision);
  const budget = now.facts.budget ?? points.length;
  chart($("response"), {
    series: [
      {
        as: "points", hollow: true, size: 3, colour: css("--line-b"), x: known.map((point) => point.number),
        y: known.map((point) => point.predicted[0]),
        low: known.map(({ predicted: [mean, sigma] }) => mean - 2 * sigma),
        high: known.map(({ predicted: [mean, sigma] }) => mean + 2 * sigma),
      },
      { as: "points", colour: css("--line-a"), x, y },
    ],
    marks: marks(now),
    x: { label: "point (filled: measured; hollow: predicted before, ± 2 σ)", range: [0.5, Math.max(budget, points.length) + 0.5] },
    y: { label: `${now.facts.target ?? ""}${now.facts.units ? `, ${now.facts.units}` : ""}` },
  });
  const scores = known.map(({ predicted: [mean, sigma], responses }) => (responses[target] - mean) / sigma);
  chart($("calibration"), {
    series: [{
      as: "bars", colour: css("--line-a"), x: known.map((point) => point.number),
      y: scores.map((z) => Math.max(-4, Math.min(4, z))),
      colours: scores.map((z) => css(Math.abs(z) > 2 ? "--line-b" : "--line-a")),
    }],
    marks: marks(now, false), small: true,
    x: { range: [0.5, Math.max(budget, points.length) + 0.5] }, y: { range: [-4, 4] },
  });
  const within = scores.filter((z) => Math.abs(z) <= 2).length;
  $("calibration-note").textContent = scores.length
    ? `z = (measured − predicted) / σ, without the noise of the measurement: ${within} of ${scores.length} within ± 2`
    : "no prediction yet: the first points come before a model";
}

/** Named curves, each on a small chart. */
function drawCurves(now) {
  const points = now.points.map((point) => point.number);
  const known = now.points.filter((point) => point.predicted && point.revision === now.facts.revision);
  let sum = 0;
  const errors = known.map((point, index) => {
    sum += Math.abs(point.responses[now.target] - point.predicted[0]);
    return sum / (index + 1);
  });
  const curves = [
    ["One-step-ahead error, mean so far", [{ x: known.map((point) => point.number), y: errors, colour: css("--line-a") }]],
    ["Seconds a point: all, exposing, deciding, training", [
      { x: points, y: now.steps.map((step) => step.all), colour: css("--ink") },
      { x: points, y: now.steps.map((step) => step.exposing), colour: css("--line-a") },
      { x: points, y: now.steps.map((step) => step.deciding), colour: css("--line-b") },
      { x: points, y: now.steps.map((step) => step.training), colour: css("--line-c") },
    ]],
  ];
  const moved = now.shifts.filter(({ shift }) => shift);
  if (moved.length) {
    curves.push(["Drift, pixels: down, right", [
      { x: moved.map(({ points }) => points), y: moved.map(({ shift }) => shift[0]), colour: css("--line-a") },
      { x: moved.map(({ points }) => points), y: moved.map(({ shift }) => shift[1]), colour: css("--line-b") },
    ]]);
  }
  curves.unshift(...figures(now));
  const holder = $("curves");
  while (holder.children.length > curves.length) holder.lastChild.remove();
  curves.forEach(([title, series], index) => {
    let frame = holder.children[index];
    if (!frame) {
      frame = document.createElement("figure");
      const canvas = document.createElement("canvas");
      canvas.setAttribute("role", "img");
      frame.append(canvas, document.createElement("figcaption"));
      holder.append(frame);
    }
    frame.lastChild.textContent = title;
    frame.firstChild.setAttribute("aria-label", title);
    chart(frame.firstChild, { series, small: true, zero: true, marks: marks(now, false), x: { range: [0, Math.max(1, now.points.length)] } });
  });
}

/* ---- the spectrum ---- */

let axis = null;
let window_ = null;

/** The part of the axis that a target looks at. */
function windows(target) {
  const given = /(?:window|eels|plasmon-energy|plasmon-height):(-?[\d.e+-]+?)\.\.(-?[\d.e+-]+)/.exec(target ?? "");
  if (given) return [Number(given[1]), Number(given[2])];
  const line = /^line:([A-Za-z]+-[A-Za-z0-9]+)/.exec(target ?? "");
  const found = line && room.lines.find(({ name }) => name.toLowerCase() === line[1].toLowerCase());
  if (!found) return null;
  const units = story.now.begun?.channels.units === "eV" ? 1000 : 1;
  return [units * (found.kev - 0.06), units * (found.kev + 0.06)];
}

function drawSpectrum(now) {
  const channels = now.begun?.channels;
  const section = $("spectrum-section");
  section.hidden = !channels || channels.coordinates.length < 2;
  if (section.hidden) return;
  const chosen = room.chosen && now.pointAt(room.chosen.row, room.chosen.column);
  const point = chosen || now.points.at(-1);
  if (!point) return;
  const spectrum = room.spectra.get(point.record);
  if (!spectrum) { load(point.record); return; }
  const ordered = channels.coordinates.every((x, index, all) => !index || x > all[index - 1]);
  axis = chart($("spectrum"), {
    series: [{ x: channels.coordinates, y: Array.from(spectrum), colour: css("--line-a") }],
    zero: ordered, window: window_ ?? windows(room.trial?.target ?? now.facts.target),
    marks: ordered ? marked(channels) : [],
    x: { label: `${channels.name}${channels.units ? `, ${channels.units}` : ""}` },
    y: { label: channels.counts || channels.quantity },
  });
  $("spectrum-note").textContent =
    `point ${point.number} at row ${point.row}, column ${point.column}${chosen ? "" : ", the last"}`
    + (ordered ? "; drag over the spectrum to try another window" : "")
    + (room.trial ? `. The map shows ${room.trial.target} of all ${room.trial.count} points${room.trial.note ? `; ${room.trial.note}` : ""}` : "");
  const field = $("target");
  if (!field.dataset.touched) field.value = now.facts.target ?? "";
  $("drop-target").hidden = !room.trial;
  able($("set-target"), "target");
}

/** The lines of the elements that are worth naming. */
function marked(channels) {
  if (!["keV", "eV"].includes(channels.units)) return [];
  const units = channels.units === "eV" ? 1000 : 1;
  const [low, high] = [channels.coordinates[0], channels.coordinates.at(-1)];
  return room.lines
    .filter(({ name, kev }) => /-[KLM]a$/.test(name) && channels.elements.includes(name.split("-")[0]) && kev * units > low && kev * units < high)
    .map(({ name, kev }, index) => ({ at: kev * units, label: name, line: index % 5 }));
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
  if (trying !== null) { trying = target; return; }
  trying = target;
  for (let asked = null; asked !== trying;) {
    asked = trying;
    try {
      const told = await link.json(`api/campaigns/${room.campaign}/reduced/${encodeURIComponent(asked)}`);
      const by = new Map(told.records.map((record, index) => [record, told.responses[index]]));
      room.trial = { target: told.target, units: told.units, note: told.note, by, count: told.records.length };
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
$("set-target").addEventListener("click", async () => {
  await give("target", $("target").value.trim());
  forget();
});
$("drop-target").addEventListener("click", forget);

function forget() {
  [room.trial, window_] = [null, null];
  $("target").dataset.touched = "";
  touch();
}

function listLines() {
  const channels = story.now.begun?.channels;
  const holder = $("lines");
  holder.replaceChildren();
  if (!channels || !["keV", "eV"].includes(channels.units)) return;
  const units = channels.units === "eV" ? 1000 : 1;
  const [low, high] = [channels.coordinates[0], channels.coordinates.at(-1)];
  const on = room.lines.filter(({ kev }) => kev * units > low && kev * units < high);
  $("targets").replaceChildren(...on.map(({ name }) => new Option(`line:${name}`)));
  for (const { name } of on.filter(({ name }) => channels.elements.includes(name.split("-")[0]))) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => {
      window_ = null;
      $("target").value = `line:${name}`;
      $("target").dataset.touched = "yes";
      attempt($("target").value);
    });
    holder.append(button);
  }
}

/* ---- words and numbers ---- */

function facts(now) {
  const it = now.facts;
  const share = (part, of) => (of ? `, ${figure(100 * part / of, 2)} % of the limit` : "");
  const electrons = (value) => `${figure(value, 4)} e⁻`;
  const rows = [
    ["Points", `${now.points.length} of ${it.budget ?? "–"}${it.seeding ? ", the first ones" : `, ${it.seeds ?? 0} to start from`}`],
    ["Strategy", it.strategy], ["Target", it.target],
    ["Dwell", `${it.dwell_seconds ?? "–"} s`],
    ["Dose", it.dose_electrons ? `${electrons(it.dose_electrons)}${share(it.dose_electrons, it.dose_limit_electrons)}` : "not known"],
  ];
  if (it.worst_pixel_e_per_A2) {
    rows.push(["Worst pixel", `${figure(it.worst_pixel_e_per_A2)} e⁻/Å²${share(it.worst_pixel_e_per_A2, it.pixel_limit_e_per_A2)}`]);
  }
  const [down, right] = it.drift_pixels ?? [0, 0];
  if (it.drift_every || down || right) rows.push(["Drift", `${figure(down, 3)} px down, ${figure(right, 3)} px right`]);
  const elapsed = (now.last?.elapsed_ms ?? 0) / 1000;
  rows.push(["Running for", span(elapsed)]);
  const recent = now.points.slice(-20);
  if (recent.length > 1 && !it.ended) {
    const each = (recent.at(-1).elapsed - recent[0].elapsed) / 1000 / (recent.length - 1);
    const left = Math.max(0, (it.budget ?? 0) - now.points.length) * each;
    const limit = it.time_limit_seconds ? it.time_limit_seconds - elapsed : Infinity;
    rows.push(["Time left", `${span(Math.min(left, limit))}, ${span(each)} a point`]);
  }
  if (it.failures) rows.push(["Failures", `${it.failures}, the last: ${now.failures.at(-1)?.why ?? ""}`]);
  if (it.wishes?.length) rows.push(["People want", it.wishes.map(([row, column]) => `${row},${column}`).join("; ")]);
  const list = $("facts");
  const text = JSON.stringify(rows);
  if (list.dataset.text === text) return;
  list.dataset.text = text;
  list.replaceChildren(...rows.flatMap(([name, value]) => {
    const [term, said] = [document.createElement("dt"), document.createElement("dd")];
    [term.textContent, said.textContent] = [name, value ?? "–"];
    return [term, said];
  }));
}

function proposal(now) {
  const next = now.facts.next;
  const waits = Boolean(next?.waits) && !now.facts.ended;
  $("proposal").hidden = !waits;
  if (!waits) return;
  const predicted = next.predicted ? `: ${figure(next.predicted[0])} ± ${figure(next.predicted[1], 2)} ${now.facts.units ?? ""} expected` : "";
  $("proposal").dataset.at = next.at.join(",");
  $("proposal-text").textContent = `The proposal of row ${next.at[0]}, column ${next.at[1]} waits${predicted}.`;
  for (const word of ["accept", "reject"]) able($(word), word);
}

/** An event as a line. */
function told(message) {
  const at = message.at ? ` row ${message.at[0]}, column ${message.at[1]}` : "";
  switch (message.event) {
    case "Begun": return `begun: ${message.instrument}`;
    case "Resumed": return "taken up again";
    case "Surveying": return "an overview is taken";
    case "Overview": return `overview of ${message.size.join(" × ")} pixels`;
    case "Surveyed": return message.shift
      ? `drift ${figure(message.shift[0], 3)} px down, ${figure(message.shift[1], 3)} px right` : "the drift is not known";
    case "Proposed": return `proposed${at}`;
    case "Exposing": return `exposing${at}`;
    case "NotExposed": return `not exposed: ${message.why}`;
    case "Measured": return message.point ? `measured${at}` : `measured${at}, of no use`;
    case "LeftOut": return `left out${at}: ${message.why}`;
    case "Failed": return `the instrument failed: ${message.why}`;
    case "Trained": return `trained on ${message.points} points in ${span(message.seconds)}`;
    case "Commanded": return `${message.by || "somebody"}: ${message.command}`;
    case "Refused": return `${message.by || "somebody"}: ${message.command}, refused: ${message.why}`;
    case "Reduced": return `all points reduced by ${message.scalarizer}`;
    case "Ended": return `ended: ${message.why}`;
    default: return message.event;
  }
}

function lines(list, items, key) {
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...items.map(({ time, text, refused, undo }) => {
    const item = document.createElement("li");
    const when = document.createElement("time");
    when.textContent = time;
    const what = document.createElement("span");
    what.textContent = text;
    if (refused) what.className = "refused";
    item.append(when, what);
    if (undo) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Take back";
      button.title = undo.join(" ");
      button.addEventListener("click", () => give(...undo));
      item.append(button);
    }
    return item;
  }));
}

function history(now) {
  const items = now.commands.toReversed().map((given) => ({
    time: clock(given.given_ms),
    text: `${given.by || "somebody"}: ${given.command} after ${given.after} points${given.why ? `, refused: ${given.why}` : ""}`,
    refused: given.event === "Refused", undo: room.role === "control" ? back(given) : null,
  }));
  lines($("history"), items.length ? items : [{ time: "", text: "nobody has said anything yet" }], `${now.commands.length} ${now.commands.at(-1)?.record}`);
  const latest = now.latest.slice(-40).toReversed();
  lines($("latest"), latest.map((message) => ({ time: clock(message.at_ms), text: told(message) })), String(now.last?.record));
}

function settings(now) {
  const fill = (id, value) => {
    const field = $(id);
    if (!field.dataset.touched && document.activeElement !== field && value !== null && value !== undefined) field.value = value;
  };
  fill("strategy", now.facts.strategy);
  fill("budget", now.facts.budget);
  fill("dose-limit", now.facts.dose_limit_electrons);
  fill("dwell", now.facts.dwell_seconds);
  if (document.activeElement !== $("approve")) $("approve").checked = Boolean(now.facts.approval);
  const why = objection("strategy");
  for (const button of document.querySelectorAll("form[data-word] button")) able(button, "strategy");
  $("steer-note").textContent = why ? `Not now: ${why}.` : "";
}

function head() {
  const now = story.now, running = room.status;
  let state = "connecting";
  if (room.problem) state = room.problem;
  else if (running) state = running.state;
  else if (now.facts.ended) state = `ended: ${now.facts.ended}`;
  else if (running === null) state = now.last ? "no program runs this campaign" : "the campaign has not begun";
  if (!room.connected) state = `${room.why}; trying again (last known: ${state})`;
  if ($("state").textContent !== state) $("state").textContent = state;
  $("pause").textContent = paused() ? "Resume" : "Pause";
  able($("stop"), "stop");
  able($("pause"), "pause");
  const unblanked = running?.blanked === false
    ? `The beam COULD NOT BE BLANKED since ${clock(running.blanked_since_ms)}: look after it.` : null;
  const alarm = unblanked ?? (now.facts.failed && now.facts.ended ? now.facts.ended : null);
  $("alarm").hidden = !alarm;
  if (alarm && $("alarm").textContent !== alarm) $("alarm").textContent = alarm;
  age();
}

function age() {
  const last = story.now.last;
  const seconds = last ? Math.max(0, (Date.now() - room.offset - last.at_ms) / 1000) : null;
  const beam = room.status?.blanked ? `, beam blanked since ${clock(room.status.blanked_since_ms)}` : "";
  $("age").textContent = last ? `last event ${span(seconds)} ago${beam}` : "";
}

function slider(now) {
  const all = $("slider"), last = Math.max(0, story.messages.length - 1);
  all.max = last;
  if (room.view === null) all.value = last;
  $("live").hidden = room.view === null;
  document.body.classList.toggle("past", room.view !== null);
  const shown = now.last;
  $("when").textContent = shown
    ? `${room.view === null ? "now" : "the past"}: record ${shown.record} of ${last}, ${new Date(shown.at_ms).toLocaleString()}, ${now.points.length} points`
    : "no record yet";
}

$("slider").addEventListener("input", () => {
  const value = Number($("slider").value);
  room.view = value >= story.messages.length - 1 ? null : value;
  touch();
});
$("live").addEventListener("click", () => { room.view = null; touch(); });

function draw() {
  if (room.dirty) {
    room.dirty = false;
    const now = snapshot();
    head();
    slider(now);
    facts(now);
    proposal(now);
    history(now);
    settings(now);
    drawMap(now);
    drawMaps(now);
    drawResponse(now);
    drawSpectrum(now);
    drawCurves(now);
    document.body.dataset.records = story.messages.length;
  }
  requestAnimationFrame(draw);
}

/* ---- beginning ---- */

function follow(number) {
  room.unfollow?.();
  Object.assign(room, {
    campaign: number, status: undefined, problem: null, view: null, chosen: null, overview: null, maps: null, figures: null, trial: null,
    spectra: new Map(),
  });
  story.clear();
  const mine = number;
  room.unfollow = link.follow(number, {
    message(message) {
      story.add(message);
      if (message.event === "Overview") picture(mine);
      if (message.event === "Begun") listLines();
      touch();
    },
    journal(begins) {
      room.offset = Date.now() - begins.now_ms;
      if (begins.from === 0) Object.assign(room, { spectra: new Map(), view: null });
      const mine = story.journal(begins);
      if (!mine) story.clear();
      touch();
      return mine;
    },
    view: takeView,
    status({ running, problem }) { room.status = running; room.problem = problem; touch(); },
    connected() { room.connected = true; touch(); },
    lost(why) { room.connected = false; room.why = why; touch(); },
  });
}

async function picture(campaign) {
  try {
    const overview = await link.numbers(`api/campaigns/${campaign}/overview`);
    if (campaign === room.campaign) room.overview = overview;
  } catch { setTimeout(() => picture(campaign), 1000); return; }
  touch();
}

function theme(name) {
  document.documentElement.dataset.theme = name;
  touch();
}
$("theme").addEventListener("click", () => {
  const other = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem("beacon-theme", other);
  theme(other);
});
theme(localStorage.getItem("beacon-theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
new ResizeObserver(touch).observe(document.body);
setInterval(age, 500);

async function begin() {
  try {
    const told = await link.json("api/campaigns");
    [room.role, room.campaigns] = [told.role, told.campaigns];
    room.lines = told.lines.map(([name, kev]) => ({ name, kev }));
    $("strategy").replaceChildren(...told.strategies.map((name) => new Option(name)));
    $("which").replaceChildren(...told.campaigns.map(({ name }, index) => new Option(name, index)));
    $("which-label").hidden = told.campaigns.length < 2;
    $("which").addEventListener("change", () => follow(Number($("which").value)));
    document.title = `${told.campaigns.map(({ name }) => name).join(", ")} – BEACON`;
    document.body.dataset.role = room.role;
    follow(0);
  } catch (error) {
    room.why = error.status ? error.message : "the page's server does not answer";
    touch();
    if (!error.status) setTimeout(begin, 1000);
  }
}

begin();
draw();
