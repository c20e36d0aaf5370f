/** What is kept of a child's complaints, bytes. */
const STDERR_BYTES_MAX = 8_192;

/** A child that ended before its input did is no fault here: its exit code says why. A rejection left alone would end this process. */
export async function endInput(child: {
  stdin: { end(): number | Promise<number> | undefined };
}): Promise<void> {
  try {
    await child.stdin.end();
  } catch {
    // EPIPE
  }
}

/** The beginning of what a child complains of; read to its end, so that the child never waits for a reader. */
export async function complaintsOf(stderr: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stderr) {
    if (bytes < STDERR_BYTES_MAX) chunks.push(chunk.subarray(0, STDERR_BYTES_MAX - bytes));
    bytes += chunk.length;
  }
  return Buffer.concat(chunks).toString("utf8");
}
