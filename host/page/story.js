// The campaign at any record: the messages up to it, added up. The server has folded the events; here
// nothing is decided.

export const STANDINGS = ["none", "free", "next", "exposing", "measured", "excluded", "left out", "discarded"];
const NUMBER = Object.fromEntries(STANDINGS.map((name, number) => [name, number]));

export class Snapshot {
  constructor() {
    this.records = 0;
    this.begun = null;
    this.overview = null;
    this.facts = {};
    this.standing = null;
    this.points = [];
    this.at = new Map();
    this.commands = [];
    this.shifts = [];
    this.failures = [];
    this.leftOut = new Map();
    this.latest = [];
    this.last = null;
    this.trained = null;
    this.measuring = 0;
    this.steps = [];
    this.waitsSince = 0;
  }

  standingAt(row, column) {
    const { size } = this.overview;
    return STANDINGS[this.standing[row * size[1] + column]];
  }

  /** Whether any pixel of a region stands so. */
  anyIn([top, bottom, left, right], name) {
    const width = this.overview.size[1];
    for (let row = top; row < bottom; row++) {
      if (this.standing.subarray(row * width + left, row * width + right).includes(NUMBER[name])) return true;
    }
    return false;
  }

  /** The point measured at a pixel, if any. */
  pointAt(row, column) { return this.at.get(row * 1e6 + column); }

  /** The dwells of the points, in seconds, in the order of their first. */
  get dwells() { return [...new Set(this.points.map(({ dwell }) => dwell))]; }

  /** Adds the next message. */
  add(message) {
    const before = { ...this.facts };
    Object.assign(this.facts, message.facts ?? {});
    const { event } = message;
    // The time that a proposal may wait begins anew when the campaign goes on, or it is set.
    const timed = (facts) => JSON.stringify([facts.next?.waits && facts.next.at, facts.paused, facts.time_out]);
    if (message.facts && timed(before) !== timed(this.facts)) this.waitsSince = message.at_ms;
    if (event === "Begun") this.begun = message;
    if (event === "Overview" && message.candidates) {
      const [height, width] = message.size;
      this.overview = message;
      this.standing = new Uint8Array(height * width);
      this.fill("free", message.candidates.region);
    }
    if (this.standing) for (const [name, region] of message.standings ?? []) this.fill(name, region);
    if (event === "Measured" && message.point) {
      const point = {
        ...message.point, responses: [...message.point.responses], row: message.at[0], column: message.at[1], record: message.record,
        number: this.points.length + 1, dwell: this.facts.dwell_seconds, elapsed: message.elapsed_ms,
      };
      this.points.push(point);
      this.at.set(point.row * 1e6 + point.column, point);
    }
    if (event === "Reduced") {
      message.responses.forEach((response, index) => this.points[index]?.responses.push(response));
    }
    if (event === "Components") {
      message.responses.forEach((responses, index) => { if (this.points[index]) this.points[index].responses = [...responses]; });
    }
    if (event === "Commanded" || event === "Refused") this.commands.push({ ...message, before });
    if (event === "Surveyed") this.shifts.push({ shift: message.shift, points: this.points.length });
    if (event === "LeftOut") this.leftOut.set(String(message.at), message.why);
    if (event === "Measured" && !message.point) this.leftOut.set(String(message.at), "what was measured there could not be used");
    if (event === "Failed") this.failures.push({ why: message.why, over: null });
    const failure = this.failures.at(-1);
    if (["Measured", "Surveyed"].includes(event) && failure && !failure.over) this.failures[this.failures.length - 1] = { ...failure, over: message.at_ms };
    if (event === "Proposed") this.step = { deciding: message.seconds };
    if (event === "Trained") this.trained = message;
    this.time(message);
    this.latest.push(message);
    if (this.latest.length > 60) this.latest.shift();
    this.last = message;
    this.records = message.record + 1;
  }

  /** Where the time of each point went, in seconds. */
  time(message) {
    const now = message.elapsed_ms / 1000;
    const part = this.part ??= { deciding: 0, exposing: 0, training: 0, since: now };
    if (message.event === "Proposed") part.deciding += message.seconds;
    if (message.event === "Trained") part.training += message.seconds;
    if (message.event === "Exposing") part.exposingSince = now;
    part.waited ||= Boolean(this.facts.next?.waits);
    if (message.event === "Measured") {
      part.exposing = now - (part.exposingSince ?? now);
      part.all = now - part.since;
      part.dwell = this.facts.dwell_seconds;
      this.steps.push(part);
      this.part = { deciding: 0, exposing: 0, training: 0, since: now };
    }
  }

  fill(name, region) {
    if (!region) return;
    const [top, bottom, left, right] = region, width = this.overview.size[1];
    for (let row = top; row < bottom; row++) {
      this.standing.fill(NUMBER[name], row * width + left, row * width + right);
    }
  }
}

/** All messages, the newest state, and on request any earlier one. */
export class Story {
  constructor() { this.clear(); }

  clear() {
    this.messages = [];
    this.now = new Snapshot();
    this.past = null;
    this.key = null;
  }

  /** Begins or goes on with a journal; false where what was told is of another one. */
  journal({ from, key }) {
    if (from === 0) { this.clear(); this.key = key; return true; }
    this.key ??= key;
    return this.key === key && from === this.messages.length;
  }

  add(message) {
    if (message.record !== this.messages.length) return;
    this.messages.push(message);
    this.now.add(message);
  }

  /** The campaign after a record. */
  after(record) {
    if (record >= this.messages.length - 1) return this.now;
    if (!this.past || this.past.records > record + 1 || this.past.key !== this.key) {
      this.past = new Snapshot();
      this.past.key = this.key;
    }
    while (this.past.records <= record) this.past.add(this.messages[this.past.records]);
    return this.past;
  }
}
