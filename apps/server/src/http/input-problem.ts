import type { ZodError } from "zod";

type Issue = ZodError["issues"][number];

/** How the library begins what a schema says nothing of itself about. */
const LIBRARY_WORDS = /^(?:Too (?:small|big)|Invalid (?:option|input)): expected /;

/** What is wrong with a field, in words that stand well beside it. What a schema says in words of its own stays as it is. */
export function inputProblem(issue: Issue): string {
  if (!LIBRARY_WORDS.test(issue.message)) return issue.message;
  switch (issue.code) {
    case "too_small":
      if (issue.origin === "string" && Number(issue.minimum) === 1) return "must not be empty";
      return `${boundWord(issue, "at least", "more than")} ${counted(Number(issue.minimum), issue.origin)}`;
    case "too_big":
      return `${boundWord(issue, "at most", "less than")} ${counted(Number(issue.maximum), issue.origin)}`;
    case "invalid_value":
      return `must be ${issue.values.length > 1 ? "one of " : ""}${issue.values.map(String).join(", ")}`;
    case "invalid_type":
      return issue.message.endsWith("received undefined")
        ? "is missing"
        : `must be ${typeWord(issue.expected)}`;
    default:
      return issue.message;
  }
}

function boundWord(issue: { exact?: boolean; inclusive?: boolean }, within: string, without: string): string {
  if (issue.exact === true) return "exactly";
  return issue.inclusive === false ? without : within;
}

const UNITS: Record<string, readonly [one: string, many: string]> = {
  string: ["character", "characters"],
  array: ["entry", "entries"],
  set: ["entry", "entries"],
};

function counted(count: number, origin: string): string {
  const unit = UNITS[origin];
  return unit === undefined ? String(count) : `${count} ${unit[count === 1 ? 0 : 1]}`;
}

const TYPES: Record<string, string> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
};

function typeWord(expected: string): string {
  return TYPES[expected] ?? expected;
}
