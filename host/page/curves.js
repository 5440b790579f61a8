// Responses beside their predictions, and the curves over points.

import { chart, css } from "./chart.js";
import { $, room, shapes, shapesSaid, sought } from "./room.js";

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

export function drawResponse(now) {
  const points = now.points, target = now.target;
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
      ...measured(now, ({ responses }) => responses[target] ?? null),
    ],
    marks: marks(now),
    x: { label: "point (filled: measured; hollow: predicted before, ± 2 σ)", range: [0.5, Math.max(budget, points.length) + 0.5] },
    y: { label: `${sought(now)}${now.facts.units ? `, ${now.facts.units}` : ""}` },
  });
  $("shapes-note").textContent = shapesSaid(now);
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
  const former = points.filter((point) => point.predicted).length - known.length;
  const within = scores.filter((z) => Math.abs(z) <= 2).length;
  $("calibration-note").textContent = scores.length
    ? `z = (measured − predicted) / σ, without the noise of the measurement: ${within} of ${scores.length} within ± 2`
    : former ? `no prediction of this target yet: ${former} earlier ones were of another`
    : "no prediction yet: the first points come before a model";
}

/** Named curves, each on a small chart. */
export function drawCurves(now) {
  const { target } = now;
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
  // Of a campaign with several numbers of a spectrum, those that are not sought and that some point has.
  (now.facts.scalarizers ?? []).forEach((name, index) => {
    if (index === target || !now.points.some(({ responses }) => Number.isFinite(responses[index]))) return;
    curves.push([name, measured(now, ({ responses }) => responses[index] ?? null)]);
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
