import { isObject, type Json, listOf, objectOf, parseJson, textOf } from "../json.ts";

/** An error as a model API words it. */
export interface ApiError {
  /** Its own code, else its type; never a bare number. */
  code: string | undefined;
  type: string | undefined;
  /** A number in place of the code that can be an HTTP status: what a router was answered further on. */
  status: number | undefined;
  message: string;
}

/**
 * Reads the body of a refusal. Shapes in use: `{error: {message, code, type}}`, `[{error}]` (Gemini), `{error: "text"}`, `{message}`
 * (vLLM, Mistral), `{detail}` (FastAPI), plain text, and the HTML page of a proxy in between.
 */
export function readApiError(body: string): ApiError {
  const json = parseJson(body);
  const found = findApiError(json) ?? errorIn(json);
  if (found.message !== "" || found.code !== undefined) return found;
  return { ...found, message: isObject(json) || Array.isArray(json) ? body : plainText(body) };
}

/** The error in a reply that came with 200, or in one of its chunks; undefined when it holds none. */
export function findApiError(json: Json | undefined): ApiError | undefined {
  const fields = objectOf(Array.isArray(json) ? json[0] : json);
  const { error } = fields;
  if (typeof error === "string" && error !== "") return { ...errorIn(json), message: error };
  if (isObject(error)) return errorIn(error);
  if (fields.object === "error" || fields.type === "error") return errorIn(fields);
  return undefined;
}

function errorIn(json: Json | undefined): ApiError {
  const fields = objectOf(json);
  const type = textOf(fields.type) || undefined;
  return {
    code: textOf(fields.code) || type,
    type,
    status: statusOf(fields.code) ?? statusOf(fields.status),
    message: [textOf(fields.message) ?? detailOf(fields.detail), textOf(objectOf(fields.metadata).raw)]
      .filter(Boolean)
      .join(" "),
  };
}

function statusOf(code: Json | undefined): number | undefined {
  const status = typeof code === "string" && /^\d{3}$/.test(code) ? Number(code) : code;
  return typeof status === "number" && status >= 400 && status <= 599 ? status : undefined;
}

/** A text, or a list of what is wrong with the request. */
function detailOf(detail: Json | undefined): string {
  const items = listOf(detail).map((item) => textOf(objectOf(item).msg) ?? "");
  return textOf(detail) ?? items.filter(Boolean).join("; ");
}

function plainText(body: string): string {
  const text = body.trim();
  if (!text.startsWith("<")) return text;
  const title = /<title>([^<]*)/i.exec(text.slice(0, 4_096))?.[1]?.trim();
  return title ? `an HTML page, “${title}”` : "an HTML page";
}
