/** Entries kept in the page; older ones leave it, as a page of hundreds of thousands would not scroll. */
const ENTRIES_MAX = 2_000;
/** Characters of a tool's arguments shown in its headline. */
const HEADLINE_CHARS = 200;
/** Characters of a running tool's output that are shown; its end is what one waits for, and the whole comes with its result. */
const LIVE_CHARS = 8_000;

const PHASES = {
  claimed: "Claimed by a runner",
  preparing: "Preparing the checkout",
  agent: "Agent at work",
  exporting: "Taking the commits out",
  pushing: "Pushing the branch",
  publishing: "Opening the pull request",
};

/**
 * Shows events as a story. All text comes from a hostile place (an agent, a repository): it goes into the page as text
 * nodes and nothing else.
 */
export class TranscriptEntries {
  constructor(list) {
    this.list = list;
    this.tools = new Map();
    this.attempt = 0;
    this.hiddenNote = undefined;
  }

  add(events) {
    const atEnd = this.list.scrollTop + this.list.clientHeight >= this.list.scrollHeight - 40;
    for (const event of events) this.addEvent(event);
    this.trim();
    if (atEnd) this.list.scrollTop = this.list.scrollHeight;
  }

  addEvent(event) {
    const { type, data } = event;
    if (event.attempt !== this.attempt) {
      if (this.attempt !== 0) this.addLine("phase", `Attempt ${event.attempt}`);
      this.attempt = event.attempt;
    }
    if (type === "content") return this.addText("said", data.text);
    if (type === "stdout" || type === "stderr") return this.addText("raw", `${data.text ?? ""}\n`);
    if (type === "tool_start") return this.startTool(data);
    if (type === "tool_output") return this.growTool(data);
    if (type === "tool_done") return this.endTool(data);
    if (type === "message") return this.addLine("said", `${data.role ?? "agent"}: ${data.text ?? ""}`);
    if (type === "warning" || type === "review_flagged")
      return this.addLine("warning", `Warning: ${wordsOf(data)}`);
    if (type === "lifecycle") return this.addLifecycle(data);
    if (type === "usage")
      return this.addLine(
        "quiet",
        `${number(data.input_tokens)} tokens in, ${number(data.output_tokens)} out`,
      );
    return this.addLine("quiet", `${type}: ${wordsOf(data)}`);
  }

  addLifecycle(data) {
    if (typeof data.phase === "string") return this.addLine("phase", PHASES[data.phase] ?? data.phase);
    if (data.note === "finish")
      return this.addLine("finish", `${data.outcome ?? "finished"}: ${data.summary ?? ""}`);
    if (data.note === "progress") return this.addText("raw", `${data.text ?? ""}\n`);
    if (data.note === "starting")
      return this.addLine("quiet", `Agent ${data.version ?? ""} with ${data.model ?? "its model"}`);
    if (data.note === "received") return this.addLine("quiet", "The agent read a message.");
    if (data.note === "session_idle") return;
    this.addLine("quiet", wordsOf(data));
  }

  /** Pieces of the same kind that follow each other are one text. */
  addText(kind, text) {
    const last = this.list.lastElementChild;
    const piece = visible(text ?? "");
    if (last !== null && last.dataset.kind === kind) last.append(piece);
    else this.append(kind, piece).dataset.kind = kind;
  }

  addLine(kind, text) {
    this.append(kind, visible(text));
  }

  startTool(data) {
    const item = this.append("tool", "");
    const details = element("details", "");
    const summary = element("summary", "");
    const state = element("span", "tool-state", "running");
    const headline = visible(headlineOf(data.args)).slice(0, HEADLINE_CHARS);
    summary.append(
      element("span", "tool-name", visible(data.tool)),
      element("code", "tool-line", headline),
      state,
    );
    details.append(summary, element("pre", "tool-args", visible(argsText(data.args))));
    item.append(details);
    this.tools.set(data.id, { item, details, state });
  }

  /** What a tool prints while it runs, in the open under its headline; `tool_done` brings the output that counts. */
  growTool(data) {
    const tool = this.tools.get(data.id);
    if (tool === undefined) return;
    // Kept as it came: an escape sequence may be split between two pieces.
    tool.printed = `${tool.printed ?? ""}${data.text ?? ""}`.slice(-LIVE_CHARS);
    tool.live ??= tool.item.appendChild(element("pre", "tool-live"));
    tool.live.textContent = visible(tool.printed);
    tool.live.scrollTop = tool.live.scrollHeight;
  }

  endTool(data) {
    if (!this.tools.has(data.id)) this.startTool({ ...data, args: {} });
    const { item, details, state, live } = this.tools.get(data.id);
    live?.remove();
    this.tools.delete(data.id);
    const failed = data.exit_code !== undefined && data.exit_code !== 0;
    const took = durationOf(data.duration_ms ?? 0);
    state.textContent = failed ? `exit ${data.exit_code} · ${took}` : took;
    item.classList.toggle("failed", failed);
    details.append(element("pre", "tool-output", visible(data.output)));
  }

  append(kind, text) {
    const item = element("li", `entry ${kind}`, text);
    this.list.append(item);
    return item;
  }

  trim() {
    while (this.list.childElementCount > ENTRIES_MAX) {
      this.hiddenNote ??= this.note();
      this.hiddenNote.nextElementSibling.remove();
    }
  }

  note() {
    const item = element("li", "entry quiet", "Earlier entries are left out here; the API has them all.");
    this.list.prepend(item);
    return item;
  }
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  if (text !== "") made.textContent = text;
  return made;
}

/** The one argument that says most; else all of them. */
function headlineOf(args) {
  const first = args?.command ?? args?.path ?? args?.summary;
  return (typeof first === "string" ? first : argsText(args)).replace(/\s+/g, " ");
}

function argsText(args) {
  if (typeof args === "string") return args;
  if (args === null || typeof args !== "object") return String(args ?? "");
  return Object.entries(args)
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join("\n");
}

function durationOf(ms) {
  return ms < 100 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

function wordsOf(data) {
  return data.message ?? data.text ?? JSON.stringify(data);
}

function number(value) {
  return typeof value === "number" ? value.toLocaleString("en") : "?";
}

const ESC = "\u001b";
/** Colors and links of a terminal, which a page has no use for. */
const ANSI = new RegExp(
  `${ESC}(?:\\[[0-9;?]*[ -/]*[@-~]|\\][^\\u0007${ESC}]*(?:\\u0007|${ESC}\\\\)|[@-Z\\\\-_])`,
  "g",
);
/** The same characters as in visible-text.ts. */
const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

function visible(text) {
  return String(text ?? "")
    .replace(ANSI, "")
    .replaceAll("\r\n", "\n")
    .replace(HIDDEN, (char) => `[U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}
