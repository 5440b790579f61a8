// The control room: what the journal says, drawn, and commands.

import { letGo } from "./commands.js";
import { drawCurves, drawResponse } from "./curves.js";
import { drawMaps, takeFigures, takeMaps } from "./maps.js";
import { drawMany, followMany } from "./many.js";
import { $, link, room, say, snapshot, story, touch } from "./room.js";
import { drawMap } from "./sample.js";
import { drawSpectrum, listLines } from "./spectrum.js";
import { age, facts, head, history, proposal, settings } from "./words.js";

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
    drawMany();
    document.body.dataset.records = story.messages.length;
  }
  requestAnimationFrame(draw);
}

function follow(number) {
  room.unfollow?.();
  const { number: campaign, role, folder } = room.campaigns[number];
  Object.assign(room, {
    campaign, role, folder, status: undefined, problem: null, view: null, chosen: null, shown: null, of: 0, overview: null, maps: {}, figures: null,
    trial: null, spectra: new Map(), closed: false,
  });
  document.body.dataset.role = role;
  story.clear();
  say("");
  letGo();
  for (const field of document.querySelectorAll("[data-touched]")) field.dataset.touched = "";
  const mine = campaign;
  room.unfollow = link.follow(campaign, {
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
    figures: takeFigures,
    maps: takeMaps,
    closing() { room.closed = true; touch(); },
    status({ running, problem }) {
      // What was said before says nothing of a program that begins.
      if (!room.status && running) say("");
      Object.assign(room, { status: running, problem });
      touch();
    },
    connected() { Object.assign(room, { connected: true, closed: false }); touch(); },
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
    room.campaigns = told.campaigns;
    room.edges = told.edges;
    room.lines = told.lines.map(([name, kev]) => ({ name, kev }));
    $("strategy").replaceChildren(...told.strategies.map((name) => new Option(name)));
    const names = told.campaigns.map(({ name }) => name);
    const alike = new Set(names).size < names.length;
    $("which").replaceChildren(...told.campaigns.map(({ name, folder }, index) => new Option(alike ? folder : name, index)));
    $("which-label").hidden = told.campaigns.length < 2;
    $("which").addEventListener("change", () => follow(Number($("which").value)));
    room.title = names.length < 4 ? names.join(", ") : `${names.length} campaigns`;
    follow(0);
    followMany();
  } catch (error) {
    room.why = error.status ? error.message : "the page's server does not answer";
    touch();
    if (!error.status) setTimeout(begin, 1000);
  }
}

// Every part of the page is there.
document.body.inert = false;
begin();
draw();
