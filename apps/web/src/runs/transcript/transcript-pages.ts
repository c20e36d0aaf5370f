import { type Entry, entryKey } from "./entry.ts";
import { EntryList } from "./entry-list.ts";
import type { ShownEvent, ShownEventPage, ShownOutline } from "./shown-event.ts";

/** Where the events come from. */
export interface TranscriptSource {
  /** With the events that are seen first. A server that does not know of them leaves them out; they are read then. */
  outline(): Promise<ShownOutline>;
  page(after: number, limit: number): Promise<ShownEventPage>;
}

/**
 * Text of pages that are kept, characters: with what the browser needs for it this stays under 60 MB. What was not looked at
 * for the longest time goes first and is read again when somebody scrolls back to it.
 */
const KEPT_CHARS_MAX = 16_000_000;

/** A part of the transcript. Without `list` it is not loaded, and one row stands for all of it. */
interface Page {
  /** Id of the event before its first. */
  after: number;
  /** Id of its last event; undefined for the last page, which may grow. */
  end: number | undefined;
  events: number;
  list: EntryList | undefined;
  state: "absent" | "loading" | "loaded" | "failed";
  usedAt: number;
}

/** One row of the list that is shown. `last`: it is on the page that new events are added to. */
export type TranscriptRow =
  | { kind: "entry"; key: string; entry: Entry; last: boolean }
  | { kind: "gap"; key: string; page: number; events: number; failed: boolean };

/**
 * A transcript of any length of which only some pages are in memory. Rows are counted over all pages; a page that is not
 * loaded is one row. Watchers are told after each change.
 */
export class TranscriptPages {
  private pages: Page[] = [];
  private pageEvents = 500;
  /** Row number at which each page begins, and the number of all rows at the end. */
  private starts: number[] = [0];
  private turn = 0;
  /** Events that came with the outline, behind the event `after`. */
  private opening: { after: number; events: readonly ShownEvent[] } | undefined;
  private readonly watchers = new Set<() => void>();
  /** Raised by each change. */
  version = 0;
  opened = false;

  constructor(private readonly source: TranscriptSource) {}

  /** Reads how long it is, and one end of it; once, unless that failed. @throws ApiError */
  open(at: "start" | "end"): Promise<void> {
    this.begun ??= this.readEnd(at).catch((error: unknown) => {
      this.begun = undefined;
      throw error;
    });
    return this.begun;
  }
  private begun: Promise<void> | undefined;

  private async readEnd(at: "start" | "end"): Promise<void> {
    const { starts, events_count, page_events, opening } = await this.source.outline();
    this.pageEvents = page_events;
    this.pages = starts.map((after, number) => ({
      after,
      end: starts[number + 1],
      events: number < starts.length - 1 ? page_events : events_count - number * page_events,
      list: undefined,
      state: "absent",
      usedAt: 0,
    }));
    this.opening = opening && { after: starts[opening.page] ?? 0, events: opening.events };
    const first = at === "start" ? 0 : this.pages.length - 1;
    // A last page that has just begun is seen together with the one before it.
    const before = at === "end" && opening?.page === first - 1 ? this.load(first - 1) : undefined;
    await Promise.all([before, this.load(first)]);
    this.opening = undefined;
    this.opened = true;
    this.changed();
    // The other end too: new events are added to it.
    if (first !== this.pages.length - 1) void this.load(this.pages.length - 1);
  }

  watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  get rows(): number {
    return this.starts.at(-1) ?? 0;
  }

  /** Events that are stored, as far as is known here. */
  get events(): number {
    return this.pages.reduce((sum, { events }) => sum + events, 0);
  }

  /** Id of the newest event; undefined while the last page is not there. */
  get lastId(): number | undefined {
    const last = this.pages.at(-1);
    if (last === undefined) return this.opened ? 0 : undefined;
    return last.state === "loaded" ? this.lastSeen : undefined;
  }
  private lastSeen = 0;

  row(index: number): TranscriptRow | undefined {
    const number = this.pageOfRow(index);
    const page = this.pages[number];
    if (page === undefined) return undefined;
    if (page.list === undefined)
      return {
        kind: "gap",
        key: `gap${number}`,
        page: number,
        events: page.events,
        failed: page.state === "failed",
      };
    const entry = page.list.entries[index - (this.starts[number] ?? 0)];
    return entry === undefined
      ? undefined
      : { kind: "entry", key: entryKey(entry), entry, last: number === this.pages.length - 1 };
  }

  /** Loads what the rows from `first` to `last` and their neighbors need. Cheap when all is there. */
  need(first: number, last: number): void {
    this.turn++;
    const from = Math.max(0, this.pageOfRow(first) - 1);
    const to = Math.min(this.pages.length - 1, this.pageOfRow(last) + 1);
    for (let number = from; number <= to; number++) {
      const page = this.pages[number];
      if (page === undefined) continue;
      page.usedAt = this.turn;
      if (page.state === "absent") void this.load(number);
    }
  }

