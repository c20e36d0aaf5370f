import type { ToolCall } from "./tool-calls.ts";

/** Longest id that is sent back, characters: providers take no more than some hundred. */
const ID_CHARS_MAX = 256;
/** Digits of an id of our own: with the letter nine characters, as Mistral's models refuse any other length. */
const DIGITS = 8;

/**
 * Sees to it that every call of a run has an id of its own. Providers leave ids out, give all calls of a reply the same one, and
 * number anew in every reply; a reader of the run's lines, and the next request, need to tell the calls apart.
 */
export class CallIds {
  private readonly taken = new Set<string>();
  private made = 0;

  /** The calls, each with the id it came with if that is of use, else with one of ours. */
  own(calls: readonly ToolCall[]): ToolCall[] {
    return calls.map((call) => {
      const given = call.id.toWellFormed();
      const usable = given !== "" && given.length <= ID_CHARS_MAX && !this.taken.has(given);
      const id = usable ? given : this.make();
      this.taken.add(id);
      return { ...call, id };
    });
  }

  private make(): string {
    let id: string;
    do id = `c${String(++this.made).padStart(DIGITS, "0")}`;
    while (this.taken.has(id));
    return id;
  }
}
