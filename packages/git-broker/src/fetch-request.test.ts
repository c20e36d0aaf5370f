import { expect, test } from "bun:test";
import { cpuMs } from "@windshift/testing/cpu-time.ts";
import { FETCH_FLUSHES_MAX, FETCH_LINES_MAX, parseFetchRequest } from "./fetch-request.ts";
import { pktLine } from "./pkt-line.ts";
import { FETCH_BODY_BYTES_MAX } from "./upload-pack.ts";

const OID = "a".repeat(40);
const want = Buffer.from(pktLine(`want ${OID}\n`)).toString();
const have = Buffer.from(pktLine(`have ${OID}\n`)).toString();

for (const [what, line] of [
  ["tiny lines", "0005x"],
  ["flushes", "0000"],
  ["wants", want],
  ["haves", have],
] as const)
  test(`a body full of ${what} is given up early`, async () => {
    const body = Buffer.from(want + line.repeat((FETCH_BODY_BYTES_MAX - want.length) / line.length));
    const took = await cpuMs(() => expect(parseFetchRequest(body).kind).toBe("malformed"));
    // The whole body took over a second; this many lines take a tenth of that on a busy machine.
    expect(took).toBeLessThan(500);
  });

test("as many lines and flushes as are allowed pass, written as they came", () => {
  const [flushes, haves] = ["0000".repeat(FETCH_FLUSHES_MAX), have.repeat(FETCH_LINES_MAX - 2)];
  const body = Buffer.from(`${want}${flushes}${haves}0009done\n`);
  const asked = parseFetchRequest(body);
  expect(asked.kind === "fetch" && Buffer.from(asked.body).equals(body)).toBe(true);
});

test("what follows the flush of a command is refused", () => {
  const command = `0012command=fetch\n0001${want}0009done\n0000`;
  expect(parseFetchRequest(Buffer.from(command)).kind).toBe("fetch");
  expect(parseFetchRequest(Buffer.from(`${command}0000`)).kind).toBe("malformed");
});
