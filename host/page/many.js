// Several campaigns beside one another: how far each has come.

import { chart, css, figure } from "./chart.js";
import { $, link, room } from "./room.js";

/** Colours that the colour-blind can tell apart (Okabe and Ito). */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a6d00", "#999999"];
const EVERY = 2000;

let curves = [];

/** What a campaign is one of: its strategy, in a comparison; else itself. */
const kind = ({ name }) => name.replace(/ with seed \d+$/, "");

export function drawMany() {
  $("many").hidden = room.campaigns.length < 2;
  if ($("many").hidden) return;
  const known = new Map(room.campaigns.map((campaign) => [campaign.number, campaign]));
  const kinds = [...new Set(room.campaigns.map(kind))];
  const colour = (name) => COLOURS[kinds.indexOf(name) % COLOURS.length];
  chart($("coverage"), {
    series: curves.map(({ number, coverage }) => ({
      x: coverage.map((_, step) => step + 1), y: coverage, colour: number === room.campaign ? css("--ink") : colour(kind(known.get(number))),
    })),
    zero: true, x: { label: "step (the campaign that is shown: in the colour of the text)" }, y: { label: "coverage" },
  });
  const items = kinds.map((name) => {
    const all = room.campaigns.filter((campaign) => kind(campaign) === name).length;
    const ends = curves.filter(({ number }) => kind(known.get(number)) === name).map(({ coverage }) => coverage.at(-1));
    const mean = ends.reduce((a, b) => a + b, 0) / ends.length;
    return { name, text: ends.length ? `${name}: ${figure(mean, 3)}${all > 1 ? `, mean of ${ends.length} of ${all}` : ""}` : `${name}: no step yet` };
  });
  const key = JSON.stringify(items);
  if ($("kinds").dataset.key === key) return;
  $("kinds").dataset.key = key;
  $("kinds").replaceChildren(...items.map(({ name, text }) => {
    const item = document.createElement("li");
    const mark = document.createElement("span");
    mark.className = "mark";
    mark.style.background = colour(name);
    item.append(mark, text);
    return item;
  }));
}

/** Asks how far all have come, again and again, while the page is looked at. */
export async function followMany() {
  if (room.campaigns.length < 2) return;
  for (;;) {
    if (!document.hidden && !room.closed) {
      try {
        const known = new Set(room.campaigns.map(({ number }) => number));
        curves = (await link.json("api/coverage")).campaigns.filter(({ number }) => known.has(number));
        drawMany();
      } catch { /* the connection says so itself */ }
    }
    await new Promise((go) => setTimeout(go, EVERY));
  }
}