  retry(number: number): void {
    void this.load(number);
  }

  /** New events, in order. What is there already is left out: a stream that begins again may repeat some. */
  append(events: readonly ShownEvent[]): void {
    for (const event of events) {
      if (event.id <= this.lastSeen) continue;
      const list = this.tail();
      list.add(event);
      this.lastSeen = event.id;
    }
    this.changed();
  }

  /** The row that shows an event, after its page was loaded; undefined when there is none. @throws ApiError */
  async find(eventId: number): Promise<string | undefined> {
    const number = this.pages.findIndex(({ end }) => end === undefined || eventId <= end);
    const page = this.pages[number];
    if (page === undefined) return undefined;
    page.usedAt = ++this.turn;
    if (page.list === undefined) await this.load(number);
    const entries = page.list?.entries ?? [];
    const found =
      entries.find((entry) => entry.kind === "tool" && entry.endId === eventId) ??
      entries.findLast(({ id }) => id <= eventId);
    return found === undefined ? undefined : entryKey(found);
  }

  /** Where a row is now; rows move when pages come and go. A gap that was filled is where its first row is. */
  indexOf(key: string): number | undefined {
    if (key.startsWith("gap")) return this.starts[Number(key.slice(3))];
    const id = Number(key.replace(/^a/, ""));
    const number = this.pages.findIndex(({ end }) => end === undefined || id <= end);
    const index = this.pages[number]?.list?.entries.findIndex((entry) => entryKey(entry) === key) ?? -1;
    return index === -1 ? undefined : (this.starts[number] ?? 0) + index;
  }

  private tail(): EntryList {
    const last = this.pages.at(-1);
    if (last?.list !== undefined && last.events < this.pageEvents) {
      last.events++;
      return last.list;
    }
    if (last !== undefined) last.end = this.lastSeen;
    // A tool that runs on when the page is full goes on as a row of the next one.
    const list = new EntryList(last === undefined ? "none" : (last.list ?? "unknown"));
    const page = { after: this.lastSeen, end: undefined, events: 1, list, usedAt: this.turn };
    this.pages.push({ ...page, state: "loaded" });
    this.drop();
    return list;
  }

  private async load(number: number): Promise<void> {
    const page = this.pages[number];
    if (page === undefined || page.state === "loading" || page.state === "loaded") return;
    page.state = "loading";
    try {
      const list = new EntryList(number === 0 ? "none" : "unknown");
      const last = await this.read(page, list);
      page.list = list;
      page.state = "loaded";
      page.usedAt = this.turn;
      if (number === this.pages.length - 1) this.lastSeen = Math.max(this.lastSeen, last);
      this.drop();
    } catch (error) {
      page.state = "failed";
      if (!this.opened) throw error;
    } finally {
      this.changed();
    }
  }

  /** One answer may hold less than was asked for, when its events are large. */
  private async read(page: Page, list: EntryList): Promise<number> {
    let after = page.after;
    let left = page.events;
    while (left > 0) {
      const events = this.brought(after, left) ?? (await this.source.page(after, left)).events;
      if (events.length === 0) break;
      for (const event of events) list.add(event);
      left -= events.length;
      after = events.at(-1)?.id ?? after;
    }
    return after;
  }

  /** What came with the outline of the events behind that one; undefined when it ends before them. */
  private brought(after: number, limit: number): readonly ShownEvent[] | undefined {
    if (this.opening === undefined || after < this.opening.after) return undefined;
    const from = this.opening.events.findIndex(({ id }) => id > after);
    return from === -1 ? undefined : this.opening.events.slice(from, from + limit);
  }

  /** Forgets what was not looked at for the longest time. The last page stays, as new events are added to it. */
  private drop(): void {
    const loaded = this.pages.slice(0, -1).filter(({ list }) => list !== undefined);
    let chars = this.pages.reduce((sum, { list }) => sum + (list?.chars ?? 0), 0);
    for (const page of loaded.sort((a, b) => a.usedAt - b.usedAt)) {
      if (chars <= KEPT_CHARS_MAX || page.usedAt === this.turn) return;
      chars -= page.list?.chars ?? 0;
      page.list = undefined;
      page.state = "absent";
    }
  }

  private pageOfRow(index: number): number {
    let low = 0;
    let high = this.pages.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.starts[middle] ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  private changed(): void {
    this.starts = [0];
    let rows = 0;
    for (const { list } of this.pages) {
      rows += list === undefined ? 1 : list.entries.length;
      this.starts.push(rows);
    }
    this.version++;
    // What comes first is shown at once, and not page by page.
    if (this.opened) for (const watcher of this.watchers) watcher();
  }
}
