import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GIT_GUARDS, git, gitEnv } from "@windshift/base/git.ts";
import { pktLine } from "./pkt-line.ts";

/** Bodies of pushes, mutated from what git sends, and what git makes of them. For tests only. */

export const FUZZ_REF = "refs/heads/agent-runs/run-7";
const ZERO = "0".repeat(40);
export const FUZZ_OID = "0123456789abcdef0123456789abcdef01234567";

/** The same numbers on every machine (mulberry32). */
export function seededRandom(seed: number): () => number {
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
const CAPS = "report-status side-band-64k object-format=sha1 agent=git/2.39.5";

/** The wire captures of SECURITY section D (E2), and the refs of E3 that git takes and the gate must not. */
const SEEDS = [
  [line(`${ZERO} ${FUZZ_OID} ${FUZZ_REF}\0 ${CAPS}`), raw("0000PACK")],
  [
    line(`shallow ${FUZZ_OID}`),
    line(`${FUZZ_OID} ${FUZZ_OID} ${FUZZ_REF}\0 ${CAPS}`),
    line(`shallow ${FUZZ_OID}`),
    raw("0000PACK"),
  ],
  [
    line(`${ZERO} ${FUZZ_OID} ${FUZZ_REF}\0${CAPS}`),
    line(`${ZERO} ${FUZZ_OID} refs/heads/main`),
    raw("0000PACK"),
  ],
  [line(`${FUZZ_OID} ${ZERO} ${FUZZ_REF}\0${CAPS}`), raw("0000")],
  [
    line(`push-cert\0${CAPS}`),
    line("certificate version 0.1\n"),
    line("\n"),
    line(`${ZERO} ${FUZZ_OID} ${FUZZ_REF}\n`),
    line("push-cert-end\n"),
    raw("0000"),
  ],
  [
    line(`${ZERO} ${FUZZ_OID} ${FUZZ_REF}\0${CAPS} push-options`),
    raw("0000"),
    line("ci.skip"),
    raw("0000PACK"),
  ],
  [raw("0000")],
  [line(`${ZERO} ${FUZZ_OID} refs/heads/refs/heads/main\0${CAPS}`), raw("0000PACK")],
  [
    line(`${ZERO} ${FUZZ_OID} refs/heads/-d\0${CAPS}`),
    line(`${ZERO} ${FUZZ_OID} ${FUZZ_REF}`),
    raw("0000PACK"),
  ],
].map((parts) => Buffer.concat(parts));

const WORDS = [
  "0000",
  "0001",
  "0002",
  "0003",
  "0004",
  "ffff",
  "FFF0",
  "\0",
  " ",
  "\n",
  "\r",
  FUZZ_REF,
  "refs/heads/main",
  "PACK",
  "push-cert",
  "push-cert-end\n",
  "shallow ",
  ZERO,
  FUZZ_OID,
  FUZZ_OID.toUpperCase(),
].map(raw);

/** Whole lines put in whole, so that mutations reach past the framing. */
const LINES = [
  line(`${ZERO} ${FUZZ_OID} refs/heads/main`),
  line(`${ZERO} ${FUZZ_OID} ${FUZZ_REF}\n`),
  line(`${ZERO} ${FUZZ_OID} refs/heads/main\0${CAPS}`),
  line(`${ZERO} ${FUZZ_OID} ${FUZZ_REF}\0x\0refs/heads/main`),
  line(`shallow ${FUZZ_OID}\n`),
  line(`shallow ${FUZZ_OID.toUpperCase()}`),
  raw("0004"),
  raw("0001"),
  raw("0000"),
];

export function mutatedPush(round: number, next: () => number): Buffer {
  let bytes: Buffer = Buffer.from(SEEDS[round % SEEDS.length] ?? Buffer.alloc(0));
  const pick = <T>(list: readonly T[]) => list[Math.floor(next() * list.length)] as T;
  for (let times = 1 + Math.floor(next() * 4); times > 0; times--) {
    const at = Math.floor(next() * (bytes.length + 1));
    const put = (what: Uint8Array, where: number) =>
      Buffer.concat([bytes.subarray(0, where), what, bytes.subarray(where)]);
    switch (Math.floor(next() * 6)) {
      case 0:
        if (at < bytes.length) bytes[at] = Math.floor(next() * 256);
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + Math.floor(next() * 8))]);
        break;
      case 2:
        bytes = put(pick(WORDS), at);
        break;
      case 3:
        bytes = put(pick(LINES), pick(boundaries(bytes)));
        break;
      case 4:
        bytes = withHonestLengths(bytes);
        break;
      default:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.floor(next() * bytes.length))]);
    }
  }
  return bytes;
}

/** Where pkt-lines begin, as far as their lengths can be read. */
function boundaries(bytes: Buffer): number[] {
  const found = [0];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = Number.parseInt(bytes.toString("latin1", at, at + 4), 16);
    at += Number.isNaN(length) ? bytes.length : Math.max(length, 4);
    if (at <= bytes.length) found.push(at);
  }
  return found;
}

