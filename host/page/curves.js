// Responses beside their predictions, and the curves over points.

import { chart, css } from "./chart.js";
import { $, called, predicted, room, shapes, shapesSaid, target, targets } from "./room.js";

/** The figures that the campaign works out, as curves. */
function figures(now) {
  const { series, seeds } = room.figures ?? {};
  if (!series) return [];
  const shown = Math.max(0, now.points.length - seeds);
  const curve = (name, colour) => {
    const y = (series[name] ?? []).slice(0, shown);
    return { x: y.map((_, index) => seeds + 1 + index), y, colour: css(colour) };
  };
  const isKnown = (name) => series[name]?.some((value) => value !== null);
  const known = (names) => names.filter(([name]) => isKnown(name)).map(([name, colour]) => curve(name, colour));
  const coverage = known([
    ["observed_coverage", "--line-a"], ["patch_coverage", "--line-b"], ["latent_coverage", "--line-c"], ["target_coverage", "--line-d"], ["response_cluster_coverage", "--ink"],
  ]);
  const all = targets(now), named = ({ name }) => (all.length > 1 ? `, ${name}` : "");
  const first = all.length ? named(all[0]) : "";
  const errors = all.flatMap(({ name, units }, at) => {
    const of = named({ name }), key = (error) => (at ? `${error}:${name}` : error);
    return [
      [`Mean absolute error against the truth${of}${units ? `, ${units}` : ""}`, known([[key("mae"), "--line-a"]])],
      [`NLPD of the truth${of}, nats`, known([[key("nlpd"), "--line-a"]])],
    ];
  });
  const covered = [
    ["observed_coverage", "responses (blue)"], ["patch_coverage", "patches (orange)"], ["latent_coverage", "latent (green)"],
    ["target_coverage", "target space (pink)"], ["response_cluster_coverage", "clusters of responses (as this text)"],
  ].filter(([name]) => isKnown(name)).map(([, said]) => said).join(", ");
  return [
    [`Coverage: of ${covered}`, coverage],
    ...errors,
    [`Predicted mean over all candidates${first}`, known([["surrogate_mean", "--line-a"]])],
    [`Predicted deviation (blue), noise (orange)${first}`, known([["surrogate_sigma", "--line-a"], ["noise_sigma", "--line-b"]])],
  ].filter(([, series]) => series.length);
}

/** Numbers of all points, as a series for each dwell. */
function measured(now, y) {
  return [...shapes(now)].map(([dwell, shape]) => {
    const points = now.points.filter((point) => point.dwell === dwell);
    return { as: "points", shape, colour: css("--line-a"), x: points.map((point) => point.number), y: points.map(y) };
  });
}

/** Where commands took effect, for charts over points: the last ones first. Proposals that were accepted have no label. */
function marks(now, labels = true) {
  const at = new Map();
  for (const { event, command, after } of now.commands) {
    const [word] = command.split(" ");
    if (event === "Commanded") at.set(after, [...(at.get(after) ?? []), word]);
  }
  return [...at].reverse().map(([after, words]) => {
    const [first, ...others] = words.filter((word) => word !== "accept");
    const label = labels && first ? `${first}${others.length ? ` +${others.length}` : ""}` : null;
    return { at: after + 0.5, label, colour: first ? undefined : css("--rule") };
  });
}

/** What was predicted before each point of the target that is looked at, and came of it. */
function expected(now) {
  const { index } = target(now);
  const known = now.points.filter((point) => predicted(now, point) && point.revision === now.facts.revision);
  return known.map((point) => {
    const [mean, sigma] = predicted(now, point);
    return { number: point.number, mean, sigma, response: point.responses[index] };
  });
}

export function drawResponse(now) {
  const { points } = now, { name, units, index } = target(now);
  const known = expected(now);
  const budget = now.facts.budget ?? points.length;
  chart($("response"), {
    series: [
      {
        as: "points", hollow: true, size: 3, colour: css("--line-b"), x: known.map(({ number }) => number),
        y: known.map(({ mean }) => mean),
        low: known.map(({ mean, sigma }) => mean - 2 * sigma),
        high: known.map(({ mean, sigma }) => mean + 2 * sigma),
      },
      ...measured(now, ({ responses }) => responses[index] ?? null),
    ],
    marks: marks(now),
    x: { label: "point (filled: measured; hollow: predicted before, ± 2 σ)", range: [0.5, Math.max(budget, points.length) + 0.5] },
    y: { label: `${name}${units ? `, ${units}` : ""}` },
  });
  $("shapes-note").textContent = shapesSaid(now);
  const scores = known.map(({ mean, sigma, response }) => (response - mean) / sigma);
  chart($("calibration"), {
    series: [{
      as: "bars", colour: css("--line-a"), x: known.map(({ number }) => number),
      y: scores.map((z) => Math.max(-4, Math.min(4, z))),
      colours: scores.map((z) => css(Math.abs(z) > 2 ? "--line-b" : "--line-a")),
    }],
    marks: marks(now, false), small: true,
    x: { range: [0.5, Math.max(budget, points.length) + 0.5] }, y: { range: [-4, 4] },
  });
  const former = points.filter((point) => point.predicted).length - known.length;
  const within = scores.filter((z) => Math.abs(z) <= 2).length;
  $("calibration-note").textContent = scores.length
    ? `z = (measured − predicted) / σ, without the noise of the measurement: ${within} of ${scores.length} within ± 2`
    : former ? `no prediction of this target yet: ${former} earlier ones were of another`
    : "no prediction yet: the first points come before a model";
}

/** Named curves, each on a small chart. */
export function drawCurves(now) {
  const points = now.points.map((point) => point.number), known = expected(now);
  let sum = 0;
  const errors = known.map(({ mean, response }, index) => {
    sum += Math.abs(response - mean);
    return sum / (index + 1);
  });
  const curves = [
    ["One-step-ahead error, mean so far", [{ x: known.map(({ number }) => number), y: errors, colour: css("--line-a") }]],
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
  // Of a campaign with several numbers of a spectrum, those that are not in the chart above and that some point has.
  (now.facts.scalarizers ?? []).forEach((scalarizer, index) => {
    const known = now.points.some(({ responses }) => Number.isFinite(responses[index]));
    if (index === target(now).index || !known) return;
    curves.push([called(now, scalarizer), measured(now, ({ responses }) => responses[index] ?? null)]);
  });
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
