// What all of the page shares: the link, the story, and what the person looks at.

import { SHAPES, figure } from "./chart.js";
import { Connection } from "./connection.js";
import { Story } from "./story.js";

export const $ = (id) => document.getElementById(id);
export const link = new Connection(location.hash);
export const story = new Story();

export const room = {
  role: "watch", campaigns: [], campaign: 0, folder: "DIR", title: "control room", unfollow: null,
  connected: false, closed: false, why: "connecting", status: undefined, problem: null, offset: 0,
  view: null, chosen: null, cursor: null, drag: null, tool: "look", shown: null, of: 0,
  overview: null, maps: {}, figures: null, spectra: new Map(), trial: null, lines: [], edges: [], dirty: true,
};

export const snapshot = () => (room.view === null ? story.now : story.after(room.view));
/** Whether responses are maps acquired before: these are called by what they are, their scalarizers by their place. */
export const areMaps = ({ begun }) => Boolean(begun?.replayed) && begun.channels.name === "response";

/** What is sought, the first before the others: name, units, and where it stands among the responses of a point. */
export function targets(now) {
  const { begun, facts } = now, further = room.figures?.further ?? [];
  return (facts.targets ?? []).map((target, at) => {
    const index = (facts.scalarizers ?? []).indexOf(target);
    if (!areMaps(now)) return { name: target, units: facts.target_units?.[at] ?? "", index };
    const [name, units] = at ? further[at - 1] ?? [`response ${at + 1}`, ""] : [begun.channels.quantity || "response", facts.units];
    return { name, units, index };
  });
}

/** Which of the targets maps and charts are of, counted from 0. */
export const which = (now) => (room.of < (now.facts.targets ?? []).length ? room.of : 0);

/** The target that maps and charts are of. */
export const target = (now) => targets(now)[which(now)] ?? { name: "", units: "", index: -1 };

/** What was predicted of that target at a point or a proposal: mean and standard deviation, if anything was. */
export const predicted = (now, point) => (which(now) ? point.foreseen?.[which(now) - 1] : point.predicted) ?? null;

/** What is sought, in words. */
export const sought = (now) => (areMaps(now) ? targets(now).map(({ name }) => name).join(", ") : now.facts.sought ?? "");

/** The name of a scalarizer, for people. */
export const called = (now, scalarizer) => targets(now)[(now.facts.targets ?? []).indexOf(scalarizer)]?.name ?? scalarizer;
export const clock = (ms) => new Date(ms).toLocaleTimeString();
export const touch = () => { room.dirty = true; };

export function span(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "–";
  if (seconds < 1) return `${Math.round(1000 * seconds)} ms`;
  if (seconds < 100) return `${figure(seconds, 2)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The shape of the points of each dwell. */
export const shapes = (now) => new Map(now.dwells.map((dwell, index) => [dwell, SHAPES[index % SHAPES.length][0]]));

/** What the shapes of points mean, where there are several. */
export function shapesSaid({ dwells }) {
  const said = dwells.map((dwell, index) => `${SHAPES[index % SHAPES.length][1]} ${span(dwell)}`);
  return said.length > 1 ? `dwell: ${said.join(", ")}` : "";
}

/** Says what became of a command, and when: it may stand here for long. */
export function say(text, refused = false) {
  $("said").textContent = text && `${clock(Date.now() - room.offset)} ${text}`;
  $("said").classList.toggle("refused", refused);
  $("said").hidden = !text;
}

export function choose(at) {
  room.chosen = at;
  touch();
}

/** What points show where that is their order. */
export const ORDER = "their order";

/** The responses that colour the points: those of the target that maps are of, of another scalarizer, or of one that is tried. */
export function responses(now) {
  if (room.shown === ORDER && !room.trial) return { of: (point) => point.number, values: now.points.map(({ number }) => number) };
  const index = room.shown ? (now.facts.scalarizers ?? []).indexOf(room.shown) : target(now).index;
  const of = (point) => {
    if (room.trial) return room.trial.by.get(point.record) ?? null;
    return point.responses[index] ?? null;
  };
  return { of, values: now.points.map(of) };
}
