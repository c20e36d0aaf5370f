/** One create, update or delete. Object ids are 40 lower-case hex digits; `ref` is the exact bytes, as Latin-1. */
export interface PushCommand {
  oldOid: string;
  newOid: string;
  ref: string;
  capabilities: string[];
}

export type PushLine =
  | { kind: "command"; command: PushCommand }
  | { kind: "shallow" }
  | { kind: "certificate" }
  | { kind: "unknown"; why: string };

const COMMAND = /^([0-9a-f]{40}) ([0-9a-f]{40}) (.+)$/s;
const SHALLOW = /^shallow [0-9a-f]{40}\n?$/;
const CAPABILITIES = /^ ?[\x21-\x7e]+(?: [\x21-\x7e]+)* ?$/;

/** Reads one line of the command list of a push. Latin-1 keeps bytes and characters one to one. */
export function parsePushLine(payload: Uint8Array): PushLine {
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString("latin1");
  if (SHALLOW.test(text)) return { kind: "shallow" };
  const [line = "", list, ...more] = text.split("\0");
  if (line === "push-cert" || line === "push-cert\n") return { kind: "certificate" };
  const [, oldOid, newOid, ref] = COMMAND.exec(line) ?? [];
  if (oldOid === undefined || newOid === undefined || ref === undefined)
    return { kind: "unknown", why: "a line that is no command" };
  if (more.length > 0) return { kind: "unknown", why: "more than one NUL in a command" };
  const trimmed = list?.replace(/\n$/, "") ?? "";
  if (trimmed !== "" && !CAPABILITIES.test(trimmed))
    return { kind: "unknown", why: "capabilities that are not printable" };
  const capabilities = trimmed.split(" ").filter((name) => name !== "");
  return { kind: "command", command: { oldOid, newOid, ref, capabilities } };
}
