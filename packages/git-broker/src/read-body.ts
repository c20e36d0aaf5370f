/** How long a client may take nothing of an answer, ms. One that writes to a slow disk is never this slow. */
export const READER_IDLE_MS_MAX = 5 * 60_000;

/**
 * The same answer, which says when nobody reads it any more: it came to its end, failed, was left, or its client took nothing for
 * `idleMsMax` while its connection stayed open. The answer then breaks off, and so does what makes it.
 */
export function readBody(
  body: ReadableStream<Uint8Array>,
  onEnd: () => void,
  idleMsMax: number,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = () => {
    clearTimeout(timer);
    onEnd();
  };
  const leave = () => {
    end();
    reader.cancel().catch(() => undefined); // it may have failed already
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        clearTimeout(timer);
        try {
          const { done, value } = await reader.read();
          if (done) {
            end();
            controller.close();
            return;
          }
          controller.enqueue(value);
        } catch (error) {
          end();
          throw error;
        }
        timer = setTimeout(() => {
          leave();
          controller.error(new Error("the client stopped reading its answer"));
        }, idleMsMax);
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  );
}
