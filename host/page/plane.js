// The plane that the surrogate has learned: where every candidate lies in it, and the points.

import { prepare } from "./chart.js";

/** Cells of the density along each side. */
const SIDE = 96;

export class PlaneView {
  constructor(canvas) { this.canvas = canvas; }

  /** Shows the places of all candidates, whose pixels fill a region row by row. */
  places(x, y, region) {
    if (this.x === x && this.y === y) return;
    Object.assign(this, { x, y, region });
    const bounds = (values) => {
      let [low, high] = [Infinity, -Infinity];
      for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
      const margin = 0.04 * (high - low) || 0.5;
      return [low - margin, high + margin];
    };
    [this.across, this.up] = [bounds(x), bounds(y)];
    const counts = new Float32Array(SIDE * SIDE);
    const cell = (value, [low, high]) => Math.max(0, Math.min(SIDE - 1, Math.floor((value - low) / (high - low) * SIDE)));
    for (let n = 0; n < x.length; n++) counts[(SIDE - 1 - cell(y[n], this.up)) * SIDE + cell(x[n], this.across)]++;
    const most = Math.sqrt(counts.reduce((a, b) => Math.max(a, b), 1));
    const image = new ImageData(SIDE, SIDE);
    counts.forEach((count, index) => {
      // The root shows where few candidates lie, which is where the rare ones are.
      const level = count ? 70 + Math.round(150 * Math.sqrt(count) / most) : 24;
      image.data.set([level, level, level, 255], 4 * index);
    });
    this.image = document.createElement("canvas");
    this.image.width = this.image.height = SIDE;
    this.image.getContext("2d").putImageData(image, 0, 0);
  }

  index({ row, column }) {
    const [top, bottom, left, right] = this.region;
    if (row < top || row >= bottom || column < left || column >= right) return null;
    return (row - top) * (right - left) + column - left;
  }

  /** The pixel whose candidate lies nearest to the pointer. */
  pixel(event) {
    if (!this.x) return null;
    const box = this.canvas.getBoundingClientRect();
    const [u, v] = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
    const [width, height] = [this.across[1] - this.across[0], this.up[1] - this.up[0]];
    let best = Infinity, at = 0;
    for (let n = 0; n < this.x.length; n++) {
      const distance = ((this.x[n] - this.across[0]) / width - u) ** 2 + ((this.y[n] - this.up[0]) / height - v) ** 2;
      if (distance < best) [best, at] = [distance, n];
    }
    const [top, , left, right] = this.region;
    return { row: top + Math.floor(at / (right - left)), column: left + at % (right - left) };
  }

  draw({ now, colours, cursor, chosen }) {
    const { to, width, height } = prepare(this.canvas);
    to.imageSmoothingEnabled = false;
    to.drawImage(this.image, 0, 0, width, height);
    const place = (pixel) => {
      const n = this.index(pixel);
      if (n === null) return null;
      return [
        (this.x[n] - this.across[0]) / (this.across[1] - this.across[0]) * width,
        height - (this.y[n] - this.up[0]) / (this.up[1] - this.up[0]) * height,
      ];
    };
    const disc = (pixel, radius, fill, stroke, line) => {
      const at = place(pixel);
      if (!at) return;
      to.beginPath(); to.arc(...at, radius, 0, 7);
      if (fill) { to.fillStyle = fill; to.fill(); }
      to.lineWidth = line; to.strokeStyle = stroke; to.stroke();
    };
    for (const point of now.points) {
      if (now.standingAt(point.row, point.column) === "measured") disc(point, 3, `rgb(${colours(point)})`, "#fff", 1);
    }
    const next = now.facts.next?.at;
    if (next) disc({ row: next[0], column: next[1] }, 7, null, "#56b4e9", 2);
    if (chosen) disc(chosen, 8, null, "#fff", 2);
    const at = cursor && place(cursor);
    if (!at) return;
    for (const [colour, line] of [["#000", 3], ["#fff", 1.2]]) {
      to.strokeStyle = colour; to.lineWidth = line;
      to.beginPath();
      to.moveTo(at[0] - 9, at[1]); to.lineTo(at[0] + 9, at[1]); to.moveTo(at[0], at[1] - 9); to.lineTo(at[0], at[1] + 9);
      to.stroke();
    }
  }
}
