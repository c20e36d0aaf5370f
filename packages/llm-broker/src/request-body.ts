import { jsonExcess } from "@windshift/base/json-depth.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { z } from "zod";
import { membersOf } from "./json-members.ts";
import { JSON_DEPTH_MAX, JSON_ESCAPES_MAX, JSON_VALUES_MAX } from "./llm-limits.ts";
import type { LlmTarget } from "./llm-target.ts";

/** What may be sent, and what it may use. Every body is written by us, and of checked members only, so nothing unchecked leaves (LB-02). */
export interface AuthorizedCall {
  stream: boolean;
  /** Pictures in the request, and the bytes that they take of its body. */
  pictures: number;
  pictureBytes: number;
  /** Output tokens as the caller caps them. */
  outputTokensMax: number | undefined;
  /** The body for one target; `outputTokensMax` caps the output where the caller did not. */
  bodyFor(target: LlmTarget, baseUrl: string, outputTokensMax: number | undefined): string;
}

/** A body whose fields were checked. */
export interface CheckedBody<T> {
  fields: T;
  /** Writes a body of checked fields; one that is undefined is left out. */
  write(fields: Readonly<Record<string, unknown>>): string;
}

/**
 * Reads a request body against a field list and the one model the run may name.
 * @throws AppError `invalid_input` naming the field, or `forbidden` when another model is asked for
 */
export function checkBody<T extends object>(
  text: string,
  schema: z.ZodType<T>,
  model: string,
): CheckedBody<T> {
  const json = parseJson(text);
  refuseOtherModel(json, model);
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw refusedFields(parsed.error);
  const known = membersOf(text, parsed.data);
  return { fields: parsed.data, write: (fields) => writeBody(fields, known) };
}

/** What nearly all of a body is, and what leaves as it came: its schema neither changes nor drops anything of it. */
const KEPT = new Set(["messages", "tools", "system"]);

/**
 * A long member leaves in the words it came in, since writing it again takes longer than all other checks. Only where no key
 * stands twice: then its text means to every reader of JSON what was checked.
 */
function writeBody(
  fields: Readonly<Record<string, unknown>>,
  known: ReadonlyMap<string, string> | undefined,
): string {
  let body = "";
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const kept = KEPT.has(name) ? known?.get(name) : undefined;
    body += `${body === "" ? "{" : ","}${JSON.stringify(name)}:${kept ?? JSON.stringify(value)}`;
  }
  return `${body}}`;
}

function parseJson(text: string): unknown {
  const excess = jsonExcess(text, { depth: JSON_DEPTH_MAX, values: JSON_VALUES_MAX });
  if (excess === "depth") {
    throw new AppError("invalid_input", `The request body is nested deeper than ${JSON_DEPTH_MAX} levels.`);
  }
  if (excess === "values") {
    throw new AppError("too_large", `The request body has more than ${JSON_VALUES_MAX} values.`);
  }
  if (hasMoreEscapes(text, JSON_ESCAPES_MAX)) {
    throw new AppError("too_large", `The request body has more than ${JSON_ESCAPES_MAX} escaped characters.`);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError("invalid_input", "The request body is not JSON.", { cause });
  }
}

function hasMoreEscapes(text: string, max: number): boolean {
  if (text.length < 2 * max) return false;
  let escapes = 0;
  for (let at = text.indexOf("\\"); at !== -1; at = text.indexOf("\\", at + 2))
    if (++escapes > max) return true;
  return false;
}

/** Comes before the field list so that every way of asking for another model gets the same answer. */
function refuseOtherModel(json: unknown, model: string): void {
  if (typeof json !== "object" || json === null || !Object.hasOwn(json, "model")) return;
  if ("model" in json && json.model === model) return;
  throw new AppError(
    "forbidden",
    `This run may use the model ${JSON.stringify(model)} only; send that one, or leave "model" out.`,
  );
}

/** Problems shown of one body; the first few are enough to mend it. */
const PROBLEMS_MAX = 10;

function refusedFields(error: z.ZodError): AppError {
  const details = error.issues
    .slice(0, PROBLEMS_MAX)
    .map(nearest)
    .map((issue) => {
      const unknown = issue.code === "unrecognized_keys" ? issue.keys.slice(0, PROBLEMS_MAX) : [];
      const path = [...issue.path.map(String), ...(unknown.length === 1 ? unknown : [])].join(".");
      const message = unknown.length > 0 ? `may not be sent: ${unknown.join(", ")}` : issue.message;
      return { path: path.slice(0, 200), message: message.slice(0, 500) };
    });
  const first = details[0];
  return new AppError(
    "invalid_input",
    `The request body was refused: ${first?.path || "body"}: ${first?.message ?? "not understood"}.`,
    { details },
  );
}

/** Of a union that nothing fits, the problem of the shape that fits furthest, because that one was meant. */
function nearest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== "invalid_union") return issue;
  const inner = issue.errors
    .flatMap((branch) => branch.slice(0, 1))
    .sort((a, b) => b.path.length - a.path.length)[0];
  if (inner === undefined || inner.path.length === 0) return issue;
  return nearest({ ...inner, path: [...issue.path, ...inner.path] });
}
