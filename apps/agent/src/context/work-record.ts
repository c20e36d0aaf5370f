import { listOf, objectOf, parseJson, textOf } from "../json.ts";
import { contentOf, type Entry } from "./conversation-entry.ts";

/** Commands and files remembered of dropped turns; older ones are forgotten first. */
const COMMANDS_MAX = 40;
const FILES_MAX = 200;
/** What is shown of one command, and of what the model said last, characters. */
const COMMAND_CHARS_MAX = 160;
const SAID_CHARS_MAX = 600;

/**
 * What was done in turns that are dropped, taken from their calls alone: it is right whatever a model writes into its summary,
 * and there when no summary could be had.
 */
export class WorkRecord {
  private readonly files = new Set<string>();
  private commands: string[] = [];
  private said = "";

  /** Takes down the turns among these entries. */
  add(entries: readonly Entry[]): void {
    for (const [index, entry] of entries.entries()) {
      if (entry.part.kind !== "reply") continue;
      const { calls, text } = readReply(entry);
      if (text !== "") this.said = text.slice(0, SAID_CHARS_MAX);
      const results = resultsAfter(entries, index);
      for (const call of calls) this.addCall(call, results.get(call.id));
    }
  }

  /** @param charsMax the oldest commands and files go first */
  text(charsMax: number, withWords: boolean): string {
    const lines: string[] = [];
    let room = charsMax;
    const take = (items: readonly string[]): string[] => {
      const taken: string[] = [];
      for (const item of items.toReversed()) {
        if (item.length + 2 > room) break;
        room -= item.length + 2;
        taken.unshift(item);
      }
      return taken;
    };
    const files = take([...this.files]);
    if (files.length > 0) lines.push(`Files written: ${files.join(", ")}`);
    if (withWords && this.said !== "" && this.said.length < room) {
      room -= this.said.length;
      lines.push(`The last thing you said: ${this.said}`);
    }
    const commands = take(this.commands);
    if (commands.length > 0) lines.push(`Commands run, oldest first:\n${commands.join("\n")}`);
    return lines.join("\n");
  }

  private addCall({ name, args }: Call, exitCode: number | undefined): void {
    const path = textOf(args.path);
    const command = textOf(args.command);
    if (path !== undefined && (name === "write_file" || name === "edit_file")) {
      this.files.delete(path); // written again: it is the newest now
      this.files.add(path);
      const [oldest] = this.files;
      if (this.files.size > FILES_MAX && oldest !== undefined) this.files.delete(oldest);
    } else if (command !== undefined) {
      const line = command.replaceAll(/\s+/g, " ").slice(0, COMMAND_CHARS_MAX).toWellFormed();
      this.commands.push(`- ${line}${exitCode === undefined ? "" : ` → exit code ${exitCode}`}`);
      this.commands = this.commands.slice(-COMMANDS_MAX);
    }
  }
}

interface Call {
  id: string;
  name: string;
  args: ReturnType<typeof objectOf>;
}

function readReply(entry: Entry): { calls: Call[]; text: string } {
  const calls = listOf(objectOf(parseJson(entry.json)).tool_calls).map((item) => {
    const call = objectOf(item);
    const fn = objectOf(call.function);
    const args = objectOf(parseJson(textOf(fn.arguments) ?? ""));
    return { id: textOf(call.id) ?? "", name: textOf(fn.name) ?? "", args };
  });
  return { calls, text: contentOf(entry) };
}

/** Exit codes of the results of one reply: those up to the next reply, as ids may come again later. */
function resultsAfter(entries: readonly Entry[], reply: number): Map<string, number | undefined> {
  const exits = new Map<string, number | undefined>();
  for (const { part } of entries.slice(reply + 1)) {
    if (part.kind === "reply") break;
    if (part.kind === "output") exits.set(part.callId, part.exitCode);
  }
  return exits;
}
