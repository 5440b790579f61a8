// The maps beside the sample, under one cursor: what the surrogate predicts, what the next point was chosen
// by, what is known, and the map to publish.

import { figure } from "./chart.js";
import { Distances } from "./distance.js";
import { MapView, colourBar, range, viridis } from "./map.js";
import { pastMaps } from "./past.js";
import { PlaneView } from "./plane.js";
import { $, choose, link, responses, room, target, touch, which } from "./room.js";

/** Maps that the server has of every target, and those that it has of the first alone. */
const OF_EACH = ["mean", "sigma", "truth"], OF_FIRST = ["map_mean", "map_sigma"];
/** Title, the map that the server has by this name, and whether it is in units of the response. */
const MAPS = [
  ["Predicted mean", "mean", true], ["Predicted deviation", "sigma", true], ["Acquisition score", "score", false],
  ["Structural distance", "distance", false], ["Truth", "truth", true], ["Map to publish", "map_mean", true],
  ["Its deviation", "map_sigma", true], ["Latent plane of the surrogate", "plane", false],
];
const panels = new Map();

for (const [title, key, hasUnits] of MAPS) {
  const [frame, canvas, caption] = ["figure", "canvas", "figcaption"].map((name) => document.createElement(name));
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", title);
  frame.dataset.map = key;
  frame.hidden = true;
  frame.append(canvas, caption);
  $("maps").append(frame);
  const view = key === "plane" ? new PlaneView(canvas) : new MapView(canvas);
  canvas.addEventListener("pointermove", (event) => { room.cursor = view.pixel(event); touch(); });
  canvas.addEventListener("pointerleave", () => { room.cursor = null; touch(); });
  canvas.addEventListener("click", (event) => { const at = view.pixel(event); if (at) choose(at); });
  panels.set(key, { title, view, frame, caption, hasUnits });
}

/** Takes the figures of further steps. */
export function takeFigures(told) {
  const { series } = told;
  const before = told.from === 0 ? {} : (room.figures?.series ?? {});
  for (const name of Object.keys(series)) series[name] = (before[name] ?? []).slice(0, told.from).concat(series[name]);
  room.figures = { ...told, series };
  touch();
}

let fetching = false;
let offered = {};

/** Fetches the maps that are others than before. */
export async function takeMaps(told) {
  offered = told;
  for (const name of Object.keys(room.maps)) if (!told[name]) delete room.maps[name];
  if (fetching) return;
  fetching = true;
  // One request at a time: maps that were replaced meanwhile are not fetched.
  for (;;) {
    const { campaign } = room, asked = offered;
    const due = Object.keys(offered).find((name) => offered[name].version !== room.maps[name]?.version);
    if (!due) break;
    const { version, points } = offered[due];
    try {
      const values = await link.numbers(`api/campaigns/${campaign}/maps/${due}`);
      if (campaign === room.campaign) room.maps[due] = { values, version, points };
    } catch {
      // Of another campaign, perhaps, which was chosen meanwhile and has offered its own.
      if (asked === offered) break;
    }
    touch();
  }
  fetching = false;
}

/** A map as a raster of the image. */
function raster(map, { size, candidates: { region: [top, bottom, left, right] } }) {
  if (map.raster) return map.raster;
  if (map.values.length === size[0] * size[1]) return (map.raster = map.values);
  map.raster = new Float32Array(size[0] * size[1]).fill(NaN);
  for (let row = top; row < bottom; row++) {
    const from = (row - top) * (right - left);
    map.raster.set(map.values.subarray(from, from + right - left), row * size[1] + left);
  }
  return map.raster;
}

/** The map of the target that is looked at; none where it is of the first alone. */
function mapOf(now, maps, key) {
  const at = which(now);
  if (at && OF_FIRST.includes(key)) return undefined;
  return maps[at && OF_EACH.includes(key) ? `${key}_${at + 1}` : key];
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

/** The strategy that the score shown was worked out by. */
const strategy = (now) => now.facts.strategy ?? "";

export function drawMaps(now) {
  $("maps").hidden = !now.overview?.candidates?.region;
  if ($("maps").hidden) return;
  const { overview } = now;
  const at = room.cursor ?? room.chosen;
  const { maps, said } = room.view === null ? { maps: room.maps, said: "" } : pastMaps(now);
  for (const [key, { title, view, frame, caption, hasUnits }] of panels) {
    if (key === "plane") { drawPlane(now, maps, view, frame, caption, title); continue; }
    const map = mapOf(now, maps, key);
    const known = key === "distance" ? distances(now) : map && raster(map, overview);
    frame.hidden = !known;
    if (!known) continue;
    view.raster(known, overview.size);
    view.draw({ snapshot: now, cursor: room.cursor, chosen: room.chosen });
    const value = at ? known[at.row * overview.size[1] + at.column] : null;
    const here = value !== null && Number.isFinite(value) ? `; here ${figure(value, 3)}` : "";
    const by = key === "score" ? ` by ${strategy(now)}` : "";
    const after = key === "distance" ? moment(now, room.distances.taken.length) : moment(now, map.points);
    caption.replaceChildren(colourBar("viridis", view.range, hasUnits ? target(now).units : ""), `${title}${by}${after}${here}`);
  }
  if ($("maps-note").textContent !== said) $("maps-note").textContent = said;
}

/** The moment that a map is of; nothing of one that holds for all. */
function moment(now, points) {
  if (!points) return "";
  const step = points - (now.facts.seeds ?? 0);
  return `, after ${points} points${step > 0 && !now.facts.seeding ? ` (step ${step})` : ""}`;
}

function drawPlane(now, maps, view, frame, caption, title) {
  const [x, y] = [maps.plane_x, maps.plane_y];
  const whole = x && y && x.values.length === y.values.length;
  frame.hidden = !whole;
  if (!whole) return;
  view.places(x.values, y.values, now.overview.candidates.region);
  const { of, values } = responses(now);
  const [low, high] = range(values);
  const colours = (point) => {
    const value = of(point);
    return value === null || !Number.isFinite(value) ? [128, 128, 128] : viridis((value - low) / (high - low));
  };
  view.draw({ now, colours, cursor: room.cursor, chosen: room.chosen });
  caption.textContent = `${title}: bright where many candidates lie; points in the colours of the sample${moment(now, x.points)}`;
}
