import { turn } from "@windshift/base/turn.ts";
import type { SandboxStreams } from "./sandbox.ts";

/** A child process with all three streams piped. */
export type PipedChild = Bun.Subprocess<"pipe", "pipe", "pipe">;

/**
 * Carries the streams of a child until it has ended and both outputs are read. Each chunk is waited for, so a slow
 * reader slows the child down and memory stays bounded. Input that the child no longer reads is dropped.
 * @throws what `onStdout` or `onStderr` throws; the child is then still running
 */
export async function carryStreams(child: PipedChild, streams: SandboxStreams): Promise<void> {
  const stdin = feed(child, streams.stdin);
  await Promise.all([
    drain(child.stdout, (chunk) => streams.onStdout(chunk)),
    drain(child.stderr, (chunk) => streams.onStderr(chunk)),
  ]);
  await stdin;
}

async function drain(
  stream: ReadableStream<Uint8Array>,
  onChunk: (chunk: Uint8Array) => void | Promise<void>,
): Promise<void> {
  for await (const chunk of stream) await onChunk(chunk);
}

/** Ends when the input does or the child exits, whichever is first; an input that waits for ever is let go. */
async function feed(child: PipedChild, stdin: AsyncIterable<string>): Promise<void> {
  const input = stdin[Symbol.asyncIterator]();
  const exited = child.exited.then(() => ({ done: true, value: undefined }) as const);
  try {
    for (;;) {
      const next = await Promise.race([input.next(), exited]);
      if (next.done) break;
      // Either may be a promise, and one that rejects while nobody looks at it would end this process.
      await Promise.race([child.stdin.write(next.value), exited]);
      await Promise.race([child.stdin.flush(), exited]);
      // A pipe that is drained at once never makes us wait: without a turn of the event loop nobody would see the exit.
      await turn();
    }
    await Promise.race([child.stdin.end(), exited]);
  } catch {
    // EPIPE: the child closed its input before its end. That is its right; what it prints and its exit code tell the rest.
  } finally {
    void input.return?.();
  }
}
