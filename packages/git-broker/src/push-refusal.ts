import { resultType } from "./git-upstream.ts";
import { pktLine } from "./pkt-line.ts";

/** Lines of a refusal that git shows, and the characters of each. */
const LINES_MAX = 40;
const LINE_CHARS_MAX = 900;
const REASON = "refused by Windshift";
/** Refs that a refusal answers one by one. */
const REFS_MAX = 50;

/**
 * A refusal in the words of git's own protocol: git shows each line of `why` behind `remote:`, and the ref as rejected.
 * An HTTP status would hide the sentence, because git does not show the body of an error to a push.
 */
export function pushRefusal(why: string, refs: readonly string[]): Response {
  const lines = why.split("\n").slice(0, LINES_MAX);
  const shown = lines.map((line) => band(2, `${line.slice(0, LINE_CHARS_MAX)}\n`));
  const plain = refs.filter((ref) => /^[\x21-\x5b\x5d-\x7e]+$/.test(ref)).slice(0, REFS_MAX);
  const report = [
    pktLine("unpack ok\n"),
    ...plain.map((ref) => pktLine(`ng ${ref} ${REASON}\n`)),
    Buffer.from("0000"),
  ];
  const body = Buffer.concat([...shown, band(1, Buffer.concat(report)), Buffer.from("0000")]);
  return new Response(new Uint8Array(body), {
    headers: { "content-type": resultType("git-receive-pack"), "cache-control": "no-cache" },
  });
}

function band(number: 1 | 2, payload: string | Uint8Array): Uint8Array {
  return pktLine(Buffer.concat([Buffer.from([number]), Buffer.from(payload)]));
}
