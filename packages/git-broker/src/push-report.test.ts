import { expect, test } from "bun:test";
import { pktLine } from "./pkt-line.ts";
import { PushReport } from "./push-report.ts";

const REF = "refs/heads/agent-runs/run-7";
const FLUSH = Buffer.from("0000");
const report = (...lines: string[]) => Buffer.concat([...lines.map((line) => pktLine(line)), FLUSH]);
const band = (number: number, bytes: Uint8Array) => pktLine(Buffer.concat([Buffer.from([number]), bytes]));

/** How often the good news came, one byte at a time. */
function count(bytes: Uint8Array, sideBand: boolean): number {
  const reader = new PushReport(REF, sideBand);
  return [...bytes].filter((byte) => reader.push(Uint8Array.of(byte))).length;
}

test("a push counts once, when unpack ok is followed by ok of its ref", () => {
  const ok = report("unpack ok\n", `ok ${REF}\n`);
  expect(count(ok, false)).toBe(1);
  const banded = Buffer.concat([
    band(2, Buffer.from("Resolving deltas: 100%\r")),
    band(1, ok.subarray(0, 9)),
    band(2, Buffer.from(`ok ${REF}\n`)),
    band(1, ok.subarray(9)),
    FLUSH,
  ]);
  expect(count(banded, true)).toBe(1);
});

test("GB-27 nothing counts that the upstream did not accept", () => {
  for (const lines of [
    ["unpack ok\n", `ng ${REF} non-fast-forward\n`],
    ["unpack index-pack abnormal exit\n", `ok ${REF}\n`],
    [`ok ${REF}\n`, "unpack ok\n"],
    ["unpack ok\n", "ok refs/heads/main\n"],
    ["unpack ok\n", `ok ${REF}0\n`],
    ["unpack ok\n"],
    [],
  ]) {
    expect(count(report(...lines), false)).toBe(0);
    expect(count(Buffer.concat([band(1, report(...lines)), FLUSH]), true)).toBe(0);
  }
  expect(count(band(2, report("unpack ok\n", `ok ${REF}\n`)), true)).toBe(0);
  expect(count(Buffer.from("<html>not git</html>"), true)).toBe(0);
});
