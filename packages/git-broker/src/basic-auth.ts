export type BasicPassword = { kind: "absent" } | { kind: "malformed" } | { kind: "present"; value: string };

/** An Authorization header longer than this is not one of ours, characters. */
const HEADER_CHARS_MAX = 1_024;

/** The password of HTTP Basic credentials. The user name is ignored: git asks for one, a token needs none. */
export function basicPassword(header: string | null): BasicPassword {
  if (header === null) return { kind: "absent" };
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header) ?? [];
  if (encoded === undefined || header.length > HEADER_CHARS_MAX) return { kind: "malformed" };
  const decoded = Buffer.from(encoded, "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  return colon === -1 ? { kind: "malformed" } : { kind: "present", value: decoded.slice(colon + 1) };
}
