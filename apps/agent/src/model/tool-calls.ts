import { countOf, type Json, type JsonObject, objectOf, textOf } from "../json.ts";

export interface ToolCall {
  id: string;
  name: string;
  /** JSON as the model wrote it; may be anything. */
  argsText: string;
}

/** Calls taken of one reply. Models make up to twenty at once; the rest of a flood is counted and dropped. */
export const CALLS_MAX = 128;
/** Longest name that is sent back, characters: what providers take. */
const NAME_CHARS_MAX = 64;

/** Puts the tool calls of one reply together from their pieces, as the servers in use cut and mark them. */
export class ToolCalls {
  private readonly calls: ToolCall[] = [];
  private readonly byIndex = new Map<number, ToolCall>();
  private last: ToolCall | undefined;
  /** Calls over CALLS_MAX. */
  dropped = 0;

  /** Takes one piece of a stream. @returns how many characters it added */
  add(piece: JsonObject): number {
    const { id, name, args } = partsOf(piece);
    const index = countOf(piece.index);
    return extend(this.find(index, id, name) ?? this.begin(index, id, name), id, name, args);
  }

  /** Takes one call of a reply that came as a whole: it is never a piece of another. @returns its characters */
  addWhole(call: JsonObject): number {
    const { id, name, args } = partsOf(call);
    return extend(this.begin(undefined, id, name), id, name, args);
  }

  /** The calls so far, each with a name that can be sent back; ids are as they came, empty where none did. */
  list(): ToolCall[] {
    return this.calls
      .filter((call) => call.name !== "" || call.argsText !== "")
      .map(({ id, name, argsText }) => ({ id, name: sendableName(name), argsText: argsText.toWellFormed() }));
  }

  /**
   * The call a piece belongs to. Most servers say so by `index`. Some give every call the index 0, some every piece a new id,
   * some neither: what never comes in pieces is the name, so a second name is a second call unless the ids say otherwise.
   */
  private find(index: number | undefined, id: string, name: string): ToolCall | undefined {
    const open = index === undefined ? (this.withId(id) ?? this.last) : this.byIndex.get(index);
    if (open === undefined || name === "" || open.name === "") return open;
    if (id !== "" && open.id !== "") return id === open.id ? open : undefined;
    return index === undefined ? undefined : open;
  }

  private withId(id: string): ToolCall | undefined {
    return id === "" ? undefined : this.calls.find((call) => call.id === id);
  }

  private begin(index: number | undefined, id: string, name: string): ToolCall {
    const call = { id, name: "", argsText: "" };
    this.last = call;
    if (this.calls.length < CALLS_MAX) {
      this.calls.push(call);
      if (index !== undefined) this.byIndex.set(index, call);
    } else if (name !== "") this.dropped++;
    return call;
  }
}

function partsOf(piece: JsonObject): { id: string; name: string; args: string } {
  const fn = objectOf(piece.function);
  return {
    id: typeof piece.id === "number" ? String(piece.id) : (textOf(piece.id) ?? ""),
    name: textOf(fn.name) ?? "",
    args: argsOf(fn.arguments),
  };
}

/** Text as the API has it; an object from servers that parse it for us. */
function argsOf(args: Json | undefined): string {
  if (typeof args === "string") return args;
  return args === undefined || args === null ? "" : JSON.stringify(args);
}

function extend(call: ToolCall, id: string, name: string, args: string): number {
  const added = name === call.name ? "" : name; // some servers repeat the name with every piece
  call.id ||= id;
  call.name += added;
  call.argsText += args;
  return added.length + args.length;
}

/** Models of the gpt-oss kind write `functions.bash` and `bash<|channel|>json`; anything else odd would have the next request refused. */
function sendableName(name: string): string {
  const bare = name
    .trim()
    .replace(/<\|[\s\S]*$/, "")
    .replace(/^functions?[.:]/, "");
  return bare.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, NAME_CHARS_MAX) || "unknown";
}
