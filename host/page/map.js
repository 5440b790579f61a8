// Maps: a raster with what happened on it, and from the pointer to a pixel.

import { css, figure, outline, prepare } from "./chart.js";

// Viridis, every eighth of it.
const VIRIDIS = ["440154", "46327e", "365c8d", "277f8e", "1fa187", "4ac16d", "a0da39", "fde725", "fde725"].map(
  (hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));

export function viridis(share) {
  const at = Math.max(0, Math.min(1, share)) * 7, low = Math.floor(at), part = at - low;
  return VIRIDIS[low].map((value, channel) => Math.round(value + part * (VIRIDIS[low + 1][channel] - value)));
}

const STOPS = { viridis: VIRIDIS.slice(0, 8).map((rgb) => `rgb(${rgb})`).join(", "), gray: "#000, #fff" };

/** A bar of colours between the numbers that they stand for, with units and a name. */
export function colourBar(colours, [low, high], units, name = "") {
  const bar = document.createElement("span");
  const [from, strip, until] = ["span", "span", "span"].map((tag) => document.createElement(tag));
  bar.className = "scale";
  strip.className = "strip-of-colours";
  strip.style.background = `linear-gradient(to right, ${STOPS[colours]})`;
  from.textContent = `${name ? `${name}: ` : ""}${figure(low, 3)} `;
  until.textContent = `${figure(high, 3)}${units ? ` ${units}` : ""} `;
  bar.append(from, strip, until);
  return bar;
}

const gray = (share) => { const level = Math.round(255 * share); return [level, level, level]; };

/** Lowest and highest finite number; `trim` leaves out so large a share at both ends. */
export function range(values, trim = 0) {
  const known = Array.from(values).filter((value) => value !== null && Number.isFinite(value));
  if (!known.length) return [0, 1];
  known.sort((a, b) => a - b);
  const at = (share) => known[Math.round(share * (known.length - 1))];
  const [low, high] = [at(trim), at(1 - trim)];
  return low < high ? [low, high] : [low, low + 1];
}

