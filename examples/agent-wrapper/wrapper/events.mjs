/** Longest text of one event, characters; a line may have 1 MiB, and a character takes up to six bytes of JSON. */
const TEXT_CHARS_MAX = 100_000;
/** Longest summary, characters: the end of what the agent said. */
const SUMMARY_CHARS_MAX = 8_000;

/** What the agent said since its command began, and the last fault it told of; text after a fault means it got over it. */
export const told = { said: "", fault: undefined };

export function emit(event) {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

export function say(text) {
  if (text === "") return;
  for (let at = 0; at < text.length; at += TEXT_CHARS_MAX)
    emit({ type: "content", text: text.slice(at, at + TEXT_CHARS_MAX) });
  told.said = (told.said + text).slice(-SUMMARY_CHARS_MAX);
  if (text.trim() !== "") told.fault = undefined;
}

/** Says how the work ended; a last line of its own tells of what stands in the way. */
export function finish(summary) {
  if (summary === "") return fail("the agent's command ended without a word", "no_finish");
  const [, word] = /(?:^|\n)(BLOCKED|QUESTION):[^\n]*$/.exec(summary) ?? [];
  const outcome = word === undefined ? "completed" : word === "BLOCKED" ? "blocked" : "needs_info";
  emit({ type: "finish", outcome, summary });
  return 0;
}

export function fail(message, code) {
  emit({ type: "error", message: message.slice(-SUMMARY_CHARS_MAX), code });
  return 1;
}

/** Any value as a text that fits an event. */
export function shortText(value) {
  const text = textOf(value);
  return text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}… [cut by the wrapper]` : text;
}

/** The value itself, or as a text when it does not fit an event. */
export function shortValue(value) {
  return textOf(value).length > TEXT_CHARS_MAX ? shortText(value) : value;
}

export function textOf(value) {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

export function parseObject(line) {
  try {
    const value = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
