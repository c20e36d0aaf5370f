import { describe, expect, test } from "bun:test";
import { pktLine } from "./pkt-line.ts";
import { PUSH_COMMAND_BYTES_MAX, PUSH_SHALLOW_MAX, PushGate, type PushVerdict } from "./push-gate.ts";

const REF = "refs/heads/agent-runs/run-7";
const ZERO = "0".repeat(40);
const OID = "0123456789abcdef0123456789abcdef01234567";
const CAPS = "report-status side-band-64k object-format=sha1 agent=git/2.39.5";
const FLUSH = Buffer.from("0000");
const PACK = Buffer.from("PACK\0\0\0\u0002\0\0\0\0", "latin1");

const raw = (text: string) => Buffer.from(text, "latin1");
const command = (ref: string, caps: string | null = CAPS, next = OID, old = ZERO) =>
  pktLine(raw(`${old} ${next} ${ref}${caps === null ? "" : `\0${caps}`}`));
const body = (...parts: Uint8Array[]) => Buffer.concat(parts);
const good = body(command(REF), FLUSH, PACK);

function judge(bytes: Uint8Array, chunkBytes = bytes.length): PushVerdict {
  const gate = new PushGate(REF);
  for (let at = 0; at < bytes.length; at += chunkBytes) gate.push(bytes.subarray(at, at + chunkBytes));
  return gate.end();
}

/** The verdict, after checking that it is the same one byte at a time and cut in two anywhere. */
function judgeEverywhere(bytes: Uint8Array): PushVerdict {
  const whole = judge(bytes);
  expect(judge(bytes, 1)).toEqual(whole);
  for (let at = 1; at < Math.min(bytes.length, 400); at++) {
    const gate = new PushGate(REF);
    gate.push(bytes.subarray(0, at));
    gate.push(bytes.subarray(at));
    expect(gate.end()).toEqual(whole);
  }
  return whole;
}

