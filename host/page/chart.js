// Charts on a canvas: lines, points with bars, bands, and marks where commands took effect.

export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Brings a canvas to the size that it has on the screen; returns its context, width and height. */
export function prepare(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  const to = canvas.getContext("2d");
  to.setTransform(ratio, 0, 0, ratio, 0, 0);
  to.clearRect(0, 0, width, height);
  return { to, width, height };
}

/** About `count` round numbers between two. */
export function ticks(low, high, count) {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((of) => of * power).find((step) => step >= rough);
  const all = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + 1e-9 * span; n++) all.push(n * step);
  return all;
}

/** Numbers beside an axis: with as many figures as tell them apart. */
function figuresOf(all) {
  let figures = 3;
  while (figures < 12 && new Set(all.map((value) => figure(value, figures))).size < all.length) figures += 1;
  return figures;
}

/** A number for people: four figures, no exponent where it can be helped. */
export function figure(value, figures = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-3)) {
    const [digits, power] = value.toExponential(Math.max(0, figures - 3)).split("e");
    return `${digits}e${Number(power)}`;
  }
  return String(Number(value.toPrecision(figures)));
}

const extent = (values) => {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value === null || !Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
};

/** Height of a row of labels, in pixels. */
const ROW = 13;

/**
 * Writes labels of marks into rows below the upper edge, so that none lies on another. Marks come the most
 * important first; returns those that no row had room for.
 */
function name(to, marks, px, box, paper, ink) {
  const rows = Array.from({ length: Math.max(1, Math.floor(0.5 * (box.bottom - box.top) / ROW)) }, () => []);
  to.textAlign = "left";
  to.textBaseline = "top";
  return marks.filter(({ label, at }) => {
    if (!label || at < box.from || at > box.until) return false;
    const width = to.measureText(label).width + 4;
    const left = px(at) + 1 + width > box.right ? px(at) - 1 - width : px(at) + 1;
    const row = rows.findIndex((taken) => taken.every(([from, until]) => left >= until + 2 || left + width + 2 <= from));
    if (row < 0) return true;
    rows[row].push([left, left + width]);
    to.fillStyle = paper;
    to.fillRect(left, box.top + 1 + row * ROW, width, ROW);
    to.fillStyle = ink;
    to.fillText(label, left + 2, box.top + 2 + row * ROW);
    return false;
  });
}

/** Shapes that points of one chart or map are told apart by, each with its sign in a text. */
export const SHAPES = [["disc", "●"], ["square", "■"], ["triangle", "▲"], ["diamond", "◆"]];

/** The path of a point of a shape, of about one area. */
export function outline(to, shape, x, y, size) {
  const corners = {
    square: [[-1, -1], [1, -1], [1, 1], [-1, 1]], triangle: [[0, -1.35], [1.25, 0.9], [-1.25, 0.9]],
    diamond: [[0, -1.4], [1.2, 0], [0, 1.4], [-1.2, 0]],
  }[shape];
  to.beginPath();
  if (!corners) { to.arc(x, y, size, 0, 7); return; }
  corners.forEach(([across, down], index) => to[index ? "lineTo" : "moveTo"](x + 0.9 * size * across, y + 0.9 * size * down));
  to.closePath();
}

/**
 * Draws series over a common axis. A series has `x`, `y`, a `colour`, and what it is drawn as: `line`,
 * `points` (with a `shape`; with `low` and `high`: bars), `steps`. Marks come the most important first. Returns
 * how pixels become numbers on the x axis, and the marks whose labels had no room.
 */
