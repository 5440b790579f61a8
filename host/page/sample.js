// The sample: the overview with what happened on it, and what a click, a rectangle or a brush does.

import { able, act, give, objection, unmeasurable } from "./commands.js";
import { figure } from "./chart.js";
import { MapView, colourBar, covering, range, stamp, viridis } from "./map.js";
import {
  $, ORDER, called, choose, predicted, responses, room, shapes, shapesSaid, span, target, targets, touch,
} from "./room.js";

const map = new MapView($("map"));
const board = $("map");
for (const input of document.querySelectorAll("input[name=tool]")) {
  input.addEventListener("change", () => {
    room.tool = input.value;
    board.classList.toggle("drags", ["exclude", "include"].includes(room.tool));
  });
}

const brush = () => $("shape").value === "brush";
$("shape").addEventListener("change", () => { $("brush").hidden = !brush(); });

/** Begins a rectangle, or a stroke of the brush. */
function begin(at) {
  const include = room.tool === "include";
  room.drag = brush()
    ? { include, cells: new Uint8Array(map.size[0] * map.size[1]), last: at }
    : { include, from: at, region: between(at, at) };
  goOn(at);
}

function goOn(at) {
  const { drag } = room;
  if (!drag.cells) { drag.region = between(drag.from, at); return; }
  const steps = Math.max(1, Math.abs(at.row - drag.last.row), Math.abs(at.column - drag.last.column));
  const radius = Number($("brush-size").value) / 2;
  for (let step = 0; step <= steps; step++) {
    const along = (key) => drag.last[key] + (at[key] - drag.last[key]) * step / steps;
    stamp(drag.cells, map.size, along("row"), along("column"), radius);
  }
  drag.last = at;
}

/** Most rectangles of one command. */
const MOST = 400;

async function stroke(word, regions) {
  const words = regions.map(([top, bottom, left, right]) => `${top}..${bottom},${left}..${right}`);
  for (let from = 0; from < words.length; from += MOST) {
    if (!await give(word, ...words.slice(from, from + MOST))) return;
  }
}

const between = (a, b) => [
  Math.min(a.row, b.row), Math.max(a.row, b.row) + 1, Math.min(a.column, b.column), Math.max(a.column, b.column) + 1,
];

board.addEventListener("pointerdown", (event) => {
  const at = map.pixel(event);
  if (!at || event.button !== 0) return;
  room.cursor = at;
  if (["exclude", "include"].includes(room.tool)) {
    board.setPointerCapture(event.pointerId);
    begin(at);
  }
  touch();
});
board.addEventListener("pointermove", (event) => {
  room.cursor = map.pixel(event);
  if (room.drag && room.cursor) goOn(room.cursor);
  touch();
});
board.addEventListener("pointerup", () => finish(room.cursor));
board.addEventListener("pointercancel", () => { room.drag = null; touch(); });
board.addEventListener("pointerleave", () => { if (!room.drag) { room.cursor = null; touch(); } });

