/**
 * A stream that makes each chunk when its reader asks for it, never earlier.
 * @param onCancel called first when the reader goes away, also when `source` was not started or is waiting
 */
export function byteStream(
  source: AsyncGenerator<Uint8Array, void>,
  onCancel: () => void = () => undefined,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await source.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        onCancel();
        await source.return();
      },
    },
    { highWaterMark: 0 },
  );
}

/** The chunks of a stream; leaving the loop early cancels it. */
export async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const reader = stream.getReader();
  let finished = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      finished = done;
      if (done) return;
      yield value;
    }
  } finally {
    if (!finished) await reader.cancel().catch(() => undefined);
  }
}
