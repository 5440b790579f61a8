// Structural distance: how unlike every measured patch a candidate's patch is, as in
// kernel/src/structure.rs. Of patches that are centred and divided by their deviation, the mean squared
// difference is 2 (1 − ρ) with Pearson's correlation ρ; its root is shown, for what was measured by then.

/** Work of one frame, in products. */
const WORK = 4e6;

export class Distances {
  constructor(image, { size, candidates }) {
    const [height, width] = size;
    const { window, region } = candidates;
    [this.top, this.bottom, this.left, this.right] = region;
    this.window = window;
    this.columns = this.right - this.left;
    this.size = size;
    // Beyond its edges the image is reflected; within them the border keeps windows inside.
    const before = window >> 1;
    const reflect = (index, count) => {
      const period = Math.max(1, 2 * (count - 1));
      const at = ((index % period) + period) % period;
      return at < count ? at : period - at;
    };
    this.wide = this.columns + window - 1;
    const high = this.bottom - this.top + window - 1;
    let sum = 0, known = 0;
    for (const value of image) if (Number.isFinite(value)) { sum += value; known++; }
    const mean = known ? sum / known : 0;
    this.image = new Float32Array(high * this.wide);
    for (let row = 0; row < high; row++) {
      for (let column = 0; column < this.wide; column++) {
        const value = image[reflect(row + this.top - before, height) * width + reflect(column + this.left - before, width)];
        this.image[row * this.wide + column] = Number.isFinite(value) ? value - mean : 0;
      }
    }
    const count = (this.bottom - this.top) * this.columns;
    this.reciprocals = new Float32Array(count);
    for (let n = 0; n < count; n++) {
      const patch = this.patch(n);
      const [total, squares] = patch.reduce(([a, b], x) => [a + x, b + x * x], [0, 0]);
      const deviations = squares - total * total / patch.length;
      this.reciprocals[n] = deviations > 1e-5 * squares ? 1 / Math.sqrt(deviations) : 0;
    }
    this.clear();
  }

  clear() {
    this.nearest = new Float32Array(this.reciprocals.length).fill(Infinity);
    this.taken = [];
    this.next = 0;
    this.raster = null;
  }

  corner(n) { return Math.floor(n / this.columns) * this.wide + (n % this.columns); }

  patch(n) {
    const patch = new Float32Array(this.window ** 2), from = this.corner(n);
    for (let row = 0; row < this.window; row++) {
      patch.set(this.image.subarray(from + row * this.wide, from + row * this.wide + this.window), row * this.window);
    }
    return patch;
  }

  /** Comes nearer to these points; whether there is more to do. */
  follow(points) {
    const same = this.taken.length <= points.length
      && this.taken.every((record, index) => record === points[index].record);
    if (!same) this.clear();
    let left = WORK;
    while (left > 0 && this.taken.length < points.length) {
      const point = points[this.taken.length];
      if (!this.template) {
        const n = (point.row - this.top) * this.columns + point.column - this.left;
        const patch = this.patch(n);
        const mean = patch.reduce((a, x) => a + x, 0) / patch.length;
        this.template = patch.map((x) => (x - mean) * this.reciprocals[n]);
      }
      left -= this.pass(Math.max(1, Math.floor(left / this.window ** 2)));
      if (this.next === this.nearest.length) {
        this.taken.push(point.record);
        [this.template, this.next] = [null, 0];
        this.raster = null;
      }
    }
    return this.taken.length < points.length;
  }

  /** Compares the template with so many candidates; the products that took. */
  pass(most) {
    const { window, wide, image, template, nearest } = this;
    const end = Math.min(nearest.length, this.next + most);
    for (let n = this.next; n < end; n++) {
      const from = this.corner(n);
      let sum = 0;
      for (let row = 0, at = 0; row < window; row++) {
        for (let column = 0, place = from + row * wide; column < window; column++) sum += image[place++] * template[at++];
      }
      const squared = Math.max(0, 2 * (1 - sum * this.reciprocals[n]));
      if (squared < nearest[n]) nearest[n] = squared;
    }
    const done = end - this.next;
    this.next = end;
    return done * window * window;
  }

  /** The distances as a raster of the image, NaN where there is no candidate. */
  get map() {
    if (!this.raster) {
      const [height, width] = this.size;
      this.raster = new Float32Array(height * width).fill(NaN);
      this.nearest.forEach((squared, n) => {
        const row = this.top + Math.floor(n / this.columns), column = this.left + (n % this.columns);
        this.raster[row * width + column] = Math.sqrt(squared);
      });
    }
    return this.raster;
  }
}
