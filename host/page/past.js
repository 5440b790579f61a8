// The maps of the past: those of the surrogate that were kept, and the map to publish, which the server
// makes again of the points that counted then.

import { link, room, story, touch } from "./room.js";

/** Time between two questions whether a map is made, in ms. */
const AGAIN = 400;
const PUBLISHED = ["map_mean", "map_sigma"];
const NONE = { campaign: null, from: -1, until: -1, maps: {}, why: null };

/** Maps of the newest moment that is kept, and the records that it stands for. */
let kept = NONE;
/** The map to publish, and the points that it is of. */
let published = { campaign: null, key: null, maps: {}, why: null };
let busy = false;

/** Points that count: the map to publish follows from them alone. */
const points = (now) => {
  const discarded = now.points.filter(({ row, column }) => now.standingAt(row, column) !== "measured").length;
  return [now.points.length, now.facts.revision, discarded].join();
};

const stands = () => kept.campaign === room.campaign && kept.from <= room.view && room.view <= kept.until;
const isPublished = (now) => published.campaign === room.campaign && published.key === points(now);

/** The maps of the moment that the slider shows, as far as they are there, and what is to be said of them. */
export function pastMaps(now) {
  const waits = !stands(), making = !isPublished(now);
  if (waits || making) fetch();
  const mine = (maps) => (maps.campaign === room.campaign ? maps.maps : {});
  const maps = { ...mine(kept), ...mine(published) };
  // What is true does not change with time, but with the target, and with what components are learnt to be.
  const { facts: then } = now, { facts } = story.now;
  if (then.sought === facts.sought && (then.revision === facts.revision || !/spectrum|component/.test(facts.sought))) {
    for (const name of Object.keys(room.maps).filter((name) => name.startsWith("truth"))) maps[name] = room.maps[name];
  }
  const said = [];
  if (waits) said.push("The maps of this moment are being fetched.");
  else if (kept.why) said.push(`Of the surrogate there is no map: ${kept.why}.`);
  else if (kept.points !== now.points.length) {
    said.push(`The maps of the surrogate are those after ${kept.points} points: of the moments up to ${now.points.length} points no later one is kept.`);
  }
  if (making) said.push("The map to publish is being made again.");
  else if (published.why) said.push("There were too few points for a map to publish.");
  return { maps, said: said.join(" ") };
}

/** Fetches what is shown now: one request at a time, the last wish wins. */
async function fetch() {
  if (busy) return;
  busy = true;
  while (room.view !== null) {
    const { campaign, view } = room, now = story.after(view), key = points(now);
    if (!stands()) kept = await fetchKept(campaign, view);
    else if (!isPublished(now)) {
      const maps = await fetchPublished(campaign, view);
      if (maps) published = { campaign, key, maps, why: Object.keys(maps).length ? null : "none" };
      else await new Promise((go) => setTimeout(go, AGAIN));
    } else break;
    touch();
  }
  busy = false;
}

const address = (campaign, view) => `api/campaigns/${campaign}/past/${view}`;

async function fetchKept(campaign, view) {
  try {
    const { record, until, points, maps: told } = await link.json(address(campaign, view));
    const maps = {};
    for (const [name, after] of Object.entries(told)) {
      maps[name] = { values: await link.numbers(`${address(campaign, view)}/${name}`), points: after };
    }
    return { campaign, from: record, until: until ?? Infinity, points, maps, why: null };
  } catch (error) {
    return { ...NONE, campaign, from: view, until: view, why: error.status ? error.message : "the page's server does not answer" };
  }
}

/** Both maps to publish; null while they are being made. */
async function fetchPublished(campaign, view) {
  const after = story.after(view).points.length, maps = {};
  for (const name of PUBLISHED) {
    try {
      const values = await link.numbers(`${address(campaign, view)}/${name}`);
      if (!values) return null;
      maps[name] = { values, points: after };
    } catch { return {}; }
  }
  return maps;
}
