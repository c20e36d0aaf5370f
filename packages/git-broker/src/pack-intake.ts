import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { GIT_GUARDS, gitEnv } from "@windshift/base/git.ts";
import { complaintsOf, endInput } from "./child-pipes.ts";
import { BodyRefused } from "./refusal.ts";

/** Objects one push may bring, as many as a run may take out of its container. */
export const PUSH_OBJECTS_MAX = 500_000;
/** Memory git may ask for at once, bytes: what a delta or a tree of a push may become when unpacked. */
export const PUSH_OBJECT_BYTES_MAX = 256 * 1_048_576;
/** Files larger than this are streamed by git and not held, bytes. */
const STREAMED_BYTES_MIN = 16 * 1_048_576;
/** Time git has for the rest of its check after the last byte, ms. */
export const PUSH_CHECK_MS_MAX = 120_000;
/** `PACK`, version and number of objects. */
const HEADER_BYTES = 12;
const TRAILER_BYTES = 20;

export interface IntakeOptions {
  gitDir: string;
  packDir: string;
  /** Whether every object that the pack's objects name must be there. */
  links: boolean;
  bytesMax: number;
  signal: AbortSignal;
  path?: string;
}

export type Intake =
  /** `indexFile` is null for a pack without objects. */
  { kind: "taken"; indexFile: string | null } | { kind: "refused"; why: string };

/**
 * Takes the bytes of one pack into the quarantine, checked by git while they come. A write resolves when the system has
 * taken the bytes, so git lags behind by no more than a pipe holds: what comes after the end of the pack is noticed.
 */
export class PackIntake {
  private head: Buffer = Buffer.alloc(0);
  private bytes = 0;
  private child: Bun.Subprocess<"pipe", "ignore", "pipe"> | undefined;
  private complaints: Promise<string> = Promise.resolve("");
  private objects = 0;

  constructor(private readonly options: IntakeOptions) {}

  /** @throws BodyRefused */
  async write(chunk: Uint8Array): Promise<void> {
    this.bytes += chunk.length;
    if (this.bytes > this.options.bytesMax)
      throw new BodyRefused(413, `this push is larger than ${this.options.bytesMax} bytes`);
    if (this.child === undefined) {
      this.head = Buffer.concat([this.head, chunk]);
      if (this.head.length < HEADER_BYTES) return;
      this.objects = objectsOf(this.head);
      if (this.objects === 0) {
        if (this.bytes > HEADER_BYTES + TRAILER_BYTES)
          throw new BodyRefused(400, "a push with bytes after its pack");
        return;
      }
      this.start();
      await this.feed(this.head);
      this.head = Buffer.alloc(0);
    } else await this.feed(chunk);
  }

  async end(): Promise<Intake> {
    if (this.child === undefined)
      return this.bytes === HEADER_BYTES + TRAILER_BYTES
        ? { kind: "taken", indexFile: null }
        : { kind: "refused", why: "it ends in the middle of its pack" };
    const { child } = this;
    const timer = setTimeout(() => child.kill("SIGKILL"), PUSH_CHECK_MS_MAX);
    try {
      await endInput(child);
      await child.exited;
    } finally {
      clearTimeout(timer);
    }
    if (child.exitCode !== 0)
      return { kind: "refused", why: meaning(await this.complaints, child.signalCode) };
    return this.taken();
  }

  async abort(): Promise<void> {
    this.child?.kill("SIGKILL");
    await this.child?.exited;
  }

  private async taken(): Promise<Intake> {
    const { packDir } = this.options;
    const names = await readdir(packDir);
    const pack = names.find((name) => name.endsWith(".pack"));
    const index = names.find((name) => name.endsWith(".idx"));
    if (pack === undefined || index === undefined) return { kind: "refused", why: "git made no pack of it" };
    const { size } = await stat(join(packDir, pack));
    if (size !== this.bytes) return { kind: "refused", why: "there are bytes after its pack" };
    return { kind: "taken", indexFile: join(packDir, index) };
  }

  private start(): void {
    const { gitDir, links, bytesMax, signal, path } = this.options;
    const child = Bun.spawn(
      [
        "git",
        ...GIT_GUARDS,
        "-c",
        `core.bigFileThreshold=${STREAMED_BYTES_MIN}`,
        // It is thrown away after, also by a crash: waiting for the disk would save nothing.
        "-c",
        "core.fsync=none",
        `--git-dir=${gitDir}`,
        "index-pack",
        "--stdin",
        links ? "--strict" : "--fsck-objects",
        "--threads=1",
        `--max-input-size=${bytesMax}`,
      ],
      {
        env: gitEnv({
          ...(path === undefined ? {} : { path }),
          extraEnv: { GIT_NO_REPLACE_OBJECTS: "1", GIT_ALLOC_LIMIT: String(PUSH_OBJECT_BYTES_MAX) },
        }),
        stdin: "pipe",
        stdout: "ignore",
        stderr: "pipe",
        signal,
      },
    );
    this.child = child;
    this.complaints = complaintsOf(child.stderr);
  }

  private async feed(chunk: Uint8Array): Promise<void> {
    const { child } = this;
    try {
      await child?.stdin.write(chunk);
      await child?.stdin.flush();
    } catch {
      // git ended before its input did.
      await child?.exited;
      const why =
        child?.exitCode === 0
          ? "there are bytes after its pack"
          : meaning(await this.complaints, child?.signalCode);
      throw new BodyRefused(400, `this push is refused: ${why}`);
    }
  }
}

function objectsOf(head: Buffer): number {
  const version = head.readUInt32BE(4);
  if (head.toString("latin1", 0, 4) !== "PACK" || (version !== 2 && version !== 3))
    throw new BodyRefused(400, "a push without a pack that git can read");
  const objects = head.readUInt32BE(8);
  if (objects > PUSH_OBJECTS_MAX)
    throw new BodyRefused(413, `this push brings ${objects} objects, more than ${PUSH_OBJECTS_MAX}`);
  return objects;
}

/** What git's check found, in our words where it speaks of its own machinery. */
function meaning(complaints: string, signalCode: string | number | null | undefined): string {
  if (signalCode != null) return "its pack took too long to check";
  if (complaints.includes("unresolved delta")) return "its pack builds on objects that are not in it";
  if (complaints.includes("attempting to allocate"))
    return `one of its objects unpacks to more than ${PUSH_OBJECT_BYTES_MAX} bytes`;
  const line =
    complaints.split("\n").find((text) => /^(?:error|fatal): /.test(text)) ?? "its pack is damaged";
  return line
    .replace(/^(?:error|fatal): /, "git says: ")
    .replace(/[^\x20-\x7e]/g, "?")
    .slice(0, 300);
}
