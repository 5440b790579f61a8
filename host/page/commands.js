// Commands: what a person may say now, in the words of `beacon ctl`, and how it is taken back.

import { $, link, room, say, story, touch } from "./room.js";

/** Time within which the same words again are one click too many, in ms. */
const TWICE = 700;
/** The command that waits for a name, and who waits for what becomes of it. */
let waiting = null;
/** The command that was given last. */
let last = { text: "", at: -Infinity };

/** Why a command cannot be given now; null when it can. */
export function objection(word) {
  if (story.now.begun?.replayed) return "this plays data that were acquired before: there is nothing to steer";
  if (room.role !== "control") return "this link watches; the other link controls";
  if (room.status === null) {
    return `no program runs this campaign: beacon resume ${room.folder}`;
  }
  if (word === "stop") return null;
  if (!room.connected) return "the connection is lost";
  if (room.view !== null) return "this is the past: go back to now";
  return null;
}

/** Why a pixel cannot be measured next; null when it can. */
export function unmeasurable(now, { row, column }) {
  const { facts: { wishes, next } } = now;
  const is = (at) => at && at[0] === row && at[1] === column;
  if (wishes?.some(is) || (next?.author === "person" && is(next.at))) return "it is measured next already";
  switch (now.standingAt(row, column)) {
    case "none": return "it is no candidate: its window leaves the image";
    case "exposing": return "it is under the beam";
    case "measured": return `it was measured: point ${now.pointAt(row, column).number}`;
    case "discarded": return "it was measured, and the point discarded: “Restore” lets it count again";
    case "excluded": return "it is excluded: include it first";
    case "left out": {
      const why = now.leftOut.get(`${row},${column}`);
      return why ? `it was left out: ${why}` : "it has no data";
    }
    default: return null;
  }
}

/** A command for people: a stroke of the brush is many rectangles, and an answer is to a proposal. */
export function brief(command, proposed) {
  const [word, ...rest] = command.split(" ");
  if (["accept", "reject"].includes(word) && !rest.length && proposed) return `${word} ${proposed.join(",")}`;
  return ["exclude", "include"].includes(word) && rest.length > 2
    ? `${word} ${rest.length} rectangles, the first ${rest[0]}` : command;
}

/** Gives a command, once a name is known; whether the campaign takes it. */
export async function give(...words) {
  const text = words.join(" "), at = performance.now();
  if (text === last.text && at - last.at < TWICE) return false;
  const why = objection(words[0]);
  if (why) { say(`Not sent: ${why}.`, true); return false; }
  const name = localStorage.getItem("beacon-name") ?? "";
  // Nothing stands between a person and the end of the beam, or of the measurement.
  if (!name && !["stop", "pause"].includes(words[0])) {
    const given = waiting && `“${brief(waiting.words.join(" "))}” was not sent. `;
    letGo();
    say(`${given ?? ""}“${brief(text)}” is not sent yet: say first who you are. Escape lets go of it.`, true);
    $("who").hidden = false;
    $("name").focus();
    return new Promise((done) => { waiting = { words, done }; });
  }
  last = { text, at };
  try {
    say(`${brief(text)}: ${await link.command(room.campaign, words, name)}`);
    return true;
  } catch (error) {
    const lost = words[0] === "stop"
      ? "NOT sent: the program cannot be reached. The beam may be on: blank it at the instrument"
      : "not sent: the program cannot be reached";
    say(`${brief(text)}: ${error.status ? error.message : lost}`, true);
    return false;
  }
}

$("who").addEventListener("submit", async (event) => {
  event.preventDefault();
  const name = $("name").value.trim();
  if (!name) return say("Not sent yet: the name is empty.", true);
  localStorage.setItem("beacon-name", name);
  $("who").hidden = true;
  const request = waiting;
  waiting = null;
  request?.done(await give(...request.words));
});

$("who").addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  say(`“${brief(waiting?.words.join(" ") ?? "")}” was not sent.`);
  letGo();
});

/** Forgets the command that waits for a name. */
export function letGo() {
  waiting?.done(false);
  waiting = null;
  $("who").hidden = true;
}

/** The words that let proposals wait, or not, as the settings say. */
function approval(on, timeOut) {
  if (!on) return ["approve", "off"];
  return timeOut ? ["approve", "on", "after", `${timeOut.seconds}s`, timeOut.then] : ["approve", "on"];
}

/** The limits that can be set and lifted: what is told of each, and the unit that its command needs. */
export const LIMITS = {
  "dose-limit": { fact: "dose_limit_electrons", unit: "" },
  "pixel-dose-limit": { fact: "pixel_limit_e_per_A2", unit: "" },
  "time-limit": { fact: "time_limit_seconds", unit: "s" },
};

const words = ([top, bottom, left, right]) => `${top}..${bottom},${left}..${right}`;

