import { GIT_GUARDS, gitEnv } from "@windshift/base/git.ts";

export interface GitObject {
  type: "commit" | "tree" | "blob" | "tag";
  /** All of its bytes, or the first `bytesMax`. */
  bytes: Buffer;
  size: number;
}

/** A commit or a tree larger than this is no honest one, bytes. */
export const TREE_BYTES_MAX = 16 * 1_048_576;

/** Files larger than this are handed on while git unpacks them, not held by it first, bytes: half the time, and no memory for 500 MB. */
const STREAMED_BYTES_MIN = 1_048_576;

/** Reads objects of one repository through one git process, whole or chunk by chunk. One read at a time. */
export class ObjectReader {
  private readonly child: Bun.Subprocess<"pipe", "pipe", "ignore">;
  private readonly chunks: ReadableStreamDefaultReader<Uint8Array>;
  private held: Buffer = Buffer.alloc(0);

  constructor(gitDir: string, path?: string) {
    const streamed = ["-c", `core.bigFileThreshold=${STREAMED_BYTES_MIN}`];
    const command = ["git", ...GIT_GUARDS, ...streamed, `--git-dir=${gitDir}`, "cat-file", "--batch"];
    this.child = Bun.spawn(command, {
      env: gitEnv({ ...(path === undefined ? {} : { path }), extraEnv: { GIT_NO_REPLACE_OBJECTS: "1" } }),
      stdin: "pipe",
      stdout: "pipe",
      stderr: "ignore",
    });
    this.chunks = this.child.stdout.getReader();
  }

  /**
   * @param bytesMax how much of it is given back
   * @param onChunk sees all of it
   * @returns undefined when the repository has no such object
   */
  async read(
    oid: string,
    bytesMax: number = TREE_BYTES_MAX,
    onChunk?: (chunk: Uint8Array) => void,
  ): Promise<GitObject | undefined> {
    this.child.stdin.write(`${oid}\n`);
    await this.child.stdin.flush();
    const [, type, digits] = (await this.line()).split(" ");
    if (type === "missing" || digits === undefined) return undefined;
    const size = Number(digits);
    const bytes = await this.take(size, bytesMax, onChunk);
    await this.take(1, 0);
    return { type: type as GitObject["type"], size, bytes };
  }

  async close(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
  }

  private async line(): Promise<string> {
    for (;;) {
      const end = this.held.indexOf(10);
      if (end >= 0) {
        const text = this.held.toString("latin1", 0, end);
        this.held = this.held.subarray(end + 1);
        return text;
      }
      this.held = Buffer.concat([this.held, await this.more()]);
    }
  }

  private async take(
    bytes: number,
    bytesMax: number,
    onChunk?: (chunk: Uint8Array) => void,
  ): Promise<Buffer> {
    const kept: Uint8Array[] = [];
    for (let left = bytes, room = bytesMax; left > 0; ) {
      if (this.held.length === 0) this.held = Buffer.from(await this.more());
      const part = this.held.subarray(0, left);
      this.held = this.held.subarray(part.length);
      left -= part.length;
      onChunk?.(part);
      if (room > 0) kept.push(part.subarray(0, room));
      room -= part.length;
    }
    return kept.length === 1 && kept[0] !== undefined ? Buffer.from(kept[0]) : Buffer.concat(kept);
  }

  private async more(): Promise<Uint8Array> {
    const { done, value } = await this.chunks.read();
    if (done) throw new Error("git ended while objects were read");
    return value;
  }
}