describe("the gate", () => {
  test("lets one create or update of the granted ref through", () => {
    for (const old of [ZERO, OID.replace("0", "f")])
      expect(judgeEverywhere(body(command(REF, CAPS, OID, old), FLUSH, PACK))).toMatchObject({
        kind: "push",
        sideBand: true,
        command: { ref: REF, newOid: OID, oldOid: old },
      });
  });

  test("GB-03 gives the same verdict at every split", () => {
    const bodies = [
      good,
      body(command("refs/heads/main"), FLUSH, PACK),
      body(command(REF), command("refs/heads/main", null), FLUSH, PACK),
      FLUSH,
      body(FLUSH, raw("x")),
      raw("0001"),
      raw("zzzz"),
      new Uint8Array(),
    ];
    expect(bodies.map((bytes) => judgeEverywhere(bytes).kind)).toEqual([
      "push",
      "forbidden",
      "forbidden",
      "probe",
      "malformed",
      "malformed",
      "malformed",
      "malformed",
    ]);
  });

  test("GB-02 refuses two commands, and 500 with the bad one last", () => {
    const two = judge(body(command(REF), command("refs/heads/main", null), FLUSH, PACK));
    expect(two).toMatchObject({ kind: "forbidden", refs: [REF, "refs/heads/main"] });
    const many = Array.from({ length: 499 }, (_, i) => command(`${REF}-${i}`, null));
    expect(judge(body(command(REF), ...many, command("refs/heads/main", null), FLUSH)).kind).toBe(
      "forbidden",
    );
  });

  test("GB-04 refuses a delete before its flush came", () => {
    const gate = new PushGate(REF);
    expect(gate.push(command(REF, CAPS, ZERO, OID))).toMatchObject({ kind: "forbidden" });
  });

  const FOREIGN = [
    "refs/heads/agent-runs/run-70",
    "refs/heads/agent-runs/run-7/",
    "refs/heads/agent-runs/run-7/x",
    "refs/heads/agent-runs/Run-7",
    "refs/heads/Agent-Runs/run-7",
    "refs/heads//agent-runs/run-7",
    "refs/heads/agent-runs//run-7",
    "refs/heads/agent-runs/../main",
    "refs/heads/agent-runs/run-7.lock",
    `${REF} `,
    ` ${REF}`,
    `${REF}\r`,
    `${REF}\n`,
    `${REF}\0`,
    Buffer.from("refs/heads/agent-runs/run-７").toString("latin1"),
    Buffer.from("refs/heads/аgent-runs/run-7").toString("latin1"),
    Buffer.from("refs/heads/agent-runs/run-7\u0301").toString("latin1"),
    Buffer.from("refs/heads/\u00e4gent-runs/run-7".normalize("NFD")).toString("latin1"),
    "HEAD",
    "refs/heads/HEAD",
    "refs/heads/main",
    `refs/heads/${REF}`,
    "refs/tags/agent-runs/run-7",
    "refs/notes/agent-runs/run-7",
    "refs/for/main",
    "refs/heads/-d",
    "agent-runs/run-7",
    `refs/heads/${OID}`,
    "",
  ];
  for (const ref of FOREIGN)
    test(`GB-05 refuses ${JSON.stringify(ref)}`, () => {
      expect(["forbidden", "malformed"]).toContain(judgeEverywhere(body(command(ref), FLUSH, PACK)).kind);
    });

  test("GB-06 finds the commands among shallow lines, and caps their number", () => {
    const shallow = pktLine(`shallow ${OID}`);
    const push = (...lines: Uint8Array[]) => judgeEverywhere(body(...lines, FLUSH, PACK)).kind;
    expect(push(shallow, shallow, command(REF))).toBe("push");
    expect(push(shallow, command(REF), shallow)).toBe("push");
    expect(push(shallow, command(REF), shallow, command("refs/heads/main", null))).toBe("forbidden");
    expect(push(shallow)).toBe("malformed");
    expect(push(pktLine(`shallow ${OID}x`), command(REF))).toBe("malformed");
    expect(push(pktLine(raw(`shallow ${OID}\0x`)), command(REF))).toBe("malformed");
    const most = Array<Uint8Array>(PUSH_SHALLOW_MAX).fill(shallow);
    expect(judge(body(...most, command(REF), FLUSH)).kind).toBe("push");
    expect(judge(body(...most, shallow, command(REF), FLUSH)).kind).toBe("malformed");
  });

  test("GB-07 refuses a certificate with the commands inside", () => {
    const lines = [
      pktLine(raw(`push-cert\0${CAPS}`)),
      pktLine("certificate version 0.1\n"),
      pktLine(`${ZERO} ${OID} ${REF}\n`),
      pktLine("push-cert-end\n"),
    ];
    expect(judgeEverywhere(body(...lines, FLUSH, PACK)).kind).toBe("forbidden");
    expect(judge(body(command(REF), ...lines, FLUSH)).kind).toBe("forbidden");
    expect(judge(body(command(REF, `${CAPS} push-cert=nonce`), FLUSH)).kind).toBe("forbidden");
  });

  for (const option of ["ci.skip", "a;id", "a\r\nb", "a\0b", "x".repeat(65_000)])
    test(`GB-08 refuses the push option ${JSON.stringify(option.slice(0, 10))} and shows none of it`, () => {
      const asked = body(command(REF, `${CAPS} push-options`), FLUSH, pktLine(raw(option)), FLUSH, PACK);
      const verdict = judgeEverywhere(asked);
      expect(verdict).toMatchObject({ kind: "forbidden", why: "push options are not taken" });
      expect(JSON.stringify(verdict)).not.toContain(option.slice(0, 10));
    });

  test("GB-09 goes by pkt-lines alone, whatever PACK looks like", () => {
    expect(judgeEverywhere(body(command("refs/heads/PACK"), FLUSH, PACK))).toMatchObject({
      kind: "forbidden",
      refs: ["refs/heads/PACK"],
    });
    expect(judge(body(command(REF), FLUSH, raw("0000 not a pack"))).kind).toBe("push");
    expect(judge(body(command(REF), PACK)).kind).toBe("malformed");
  });

  const BAD: [string, Uint8Array][] = [
    ["0001", body(command(REF), raw("0001"), PACK)],
    ["0002", body(command(REF), raw("0002"), PACK)],
    ["0003", body(command(REF), raw("0003"), PACK)],
    ["an empty line", body(command(REF), raw("0004"), FLUSH)],
    ["a line over 65520", body(raw("fff1"), new Uint8Array(70_000))],
    ["a length that is no hex", body(raw("00g0"), command(REF))],
    ["a length in capitals", body(raw(`00${(4 + 83 + CAPS.length).toString(16).toUpperCase()}`), FLUSH)],
    ["a truncated line", command(REF).subarray(0, 50)],
    ["no flush", command(REF)],
    ["NUL in the second command", body(command(REF), command("refs/heads/main\0x", null), FLUSH)],
    ["one ref twice", body(command(REF), command(REF, null), FLUSH)],
    ["a short object id", body(command(REF, CAPS, OID.slice(1)), FLUSH)],
    ["a long object id", body(command(REF, CAPS, `${OID}0`), FLUSH)],
    ["an object id in capitals", body(command(REF, CAPS, OID.toUpperCase()), FLUSH)],
    ["capabilities on the second line", body(command(REF), command("refs/heads/x"), FLUSH)],
    ["control characters in the capabilities", body(command(REF, `${CAPS}\tx`), FLUSH)],
    ["two NULs", body(command(REF, `${CAPS}\0more`), FLUSH)],
  ];
  for (const [what, bytes] of BAD)
    test(`GB-10 fails closed on ${what}`, () => {
      expect(judgeEverywhere(bytes).kind).toBe("malformed");
    });

  test("GB-10 gives up at 64 KiB without a verdict", () => {
    const gate = new PushGate(REF);
    const long = pktLine(raw(`shallow ${"x".repeat(65_400)}`));
    expect(gate.push(long)).toMatchObject({ kind: "malformed" });
    const slow = new PushGate(REF);
    const line = pktLine(`shallow ${OID}`);
    const stream = body(
      command(REF),
      ...Array<Uint8Array>(900).fill(line),
      raw("ffef"),
      new Uint8Array(65_536),
    );
    expect(stream.length).toBeGreaterThan(PUSH_COMMAND_BYTES_MAX);
    let at = 0;
    while (slow.push(stream.subarray(at, at + 1)) === undefined) at++;
    expect(at).toBeLessThan(PUSH_COMMAND_BYTES_MAX);
  });

  test("GB-32 refuses 64-digit ids and sha256 repositories instead of cutting them", () => {
    const long = OID + OID.slice(0, 24);
    expect(judge(body(command(REF, CAPS, long, "0".repeat(64)), FLUSH)).kind).toBe("malformed");
    const caps = "report-status object-format=sha256";
    expect(judge(body(command(REF, caps), FLUSH)).kind).toBe("forbidden");
  });

  test("refuses what was never offered, and a push without report-status", () => {
    expect(judge(body(command(REF, `${CAPS} delete-refs`), FLUSH)).kind).toBe("forbidden");
    expect(judge(body(command(REF, `${CAPS} report-status-v2`), FLUSH)).kind).toBe("forbidden");
    expect(judge(body(command(REF, "side-band-64k"), FLUSH)).kind).toBe("forbidden");
    expect(judge(body(command(REF, null), FLUSH)).kind).toBe("forbidden");
  });
});