/** The words that take a command back, where it still holds and one does. */
export function back({ event, command, before, standings }) {
  if (event !== "Commanded") return null;
  const now = story.now, { facts } = now;
  const [word, ...rest] = command.split(" ");
  const value = rest.join(" ");
  const at = /^\d+,\d+$/.test(value) ? value.split(",").map(Number) : null;
  const stands = (state) => at && now.standingAt(at[0], at[1]) === state;
  const former = (name) => {
    const [was, is] = [before[name], facts[name]];
    const holds = value === String(is) || Number(value) === Number(is);
    return holds && was !== null && was !== undefined && was !== is ? [word, String(was)] : null;
  };
  // Exactly what this command excluded, or included, and what of it nobody has changed since.
  const turned = (from, back) => {
    const regions = (standings ?? []).filter(([name]) => name === from).map(([, region]) => region);
    const still = regions.filter((region) => now.anyIn(region, from));
    return still.length ? [back, ...still.slice(0, 400).map(words)] : null;
  };
  switch (word) {
    case "exclude": case "reject": return turned("excluded", "include");
    case "include": return turned("free", "exclude");
    case "measure": case "suggest": {
      const wanted = [...(facts.wishes ?? []), facts.next?.author === "person" ? facts.next.at : null];
      return at && wanted.some((one) => one && one[0] === at[0] && one[1] === at[1]) ? ["withdraw", at.join(",")] : null;
    }
    case "discard": return stands("discarded") ? ["restore", value] : null;
    case "restore": return stands("measured") ? ["discard", value] : null;
    case "pause": return facts.paused ? ["resume"] : null;
    case "approve": {
      const was = approval(before.approval, before.time_out);
      const is = approval(facts.approval, facts.time_out);
      return is.join(" ") === command && was.join(" ") !== command ? was : null;
    }
    case "strategy": return former("strategy");
    case "target": return former("target");
    case "budget": return former("budget");
    case "dwell": {
      // With its unit: without one, a time far above the present one is refused.
      const was = former("dwell_seconds");
      return was && [was[0], `${was[1]}s`];
    }
    case "dose-limit": case "pixel-dose-limit": case "time-limit": {
      const { fact, unit } = LIMITS[word];
      const [was, is] = [before[fact] ?? null, facts[fact] ?? null];
      const holds = value === "none" ? is === null : Number.parseFloat(value) === is;
      return holds && was !== is ? [word, was === null ? "none" : `${was}${unit}`] : null;
    }
    default: return null;
  }
}

/** A button that gives a command, or says why it cannot. */
export function able(button, word, why = objection(word)) {
  button.setAttribute("aria-disabled", String(Boolean(why)));
  button.title = why ?? "";
}

$("stop").addEventListener("click", () => give("stop", "now"));
$("pause").addEventListener("click", () => give(paused() ? "resume" : "pause"));
// The pixel that is shown: another proposal may wait by the time that the word arrives.
for (const word of ["accept", "reject"]) $(word).addEventListener("click", () => give(word, $("proposal").dataset.at));
/** What the fields say of proposals. */
function asked() {
  const then = $("approve-then").value;
  const seconds = $("approve-after").value.trim();
  return then === "wait" ? ["approve", "on"] : ["approve", "on", "after", seconds, then];
}
$("approve").addEventListener("change", () => {
  give(...($("approve").checked ? asked() : ["approve", "off"]));
  // It shows what holds, which the campaign tells.
  touch();
});
$("approve-then").addEventListener("change", () => { $("approve-then").dataset.touched = "yes"; touch(); });
$("time-out").addEventListener("input", (event) => { event.target.dataset.touched = "yes"; });
$("time-out").addEventListener("submit", async (event) => {
  event.preventDefault();
  // What was refused stays, to be mended.
  if (!await give(...asked())) return;
  for (const field of [$("approve-then"), $("approve-after")]) field.dataset.touched = "";
});
for (const word of ["measure", "discard", "restore"]) $(word).addEventListener("click", () => act(word, room.chosen));
for (const form of document.querySelectorAll("form[data-word]")) {
  form.querySelector(".none")?.addEventListener("click", () => give(form.dataset.word, "none"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const field = form.elements.value, typed = field.value, value = typed.trim();
    if (!value) say(`${form.dataset.word}: nothing was typed.`, true);
    else if (!await give(form.dataset.word, value) || field.value !== typed) return;
    field.dataset.touched = "";
    if (form.dataset.word === "note") field.value = "";
  });
  form.addEventListener("input", (event) => { event.target.dataset.touched = "yes"; });
}

export const paused = () => Boolean(story.now.facts.paused) || /pausing/.test(room.status?.state ?? "");

export function act(word, at) {
  if (!at) return;
  const why = word === "measure" && !objection(word) ? unmeasurable(story.now, at) : null;
  if (why) { say(`Not sent: row ${at.row}, column ${at.column} cannot be measured next, ${why}.`, true); return; }
  const waits = word === "measure" && story.now.facts.next?.waits;
  give(waits ? "suggest" : word, `${at.row},${at.column}`);
}
