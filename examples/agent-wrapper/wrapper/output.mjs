import { StringDecoder } from "node:string_decoder";
import { emit, parseObject, say, shortText, shortValue, textOf, told } from "./events.mjs";
import { settings } from "./settings.mjs";

/** Commands read so far. */
let commands = 0;
const startedAt = new Map();

/**
 * Turns what the command prints into events: plain text as it comes, or line by line as the table of rules says. `onPiece` is called
 * for each piece that came.
 */
export async function readOutput(stream, onPiece) {
  commands++;
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of stream) {
    onPiece();
    if (settings.rules === undefined) say(decoder.write(chunk));
    else {
      const lines = (rest + decoder.write(chunk)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) translate(line);
    }
    if (process.stdout.writableNeedDrain)
      await new Promise((resolve) => process.stdout.once("drain", resolve));
  }
  if (settings.rules !== undefined && rest !== "") translate(rest);
}

/** Emits the event of the first rule that fits a line; a line that is no JSON is text. */
function translate(line) {
  const fields = parseObject(line);
  if (fields === undefined) return say(`${line}\n`);
  const fits = ({ when }) => Object.entries(when).every(([path, value]) => valueAt(fields, path) === value);
  const rule = settings.rules?.find(fits);
  if (rule !== undefined) emitAs(rule.emit.type, (name) => filled(fields, rule.emit[name]));
}

/** Of what a rule gives, only what the contract knows goes out, each field of its type and none too long. */
function emitAs(type, field) {
  const text = (name) => shortText(field(name));
  const id = `${commands}.${text("id")}`; // no other call of the run has it: a follow-up may number anew
  if (type === "content") say(textOf(field("text")));
  if (type === "error") told.fault = text("message");
  if (type === "tool_output") emit({ type, id, text: text("text") });
  if (type === "tool_start") {
    told.said = ""; // the summary is what the agent says last
    startedAt.set(id, performance.now());
    emit({ type, id, tool: text("tool"), args: shortValue(field("args") ?? {}) });
  }
  if (type === "tool_done") {
    const duration_ms = Math.round(performance.now() - (startedAt.get(id) ?? performance.now()));
    const exit_code = Number.isInteger(field("exit_code")) ? field("exit_code") : undefined;
    emit({ type, id, tool: text("tool"), output: text("output"), exit_code, duration_ms });
  }
  if (type === "usage") {
    const count = (name) => Math.max(0, Number(field(name)) || 0);
    const [input_tokens, output_tokens] = [count("input_tokens"), count("output_tokens")];
    emit({ type, input_tokens, output_tokens, context_used: input_tokens + output_tokens });
  }
}

/** A text that starts with "$." is a path into the line; anything else stands for itself. */
function filled(fields, value) {
  if (typeof value === "string") return value.startsWith("$.") ? valueAt(fields, value.slice(2)) : value;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, filled(fields, inner)]));
}

function valueAt(fields, path) {
  return path.split(".").reduce((value, name) => value?.[name], fields);
}