export function chart(canvas, { series, marks = [], x, y, zero = false, windows = null, small = false, from = null }) {
  const { to, width, height } = prepare(canvas);
  const ys = series.flatMap((one) => [extent(one.y), one.low && extent(one.low), one.high && extent(one.high)].filter(Boolean).flat());
  const xs = series.map((one) => extent(one.x)).filter(Boolean).flat();
  let [low, high] = y?.range ?? (ys.length ? [Math.min(...ys), Math.max(...ys)] : [0, 1]);
  if (zero) low = Math.min(0, low);
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const margin = y?.range ? 0 : 0.06 * (high - low);
  [low, high] = [zero && low === 0 ? 0 : low - margin, high + margin];
  let [left, right] = x?.range ?? (xs.length ? [Math.min(...xs), Math.max(...xs)] : [0, 1]);
  if (from !== null) left = from;
  if (left === right) right = left + 1;
  const box = { left: small ? 44 : 64, right: width - 8, top: 8, bottom: height - (small ? 18 : 34) };
  const px = (value) => box.left + (value - left) / (right - left) * (box.right - box.left);
  const py = (value) => box.bottom - (value - low) / (high - low) * (box.bottom - box.top);
  const [ink, dim, rule] = [css("--ink"), css("--dim"), css("--rule")];
  to.font = `${small ? 10 : 12}px system-ui, sans-serif`;
  to.lineWidth = 1;
  to.textBaseline = "middle";
  to.textAlign = "right";
  const across = ticks(low, high, (box.bottom - box.top) / 45), figures = figuresOf(across);
  for (const tick of across) {
    to.strokeStyle = rule;
    to.beginPath(); to.moveTo(box.left, py(tick)); to.lineTo(box.right, py(tick)); to.stroke();
    to.fillStyle = dim;
    to.fillText(figure(tick, figures), box.left - 5, py(tick));
  }
  to.textAlign = "center";
  to.textBaseline = "top";
  for (const tick of ticks(left, right, (box.right - box.left) / 80)) {
    to.fillStyle = dim;
    // The last number may reach beyond the axis, and not beyond the canvas.
    const label = figure(tick), half = to.measureText(label).width / 2;
    to.fillText(label, Math.min(px(tick), width - half - 1), box.bottom + 4);
  }
  if (!small) {
    to.fillStyle = ink;
    const middle = (box.left + box.right) / 2;
    to.fillText(x?.label ?? "", middle, box.bottom + 19, 2 * (width - middle));
    to.save();
    to.translate(4, (box.top + box.bottom) / 2);
    to.rotate(-Math.PI / 2);
    to.fillText(y?.label ?? "", 0, 0, box.bottom - box.top + 30);
    to.restore();
  }
  to.save();
  to.beginPath(); to.rect(box.left, box.top - 4, box.right - box.left + 4, box.bottom - box.top + 8); to.clip();
  // What is sought, over where its background is measured.
  for (const [part, colour, alpha] of [["background", "--dim", 0.2], ["signal", "--accent", 0.22]]) {
    for (const [from, until] of windows?.[part] ?? []) {
      to.fillStyle = css(colour);
      to.globalAlpha = alpha;
      to.fillRect(px(from), box.top, Math.max(1, px(until) - px(from)), box.bottom - box.top);
      to.globalAlpha = 1;
    }
  }
  for (const mark of marks) {
    to.strokeStyle = mark.colour ?? dim;
    to.setLineDash([3, 3]);
    to.beginPath(); to.moveTo(px(mark.at), box.top); to.lineTo(px(mark.at), box.bottom); to.stroke();
    to.setLineDash([]);
  }
  const unnamed = small ? [] : name(to, marks, px, { ...box, from: left, until: right }, css("--panel"), dim);
  for (const one of series) draw(to, one, px, py, low);
  to.restore();
  to.strokeStyle = dim;
  to.strokeRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
  return { value: (pixel) => left + (pixel - box.left) / (box.right - box.left) * (right - left), range: [left, right], unnamed };
}

function draw(to, one, px, py, low) {
  to.strokeStyle = to.fillStyle = one.colour;
  if (one.as === "points") {
    one.x.forEach((x, index) => {
      const y = one.y[index];
      if (y === null || !Number.isFinite(y)) return;
      if (one.low) {
        to.globalAlpha = 0.55;
        to.beginPath(); to.moveTo(px(x), py(one.low[index])); to.lineTo(px(x), py(one.high[index])); to.stroke();
        to.globalAlpha = 1;
      }
      outline(to, one.shape, px(x), py(y), one.size ?? 2.5);
      if (one.hollow) to.stroke(); else to.fill();
    });
    return;
  }
  if (one.as === "bars") {
    one.x.forEach((x, index) => {
      const y = one.y[index];
      if (y === null || !Number.isFinite(y)) return;
      to.fillStyle = one.colours?.[index] ?? one.colour;
      const [a, b] = [py(Math.max(low, 0)), py(y)];
      to.fillRect(px(x) - 1.2, Math.min(a, b), 2.4, Math.max(1, Math.abs(a - b)));
    });
    return;
  }
  to.lineWidth = 1.5;
  to.beginPath();
  let drawing = false;
  one.x.forEach((x, index) => {
    const y = one.y[index];
    if (y === null || !Number.isFinite(y)) { drawing = false; return; }
    if (drawing) to.lineTo(px(x), py(y)); else to.moveTo(px(x), py(y));
    drawing = true;
  });
  to.stroke();
  to.lineWidth = 1;
}
