// Requests to the page's own server, and the stream of events that comes back after every interruption.

/** Without a byte for so long, in ms, a connection is taken for lost: the server beats every 5 s. */
const SILENCE = 12000;
const PAUSES = [250, 500, 1000, 2000, 4000];

export class Connection {
  /** The tokens stand behind `#` of the link, as `control=…` or `watch=…`, with commas between several. */
  constructor(hash) {
    this.token = (/(?:control|watch)=([0-9a-f,]+)/.exec(hash) ?? [])[1] ?? "";
  }

  headers(further = {}) {
    return { Authorization: `Bearer ${this.token}`, ...further };
  }

  async fetch(path, options = {}) {
    const answer = await fetch(path, { ...options, headers: this.headers(options.headers) });
    if (answer.ok) return answer;
    let why = `${answer.status}`;
    try { why = (await answer.json()).error ?? why; } catch { /* no JSON: the number has to do */ }
    const error = new Error(why);
    error.status = answer.status;
    throw error;
  }

  async json(path) { return (await this.fetch(path)).json(); }

  /** Numbers; null where they are still being made. */
  async numbers(path) {
    const answer = await this.fetch(path);
    return answer.status === 202 ? null : new Float32Array(await answer.arrayBuffer());
  }

  /** Gives a campaign a command; returns what it answers. */
  async command(campaign, words, name) {
    const options = { method: "POST", body: JSON.stringify({ words, name }) };
    return (await (await this.fetch(`api/campaigns/${campaign}/command`, options)).json()).ok;
  }

  /** Follows a campaign until the returned function is called. */
  follow(campaign, { message, journal, status, figures, maps, closing, connected, lost }) {
    let last = null, ended = false, abort = new AbortController(), failures = 0;
    const dispatch = (block) => {
      let kind = "message", data = "", id = null;
      for (const line of block.split("\n")) {
        if (line.startsWith("event: ")) kind = line.slice(7);
        else if (line.startsWith("data: ")) data += line.slice(6);
        else if (line.startsWith("id: ")) id = Number(line.slice(4));
      }
      if (!data) return true;
      const told = JSON.parse(data);
      if (kind === "journal") {
        if (journal(told)) return true;
        last = null;
        return false;
      }
      if (kind === "status") status(told);
      else if (kind === "figures") figures(told);
      else if (kind === "maps") maps(told);
      else if (kind === "closing") closing();
      else { message(told); last = id; }
      return true;
    };
    const once = async () => {
      abort = new AbortController();
      let timer;
      const awake = () => { clearTimeout(timer); timer = setTimeout(() => abort.abort(), SILENCE); };
      try {
        awake();
        const headers = last === null ? {} : { "Last-Event-ID": String(last) };
        const answer = await this.fetch(`api/campaigns/${campaign}/events`, { headers, signal: abort.signal });
        connected();
        failures = 0;
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        let rest = "";
        for (;;) {
          const { value, done } = await reader.read();
          if (done) return;
          awake();
          const blocks = (rest + value).split("\n\n");
          rest = blocks.pop();
          for (const block of blocks) {
            if (!dispatch(block)) { abort.abort(); return; }
          }
        }
      } finally { clearTimeout(timer); }
    };
    (async () => {
      while (!ended) {
        let why = "the connection was lost";
        try { await once(); } catch (error) { if (error.status) why = error.message; }
        if (ended) return;
        const pause = PAUSES[Math.min(failures++, PAUSES.length - 1)];
        lost(why);
        await new Promise((go) => setTimeout(go, pause));
      }
    })();
    return () => { ended = true; abort.abort(); };
  }
}
