// The state in words: figures, lists, and what waits for a person.

import { LIMITS, able, back, brief, give, objection, paused } from "./commands.js";
import { figure } from "./chart.js";
import { $, clock, room, sought, span, story, target } from "./room.js";

export function facts(now) {
  const it = now.facts;
  const share = (part, of) => (of ? `, ${figure(100 * part / of, 2)} % of the limit, ${figure(Math.max(0, of - part), 5)} left` : "");
  const electrons = (value) => `${figure(value, 4)} e⁻`;
  const rows = [
    ["Points", `${now.points.length} of ${it.budget ?? "–"}${it.seeding ? ", the first ones" : `, ${it.seeds ?? 0} to start from`}`],
    ["Strategy", it.strategy], targets(now),
    ...(it.approval ? [["Proposals", it.time_out
      ? `wait ${span(it.time_out.seconds)} for a person, then ${it.time_out.then === "go" ? "are measured" : "the campaign pauses"}` : "wait for a person"]] : []),
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
  if (!it.ended && (room.status !== null || now.begun?.replayed)) rows.push(["Time left", timeLeft(now, elapsed)]);
  if (it.failures) rows.push(["Failures", `${it.failures}, the last: ${lastFailure(now.failures.at(-1))}`]);
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

/** The row of what is sought, and which of several maps and charts are of. */
function targets(now) {
  const all = now.facts.targets ?? [];
  return all.length > 1 ? ["Targets", `${sought(now)}; maps and charts show ${target(now).name}`] : ["Target", sought(now)];
}

/** What failed, and since when it answers again. */
function lastFailure(failure) {
  if (!failure) return "";
  return `${failure.why}${failure.over ? `; it answers again since ${clock(failure.over)}` : ""}`;
}

/** The time left at the pace of the last points that are like those to come. */
function timeLeft({ facts: it, points, steps }, elapsed) {
  const alike = steps.filter(({ dwell, waited }) => dwell === it.dwell_seconds && Boolean(waited) === Boolean(it.approval));
  // The median: a pause, or a person who was away once, is no pace.
  const recent = alike.slice(-20).map((step) => step.all).sort((a, b) => a - b);
  const count = Math.max(0, (it.budget ?? 0) - points.length);
  const limit = it.time_limit_seconds ? it.time_limit_seconds - elapsed : Infinity;
  const waits = it.paused ? "paused: " : it.next?.waits ? "waits for a person: " : "";
  if (recent.length < 2) {
    const pace = it.approval ? "as long as people take to answer" : "not known yet";
    return `${waits}${count} points, ${pace}${limit < Infinity ? `, ${span(limit)} at most` : ""}`;
  }
  const each = recent[recent.length >> 1];
  return `${waits}${span(Math.min(count * each, limit))}, ${span(each)} a point${it.approval ? ", answers included" : ""}`;
}

export function proposal(now) {
  const next = now.facts.next;
  const waits = Boolean(next?.waits) && !now.facts.ended;
  $("proposal").hidden = !waits;
  if (!waits) return;
  const predicted = next.predicted ? `: ${figure(next.predicted[0])} ± ${figure(next.predicted[1], 2)} ${now.facts.units ?? ""} expected` : "";
  $("proposal").dataset.at = next.at.join(",");
  $("proposal-text").textContent = `The proposal of row ${next.at[0]}, column ${next.at[1]} waits${predicted}.`;
  countDown();
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
    case "Foreseen": return `of the further targets expected: ${message.predicted.map(([mean, sigma]) => `${figure(mean)} ± ${figure(sigma, 2)}`).join("; ")}`;
    case "Exposing": return `exposing${at}`;
    case "NotExposed": return `not exposed: ${message.why}`;
    case "Measured": return message.point ? `measured${at}` : `measured${at}, of no use`;
    case "LeftOut": return `left out${at}: ${message.why}`;
    case "GivenUp": return `given up by a person: ${message.why}`;
    case "Failed": return `the instrument failed: ${message.why}`;
    case "Trained": return `trained on ${message.points} points in ${span(message.seconds)}`;
    case "Commanded": return `${message.by || "somebody"}: ${brief(message.command)}`;
    case "Refused": return `${message.by || "somebody"}: ${brief(message.command)}, refused: ${message.why}`;
    case "Reduced": return `all points reduced by ${message.scalarizer}`;
    case "Components": return `${message.target} learnt from ${message.spectra} spectra: all points have other numbers`;
    case "Ended": return `ended: ${message.why}`;
    default: return message.event;
  }
}

function lines(list, items) {
  const key = JSON.stringify(items);
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

/** Commands that were answered and that the campaign takes once it can, each with its author. */
const pending = () => (room.view === null ? room.status?.commands ?? [] : [])
  .map((text) => /^(?<command>.*?)(?: \((?<by>.*)\))?$/s.exec(text).groups);

export function history(now) {
  const waiting = pending().map(({ command, by }) => `${by || "somebody"}: ${brief(command)}`).join("; ");
  $("pending").textContent = waiting ? `Taken after the point under way: ${waiting}.` : "";
  const items = now.commands.toReversed().map((given) => ({
    time: clock(given.given_ms),
    text: `${given.by || "somebody"}: ${brief(given.command, given.before.next?.at)} after ${given.after} points${given.why ? `, refused: ${given.why}` : ""}`,
    refused: given.event === "Refused", undo: room.role === "control" && !now.facts.ended ? back(given) : null,
  }));
  lines($("history"), items.length ? items : [{ time: "", text: "nobody has said anything yet" }]);
  const latest = now.latest.slice(-40).toReversed();
  lines($("latest"), latest.map((message) => ({ time: clock(message.at_ms), text: told(message) })));
}

/** How long the proposal still waits. */
function countDown() {
  const { facts: { next, time_out: timeOut, paused }, waitsSince } = story.now;
  const then = timeOut?.then === "go" ? "It is measured" : "The campaign pauses";
  const left = timeOut ? Math.max(0, timeOut.seconds - (Date.now() - room.offset - waitsSince) / 1000) : 0;
  const text = timeOut && next?.waits && !paused ? `${then} in ${left < 10 ? left.toFixed(0) + " s" : span(left)} without an answer.` : "";
  if ($("time-left").textContent !== text) $("time-left").textContent = text;
}

export function settings(now) {
  $("steer").hidden = Boolean(now.begun?.replayed);
  const fill = (id, value) => {
    const field = $(id);
    if (!field.dataset.touched && document.activeElement !== field) field.value = value ?? "";
  };
  fill("strategy", now.facts.strategy);
  fill("budget", now.facts.budget);
  for (const [word, { fact, unit }] of Object.entries(LIMITS)) {
    const limit = now.facts[fact];
    fill(word, limit && (unit ? `${limit}${unit}` : limit.toExponential().replace("+", "")));
    $(word).form.querySelector(".none").hidden = !limit;
  }
  fill("dwell", now.facts.dwell_seconds);
  // What was answered holds from the next point on.
  const asked = pending().findLast(({ command }) => command.startsWith("approve"));
  $("approve").checked = asked ? asked.command !== "approve off" : Boolean(now.facts.approval);
  fill("approve-then", now.facts.time_out?.then ?? "wait");
  if (now.facts.time_out) fill("approve-after", `${now.facts.time_out.seconds}s`);
  $("approve-after-label").hidden = $("approve-then").value === "wait";
  const why = objection("strategy");
  for (const button of document.querySelectorAll("form[data-word] button, #time-out button")) able(button, "strategy");
  $("steer-note").textContent = why ? `Not now: ${why}.` : "";
}

export function head() {
  const now = story.now, running = room.status;
  let state = "connecting";
  if (room.problem) state = room.problem;
  else if (running) state = running.state;
  else if (now.facts.ended) state = `ended: ${now.facts.ended}`;
  else if (running === null) state = now.last ? "no program runs this campaign" : "the campaign has not begun";
  if (running === null && now.begun?.replayed && !now.facts.ended) state = "playing data acquired before";
  if (room.closed) state = `${now.facts.ended ? `ended: ${now.facts.ended}` : state}. ${farewell(now)}`;
  else if (!room.connected) state = `${room.why}; trying again (last known: ${state})`;
  if ($("state").textContent !== state) $("state").textContent = state;
  $("pause").textContent = paused() ? "Resume" : "Pause";
  title(now);
  able($("stop"), "stop");
  able($("pause"), "pause");
  const unblanked = running?.blanked === false
    ? `The beam COULD NOT BE BLANKED since ${clock(running.blanked_since_ms)}: look after it.` : null;
  const alarm = unblanked ?? (now.facts.failed && now.facts.ended ? now.facts.ended : null);
  $("alarm").hidden = !alarm;
  if (alarm && $("alarm").textContent !== alarm) $("alarm").textContent = alarm;
  age();
}

/** The name of the browser's tab: what waits for a person is seen there. */
function title({ facts: { next, paused, ended } }) {
  const waits = ended ? "ended" : paused ? "paused" : next?.waits ? "waits for you" : null;
  const text = `${waits ? `${waits}: ` : ""}${room.title} – BEACON`;
  if (document.title !== text) document.title = text;
}

/** What becomes of a page whose program is over. */
function farewell(now) {
  return now.begun?.replayed
    ? "The program is over; what it showed stays here until this page is closed."
    : `The program is over; what it showed stays here, and beacon page ${room.folder} shows all of it again at this link.`;
}

export function age() {
  countDown();
  const last = story.now.last;
  const seconds = last ? Math.max(0, (Date.now() - room.offset - last.at_ms) / 1000) : null;
  const beam = room.status?.blanked ? `, beam blanked since ${clock(room.status.blanked_since_ms)}` : "";
  $("age").textContent = last ? `last event ${span(seconds)} ago${beam}` : "";
}