/** Gives the first line the length that makes it end at the flush, so that what was put into it is inside. */
function withHonestLengths(bytes: Buffer): Buffer {
  const flush = bytes.indexOf("0000PACK");
  if (flush < 5) return bytes;
  return Buffer.concat([pktLine(bytes.subarray(4, flush)), bytes.subarray(flush)]);
}

/**
 * The refs git would touch, by its own way of reading (receive-pack.c, pkt-line.c): lengths in either case, a special line
 * ends the list, a line ends at its first NUL, an id in either case. Undefined when git would die on it.
 */
export function refsGitReads(bytes: Buffer): string[] | undefined {
  const refs: string[] = [];
  let certificate: string | undefined;
  for (let at = 0; at < bytes.length; ) {
    const digits = bytes.toString("latin1", at, at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) return undefined;
    const length = Number.parseInt(digits, 16);
    if (length < 3) return refs;
    if (length === 3 || length > 65_520 || at + length > bytes.length) return undefined;
    const payload = bytes.toString("latin1", at + 4, at + length);
    at += length;
    if (certificate !== undefined) {
      if (payload === "push-cert-end\n") {
        refs.push(...certified(certificate));
        certificate = undefined;
      } else certificate += payload.split("\0")[0];
      continue;
    }
    const text = payload.replace(/\n$/, "").split("\0")[0] ?? "";
    if (text === "push-cert") certificate = "";
    else if (text.startsWith("shallow ") && text.length > 8) {
      if (!/^[0-9a-fA-F]{40}/.test(text.slice(8))) return undefined;
    } else {
      if (!/^[0-9a-fA-F]{40} [0-9a-fA-F]{40} /.test(text)) return undefined;
      refs.push(text.slice(82));
    }
  }
  return refs;
}

/** A ref name as the oracle gives it back: an id in it was made real, whatever its letters were. */
export const fuzzName = (ref: string) => ref.replaceAll(new RegExp(FUZZ_OID, "gi"), FUZZ_OID);

/** A certificate's lines are joined before they are cut at their line ends. */
function certified(certificate: string): string[] {
  return certificate
    .split("\n")
    .filter((text) => /^[0-9a-f]{40} [0-9a-f]{40} ./i.test(text))
    .map((text) => text.slice(82));
}

/** A real repository that pushes are thrown at. */
export class PushOracle {
  private readonly dir = mkdtempSync(join(tmpdir(), "push-oracle-"));
  private oid = "";

  async open(): Promise<void> {
    const run = async (args: string[], stdin?: string) => {
      const done = await git(args, {
        cwd: this.dir,
        timeoutMs: 20_000,
        ...(stdin === undefined ? {} : { stdin }),
        extraEnv: {
          GIT_AUTHOR_NAME: "a",
          GIT_AUTHOR_EMAIL: "a@example.org",
          GIT_COMMITTER_NAME: "a",
          GIT_COMMITTER_EMAIL: "a@example.org",
        },
      });
      if (done.exitCode !== 0) throw new Error(done.stderr);
      return done.stdout.trim();
    };
    await run(["init", "-q", "--bare", "-b", "trunk", "."]);
    const tree = await run(["mktree"], "");
    this.oid = await run(["commit-tree", "-m", randomBytes(4).toString("hex"), tree]);
  }

  /**
   * Sends the command part of a body, its ids made real, to `git receive-pack` with an empty pack behind it.
   * @returns the refs git moved or reported on, ids in their names as `fuzzName` has them; a name that git reports ends at its first line end
   */
  async refsTouched(commands: Buffer): Promise<string[]> {
    const text = commands.toString("latin1").replaceAll(new RegExp(FUZZ_OID, "gi"), this.oid);
    const pack = Buffer.from("5041434b0000000200000000029d08823bd8a8eab510ad6ac75c823cfd3ed31e", "hex");
    const child = Bun.spawn(["git", ...GIT_GUARDS, "receive-pack", "--stateless-rpc", this.dir], {
      env: gitEnv({}),
      stdin: Buffer.concat([Buffer.from(text, "latin1"), pack]),
      stdout: "pipe",
      stderr: "ignore",
    });
    const said = Buffer.from(await new Response(child.stdout).arrayBuffer()).toString("latin1");
    await child.exited;
    const reported = [...said.matchAll(/(?:ok|ng) (refs\/[^\n ]+)/g)].map(([, ref]) => ref ?? "");
    const moved = this.takeRefs("refs");
    return [...new Set([...reported, ...moved].map((ref) => ref.replaceAll(this.oid, FUZZ_OID)))].sort();
  }

  close(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Takes all refs away. Their names are bytes: as Latin-1. */
  private takeRefs(folder: string): string[] {
    const at = (name: string) => Buffer.concat([Buffer.from(`${this.dir}/`), Buffer.from(name, "latin1")]);
    return readdirSync(at(folder), { encoding: "buffer" }).flatMap((name) => {
      const path = `${folder}/${name.toString("latin1")}`;
      if (statSync(at(path)).isDirectory()) return this.takeRefs(path);
      const held = readFileSync(at(path)).length > 0;
      unlinkSync(at(path));
      return held ? [path] : [];
    });
  }
}