/** A raster as an image of its own size. */
function painted(values, [height, width], colours, [low, high]) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  values.forEach((value, index) => {
    const known = Number.isFinite(value);
    const colour = known ? colours(Math.max(0, Math.min(1, (value - low) / (high - low)))) : [128, 128, 128];
    image.data.set([...colour, known ? 255 : 60], 4 * index);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

export class MapView {
  constructor(canvas) { this.canvas = canvas; }

  /** Shows a raster of rows × columns. */
  raster(values, size, colours = "viridis") {
    if (this.values === values) return;
    this.values = values;
    this.size = size;
    this.range = range(values, colours === "gray" ? 0.002 : 0);
    this.image = painted(values, size, colours === "gray" ? gray : viridis, this.range);
    this.canvas.style.aspectRatio = `${size[1]} / ${size[0]}`;
  }

  /** The pixel of the image under the pointer. */
  pixel(event) {
    if (!this.size) return null;
    const box = this.canvas.getBoundingClientRect();
    const share = (value, from, length, count) =>
      Math.max(0, Math.min(count - 1, Math.floor((value - from) / length * count)));
    return {
      row: share(event.clientY, box.top, box.height, this.size[0]),
      column: share(event.clientX, box.left, box.width, this.size[1]),
    };
  }

  /** Draws the raster and what is over it: all that happened, with `points`, or what is left to measure. */
  draw({ snapshot = null, colours = null, shapes = null, cursor = null, chosen = null, drag = null, points = false } = {}) {
    if (!this.image) return;
    const { to, width, height } = prepare(this.canvas);
    to.imageSmoothingEnabled = false;
    to.drawImage(this.image, 0, 0, width, height);
    const scale = width / this.size[1];
    const middle = ({ row, column }) => [(column + 0.5) * scale, (row + 0.5) * scale];
    if (points && snapshot?.overview) this.happened(to, scale, middle, snapshot, colours, shapes);
    else if (snapshot?.overview) { hatch(to, scale, snapshot); rings(to, scale, middle, snapshot); }
    const frame = ([top, bottom, left, right], colour, dash) => {
      to.setLineDash(dash);
      to.strokeStyle = "#000"; to.lineWidth = 3;
      to.strokeRect(left * scale, top * scale, (right - left) * scale, (bottom - top) * scale);
      to.strokeStyle = colour; to.lineWidth = 1.5;
      to.strokeRect(left * scale, top * scale, (right - left) * scale, (bottom - top) * scale);
      to.setLineDash([]);
    };
    if (drag?.cells) {
      to.fillStyle = drag.include ? "rgba(127,224,192,.55)" : "rgba(255,176,0,.55)";
      for (const [top, bottom, left, right] of covering(drag.cells, this.size)) {
        to.fillRect(left * scale, top * scale, (right - left) * scale, (bottom - top) * scale);
      }
    } else if (drag) frame(drag.region, drag.include ? "#7fe0c0" : "#ffb000", []);
    if (chosen) frame([chosen.row, chosen.row + 1, chosen.column, chosen.column + 1], "#fff", []);
    if (cursor) {
      const [x, y] = middle(cursor);
      to.lineWidth = 3; to.strokeStyle = "#000"; cross(to, x, y, 9);
      to.lineWidth = 1.2; to.strokeStyle = "#fff"; cross(to, x, y, 9);
    }
  }

  happened(to, scale, middle, snapshot, colours, shapes) {
    const [top, bottom, left, right] = snapshot.overview.candidates.region ?? [0, 0, 0, 0];
    to.strokeStyle = "#fff"; to.lineWidth = 1; to.setLineDash([4, 3]);
    to.strokeRect(left * scale, top * scale, (right - left) * scale, (bottom - top) * scale);
    to.setLineDash([]);
    hatch(to, scale, snapshot);
    const size = radius(scale);
    // The way of the last points.
    const recent = snapshot.points.slice(-12);
    to.strokeStyle = "rgba(255,255,255,.6)";
    to.beginPath();
    recent.forEach((point, index) => to[index ? "lineTo" : "moveTo"](...middle(point)));
    to.stroke();
    for (const point of snapshot.points) {
      const [x, y] = middle(point);
      const state = snapshot.standingAt(point.row, point.column);
      if (state === "discarded") {
        to.lineWidth = 3; to.strokeStyle = "#000"; slash(to, x, y, size);
        to.lineWidth = 1.5; to.strokeStyle = "#ffb000"; slash(to, x, y, size);
        continue;
      }
      to.fillStyle = colours ? `rgb(${colours(point)})` : css("--line-a");
      to.strokeStyle = point.author === "person" ? "#ffb000" : "#fff";
      to.lineWidth = point.author === "person" ? 2 : 1;
      outline(to, shapes?.get(point.dwell), x, y, size);
      to.fill(); to.stroke();
    }
    rings(to, scale, middle, snapshot);
  }
}

/** The radius of a point. */
const radius = (scale) => Math.max(2.5, Math.min(6, scale * 0.6));

/** Rings around what people want, what is next, and what is under the beam. */
function rings(to, scale, middle, { facts }) {
  const size = radius(scale);
  const ring = (at, colour, radius) => {
    const [x, y] = middle({ row: at[0], column: at[1] });
    to.lineWidth = 4; to.strokeStyle = "#000";
    to.beginPath(); to.arc(x, y, radius, 0, 7); to.stroke();
    to.lineWidth = 2; to.strokeStyle = colour;
    to.beginPath(); to.arc(x, y, radius, 0, 7); to.stroke();
  };
  for (const wish of facts.wishes ?? []) ring(wish, "#cc79a7", size + 3);
  if (facts.next?.at) ring(facts.next.at, "#56b4e9", size + 4);
  if (facts.exposing) ring(facts.exposing, "#f0e442", size + 5);
}

/** Few rectangles that cover the cells of a raster that are set, and no other: runs along rows, joined where the rows below have the same. */
export function covering(cells, [height, width]) {
  const done = [];
  let open = new Map();
  for (let row = 0; row < height; row++) {
    const next = new Map();
    for (let column = 0; column < width;) {
      const from = column;
      while (column < width && cells[row * width + column]) column++;
      if (from === column) { column++; continue; }
      const key = `${from} ${column}`;
      const region = open.get(key) ?? [row, row, from, column];
      region[1] = row + 1;
      open.delete(key);
      next.set(key, region);
    }
    done.push(...open.values());
    open = next;
  }
  return done.concat([...open.values()]);
}

/** Sets the cells of a disc. */
export function stamp(cells, [height, width], row, column, radius) {
  const reach = Math.max(0.5, radius);
  for (let r = Math.max(0, Math.ceil(row - reach)); r <= Math.min(height - 1, Math.floor(row + reach)); r++) {
    for (let c = Math.max(0, Math.ceil(column - reach)); c <= Math.min(width - 1, Math.floor(column + reach)); c++) {
      if ((r - row) ** 2 + (c - column) ** 2 <= reach * reach) cells[r * width + c] = 1;
    }
  }
}

function cross(to, x, y, size) {
  to.beginPath();
  to.moveTo(x - size, y); to.lineTo(x - 3, y); to.moveTo(x + 3, y); to.lineTo(x + size, y);
  to.moveTo(x, y - size); to.lineTo(x, y - 3); to.moveTo(x, y + 3); to.lineTo(x, y + size);
  to.stroke();
}

function slash(to, x, y, size) {
  to.beginPath();
  to.moveTo(x - size, y - size); to.lineTo(x + size, y + size);
  to.moveTo(x - size, y + size); to.lineTo(x + size, y - size);
  to.stroke();
}

/** Hatches what is excluded or left out: strokes of one direction each. */
function hatch(to, scale, snapshot) {
  const [height, width] = snapshot.overview.size;
  for (const [standing, colour, rising] of [["excluded", "#ffb000", true], ["left out", "#bbbbbb", false]]) {
    const number = { excluded: 5, "left out": 6 }[standing];
    to.save();
    to.beginPath();
    let any = false;
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width;) {
        const from = column;
        while (column < width && snapshot.standing[row * width + column] === number) column++;
        if (from < column) { to.rect(from * scale, row * scale, (column - from) * scale, scale); any = true; } else column++;
      }
    }
    if (any) {
      to.clip();
      to.fillStyle = "rgba(0,0,0,.35)";
      to.fillRect(0, 0, width * scale, height * scale);
      to.strokeStyle = colour;
      to.lineWidth = 1.2;
      to.beginPath();
      const reach = (height + width) * scale;
      for (let at = -height * scale; at < reach; at += 7) {
        if (rising) { to.moveTo(at, height * scale); to.lineTo(at + height * scale, 0); }
        else { to.moveTo(at, 0); to.lineTo(at + height * scale, height * scale); }
      }
      to.stroke();
    }
    to.restore();
  }
}
