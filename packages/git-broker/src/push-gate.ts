import { PktReader } from "./pkt-line.ts";
import { printable } from "./printable.ts";
import { isPushCapability } from "./push-capabilities.ts";
import { type PushCommand, parsePushLine } from "./push-line.ts";

export type PushVerdict =
  /** One create or update of the granted ref: the rest of the body is its pack. */
  | { kind: "push"; command: PushCommand; sideBand: boolean }
  /** A lone flush: git asks whether it may send a large body. */
  | { kind: "probe" }
  /** Not what a git client sends. */
  | { kind: "malformed"; why: string; refs: string[] }
  /** Understood, and beyond the grant. */
  | { kind: "forbidden"; why: string; refs: string[] };

/** All of a push before its pack must fit in this, bytes; it is what is held before the verdict. */
export const PUSH_COMMAND_BYTES_MAX = 65_536;
/** `shallow` lines of one push. A shallow clone has a handful. */
export const PUSH_SHALLOW_MAX = 1_000;

/**
 * Decides on a push from the lines before its pack. Fed chunk by chunk; the verdict does not depend on where chunks end.
 * Only the exact bytes of `ref` pass, in one command, with nothing beside it. Never throws.
 */
export class PushGate {
  private readonly lines = new PktReader();
  private seenBytes = 0;
  private shallow = 0;
  private command: PushCommand | undefined;
  private flushed = false;
  private readonly refs: string[] = [];
  private verdict: PushVerdict | undefined;

  constructor(private readonly ref: string) {}

  /** @returns the verdict as soon as there is one, and the same one ever after */
  push(chunk: Uint8Array): PushVerdict | undefined {
    if (this.verdict !== undefined || chunk.length === 0) return this.verdict;
    const room = PUSH_COMMAND_BYTES_MAX - this.seenBytes;
    this.lines.push(chunk.subarray(0, room));
    this.seenBytes += Math.min(room, chunk.length);
    this.verdict = this.readLines();
    if (this.verdict === undefined && this.seenBytes >= PUSH_COMMAND_BYTES_MAX)
      this.verdict = this.malformed("more than 64 KiB before the pack");
    return this.verdict;
  }

  /** The body is over. */
  end(): PushVerdict {
    this.verdict ??= this.flushed
      ? { kind: "probe" }
      : this.malformed("the request ends before its commands do");
    return this.verdict;
  }

  /** Bytes up to the flush after the commands, once the verdict is `push`: there the pack begins. */
  get commandBytes(): number {
    return this.seenBytes - this.lines.heldBytes;
  }

  /** Whether the client can be told in git's own words why its push is refused. */
  get wantsReport(): boolean {
    const asked = this.command?.capabilities ?? [];
    return asked.includes("report-status") && asked.includes("side-band-64k");
  }

  private readLines(): PushVerdict | undefined {
    if (this.flushed) return this.malformed("bytes after an empty list of commands");
    for (let frame = this.lines.next(); frame !== undefined; frame = this.lines.next()) {
      const verdict =
        frame.kind === "data"
          ? this.readLine(frame.payload)
          : frame.kind === "flush"
            ? this.readFlush()
            : this.malformed(frame.why);
      if (verdict !== undefined || this.flushed) return verdict;
    }
    return undefined;
  }

  private readFlush(): PushVerdict | undefined {
    if (this.command !== undefined)
      return {
        kind: "push",
        command: this.command,
        sideBand: this.command.capabilities.includes("side-band-64k"),
      };
    if (this.shallow > 0) return this.malformed("no command");
    this.flushed = true;
    return this.lines.heldBytes > 0 ? this.malformed("bytes after an empty list of commands") : undefined;
  }

  private readLine(payload: Uint8Array): PushVerdict | undefined {
    const line = parsePushLine(payload);
    switch (line.kind) {
      case "shallow":
        return ++this.shallow > PUSH_SHALLOW_MAX ? this.malformed("too many shallow lines") : undefined;
      case "certificate":
        return this.forbidden("push certificates are not taken");
      case "unknown":
        return this.malformed(line.why);
      case "command":
        return this.readCommand(line.command);
    }
  }

  private readCommand(command: PushCommand): PushVerdict | undefined {
    this.refs.push(printable(command.ref));
    if (this.command !== undefined) return this.judgeSecond(this.command, command);
    this.command = command;
    if (command.ref !== this.ref) return this.forbidden(`this run may push only ${this.ref}`);
    if (/^0+$/.test(command.newOid)) return this.forbidden("this run may not delete its branch");
    return this.judgeCapabilities(command.capabilities);
  }

  private judgeSecond(first: PushCommand, second: PushCommand): PushVerdict {
    if (second.capabilities.length > 0) return this.malformed("capabilities after the first command");
    if (second.ref === first.ref) return this.malformed("one ref twice");
    return this.forbidden(`this run may push only ${this.ref}, and nothing beside it`);
  }

  private judgeCapabilities(capabilities: readonly string[]): PushVerdict | undefined {
    if (capabilities.includes("push-options")) return this.forbidden("push options are not taken");
    const foreign = capabilities.find((name) => !isPushCapability(name));
    if (foreign !== undefined) return this.forbidden(`${printable(foreign)} was not offered`);
    if (capabilities.some((name) => name.startsWith("object-format=") && name !== "object-format=sha1"))
      return this.forbidden("only SHA-1 repositories can be pushed to");
    if (!capabilities.includes("report-status")) return this.forbidden("a push must ask for report-status");
    return undefined;
  }

  private malformed(why: string): PushVerdict {
    return { kind: "malformed", why, refs: this.refs };
  }

  private forbidden(why: string): PushVerdict {
    return { kind: "forbidden", why, refs: this.refs };
  }
}