function finish(at) {
  if (!at) return;
  if (room.drag) {
    const { include, region, cells } = room.drag;
    const regions = cells ? covering(cells, map.size) : [region];
    room.drag = null;
    stroke(include ? "include" : "exclude", regions);
  } else if (room.tool === "measure") {
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
    if (room.drag) goOn(room.cursor);
  } else if (event.key === "Enter" && room.cursor) {
    if (["exclude", "include"].includes(room.tool) && !room.drag) {
      begin(room.cursor);
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

export function drawMap(now) {
  offer(now);
  $("tools").hidden = Boolean(now.begun?.replayed);
  if (!room.overview || !now.overview) return;
  map.raster(room.overview, now.overview.size, "gray");
  const { of, values } = responses(now);
  const [low, high] = range(values);
  const colours = (point) => {
    const value = of(point);
    return value === null || !Number.isFinite(value) ? [128, 128, 128] : viridis((value - low) / (high - low));
  };
  map.draw({ snapshot: now, colours, shapes: shapes(now), points: true, cursor: room.cursor, chosen: room.chosen, drag: room.drag });
  key(now, [low, high]);
  $("pixel").textContent = readout(now, room.cursor ?? room.chosen);
  const chosen = room.chosen;
  const state = chosen && now.standingAt(chosen.row, chosen.column);
  $("chosen").hidden = !chosen;
  const only = (id, ...states) => { $(id).hidden = !states.includes(state); able($(id), id); };
  const why = chosen && (objection("measure") ?? unmeasurable(now, chosen));
  able($("measure"), "measure", why);
  $("measure-why").textContent = why ? `Not measured next: ${why}.` : "";
  only("discard", "measured");
  only("restore", "discarded");
}

function readout(now, at) {
  const shown = room.trial ? `colours: ${room.trial.target}, not yet the target` : `colours: ${room.shown ? called(now, room.shown) : target(now).name}`;
  if (!at) return [`${now.points.length} points, ${shown}`, shapesSaid(now)].filter(Boolean).join("; ");
  const state = now.standingAt(at.row, at.column);
  const point = now.pointAt(at.row, at.column);
  const { scale, units } = now.overview;
  const where = units && units !== "px"
    ? ` (${figure(at.column * scale[1], 4)}, ${figure(at.row * scale[0], 4)} ${units})` : "";
  const words = { none: "no candidate: its window leaves the image" }[state] ?? state;
  if (!point) return `row ${at.row}, column ${at.column}${where}: ${words}`;
  const ordered = room.shown === ORDER && !room.trial;
  const { index, units: of } = target(now);
  const response = ordered ? point.responses[index] : responses(now).of(point);
  const [mean, sigma] = predicted(now, point) ?? [];
  const before = mean === undefined ? "" : `, predicted ${figure(mean)} ± ${figure(sigma, 2)}`;
  return `row ${at.row}, column ${at.column}${where}: point ${point.number}, ${words}, ${figure(response)} `
    + `${room.trial ? room.trial.units ?? "" : of}${before}, chosen by ${point.author}, dwell ${span(point.dwell)}`;
}

/** The colours of the image and of the points, with their numbers. */
function key(now, points) {
  const { name, value_units: units } = now.overview;
  const bars = [["gray", map.range, units, name || "overview"]];
  if (now.points.length) {
    const ordered = room.shown === ORDER && !room.trial;
    bars.push(["viridis", points, ordered ? "" : (room.trial ?? target(now)).units, ordered ? "order of points" : "points"]);
  }
  $("scales").replaceChildren(...bars.map((bar) => colourBar(...bar)));
}

/** Which of several responses the points show. */
function offer(now) {
  const all = now.facts.scalarizers ?? [];
  const names = all.map((scalarizer) => called(now, scalarizer));
  const several = targets(now).map(({ name }) => name);
  $("shown-label").hidden = !now.points.length;
  $("of-label").hidden = several.length < 2;
  if ($("of").dataset.key !== several.join("\n")) {
    $("of").dataset.key = several.join("\n");
    $("of").replaceChildren(...several.map((name, index) => new Option(name, index)));
    if (room.of >= several.length) room.of = 0;
  }
  if ($("of").value !== String(room.of)) $("of").value = room.of;
  const key = names.join("\n");
  if ($("shown").dataset.key === key) return;
  $("shown").dataset.key = key;
  const others = [...(all.length > 1 ? all : []), ORDER];
  if (!others.includes(room.shown)) room.shown = null;
  $("shown").replaceChildren(new Option("the target", ""), ...others.map((name) => new Option(names[all.indexOf(name)] ?? name, name)));
  $("shown").value = room.shown ?? "";
}
$("of").addEventListener("change", () => { room.of = Number($("of").value); touch(); });
$("shown").addEventListener("change", () => { room.shown = $("shown").value || null; touch(); });
