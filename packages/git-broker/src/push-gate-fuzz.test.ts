import { expect, test } from "bun:test";
import { pktLine } from "./pkt-line.ts";
import { PushGate, type PushVerdict } from "./push-gate.ts";

const REF = "refs/heads/agent-runs/run-7";
const ZERO = "0".repeat(40);
const OID = "0123456789abcdef0123456789abcdef01234567";
const ROUNDS = 100_000;

/** The same mutations on every machine (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const raw = (text: string) => Buffer.from(text, "latin1");
const line = (text: string) => pktLine(raw(text));
const SEEDS = [
  [line(`${ZERO} ${OID} ${REF}\0report-status side-band-64k agent=git/2`), raw("0000PACK")],
  [
    line(`shallow ${OID}`),
    line(`${OID} ${OID} ${REF}\0report-status`),
    line(`shallow ${OID}`),
    raw("0000PACK"),
  ],
  [line(`${ZERO} ${OID} ${REF}\0report-status`), line(`${ZERO} ${OID} refs/heads/main`), raw("0000PACK")],
  [line(`${OID} ${ZERO} ${REF}\0report-status`), raw("0000")],
  [line("push-cert\0report-status"), line(`${ZERO} ${OID} ${REF}\n`), line("push-cert-end\n"), raw("0000")],
  [line(`${ZERO} ${OID} ${REF}\0report-status push-options`), raw("0000"), line("ci.skip"), raw("0000PACK")],
  [raw("0000")],
].map((parts) => Buffer.concat(parts));
const WORDS = [
  "0000",
  "0001",
  "0004",
  "ffff",
  "\0",
  " ",
  "\n",
  REF,
  "refs/heads/main",
  "PACK",
  "push-cert",
  ZERO,
];

function mutate(seed: Buffer, next: () => number): Buffer {
  let bytes = Buffer.from(seed);
  for (let times = 1 + Math.floor(next() * 4); times > 0; times--) {
    const at = Math.floor(next() * (bytes.length + 1));
    const kind = Math.floor(next() * 4);
    if (kind === 0 && at < bytes.length) bytes[at] = Math.floor(next() * 256);
    else if (kind === 1)
      bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + Math.floor(next() * 8))]);
    else if (kind === 2) {
      const word = raw(WORDS[Math.floor(next() * WORDS.length)] ?? "");
      bytes = Buffer.concat([bytes.subarray(0, at), word, bytes.subarray(at)]);
    } else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.floor(next() * bytes.length))]);
  }
  return bytes;
}

function judge(chunks: Uint8Array[]): PushVerdict {
  const gate = new PushGate(REF);
  for (const chunk of chunks) gate.push(chunk);
  return gate.end();
}

test("GB-03 GB-10 100,000 mutated bodies never throw, never depend on a split, and pass only as the granted ref", () => {
  const next = random(7);
  const kinds = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = mutate(SEEDS[round % SEEDS.length] ?? Buffer.alloc(0), next);
    const whole = judge([bytes]);
    const at = Math.floor(next() * bytes.length);
    const then = at + Math.floor(next() * (bytes.length - at));
    const split = judge([bytes.subarray(0, at), bytes.subarray(at, then), bytes.subarray(then)]);
    if (!Bun.deepEquals(whole, split)) throw new Error(`round ${round}: ${bytes.toString("latin1")}`);
    if (whole.kind === "push" && (whole.command.ref !== REF || whole.command.newOid === ZERO))
      throw new Error(`round ${round} passed: ${bytes.toString("latin1")}`);
    kinds.set(whole.kind, (kinds.get(whole.kind) ?? 0) + 1);
  }
  // All four verdicts were reached, so the mutations are neither too wild nor too tame.
  expect([...kinds.keys()].sort()).toEqual(["forbidden", "malformed", "probe", "push"]);
});
