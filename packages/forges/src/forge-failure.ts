import { redact } from "@windshift/base/redact.ts";
import { ForgeError, type ForgeErrorKind } from "./forge-client.ts";

/** What the sentences of one forge need. */
export interface FailureWords {
  /** `GitHub`. */
  forge: string;
  host: string;
  /** Never shown, whatever the forge writes. */
  secrets: readonly string[];
  /** What only this forge says, before the general meaning of the status; undefined to leave it at that. */
  explain(answer: ForgeAnswer): { kind: ForgeErrorKind; message: string } | undefined;
}

export interface ForgeAnswer {
  status: number;
  headers: Headers;
  /** The forge's own words, one line, cut, without secrets; may be empty. */
  said: string;
  /** The whole body. */
  text: string;
}

/** Longest piece of a forge's words in a sentence of ours, characters. */
const SAID_CHARS_MAX = 300;

/** Tokens by their form, for those that were made on the way (of an installation). */
const FORGE_TOKENS = /\b(gh[pousr]_|github_pat_|glpat-)[A-Za-z0-9_.-]+/g;

/** What an answer means when it is not a success; undefined for a success in JSON or without a body. */
export function failureOf(
  { method, response, text }: { method: string; response: Response; text: string },
  words: FailureWords,
): ForgeError | undefined {
  const { status, headers } = response;
  if (response.ok) return isJson(headers, text) ? undefined : foreign(method, status, words);
  const said = redact(wordsOf(text), words.secrets).replace(FORGE_TOKENS, "[redacted]");
  const { kind, message } =
    words.explain({ status, headers, said, text }) ?? general(status, headers, said, words);
  return new ForgeError(kind, message, { status });
}

function general(
  status: number,
  headers: Headers,
  said: string,
  { forge, host }: FailureWords,
): { kind: ForgeErrorKind; message: string } {
  const quoted = said === "" ? "" : `: ${said}`;
  if (status >= 300 && status < 400) return { kind: "refused", message: redirectText(headers, host) };
  if (status === 401)
    return {
      kind: "unauthorized",
      message: `${host} does not accept the credential; it is wrong, revoked or expired.`,
    };
  if (status === 403) return { kind: "forbidden", message: `${host} does not allow this${quoted}` };
  if (status === 404 || status === 410)
    return { kind: "not_found", message: `${host} has no such thing, or the credential may not see it.` };
  if (status === 409)
    return { kind: "conflict", message: `${host} says that this is not possible now${quoted}` };
  if (status >= 500)
    return { kind: "unreachable", message: `${forge} at ${host} has a fault of its own (${status}).` };
  return { kind: "refused", message: `${host} refused the request (${status})${quoted}` };
}

/** Redirects are never followed, since the credential would go along; a renamed repository answers with one. */
function redirectText(headers: Headers, host: string): string {
  const target = URL.parse(headers.get("location") ?? "", `https://${host}`);
  const where = target === null ? "another address" : target.host + target.pathname.slice(0, 200);
  return `${host} sends us on to ${where}. Redirects are not followed: the repository was renamed or the base address is an old one, so enter the new one.`;
}

/** A page for people where the API should be. Nobody knows what became of a write. */
function foreign(method: string, status: number, { forge, host }: FailureWords): ForgeError {
  return new ForgeError(
    method === "GET" ? "refused" : "unreachable",
    `${host} does not answer as ${forge} does; is this the base address of a ${forge}?`,
    { status },
  );
}

function isJson(headers: Headers, text: string): boolean {
  if (text === "") return true;
  return (
    /^application\/([\w.-]+\+)?json\b/i.test(headers.get("content-type") ?? "") && parse(text) !== undefined
  );
}

/** `message` of GitHub and Forgejo with `errors[].message`; `message` or `error_description` of GitLab. */
function wordsOf(text: string): string {
  const body = parse(text);
  if (typeof body !== "object" || body === null) return "";
  const { message, error, error_description, errors } = body as Record<string, unknown>;
  const parts = [message ?? error_description ?? error, ...(Array.isArray(errors) ? errors : [])].map(
    partText,
  );
  const line = parts.filter((part) => part !== "").join("; ");
  return line.length > SAID_CHARS_MAX ? `${line.slice(0, SAID_CHARS_MAX)}…` : line;
}

function partText(part: unknown): string {
  if (part === undefined || part === null) return "";
  if (typeof part === "object" && "message" in part) return partText(part.message);
  return (typeof part === "string" ? part : JSON.stringify(part)).replace(/\p{Cc}+/gu, " ");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
