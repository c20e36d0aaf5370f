import { open } from "node:fs/promises";

/** Read at once, bytes: few system calls, little memory. */
const CHUNK_BYTES = 262_144;

/**
 * The bytes of a file from `offset` on, read as they are asked for. (`Bun.file(…).slice(…).stream()` as the input of a
 * process begins at 0, whatever the slice: seen with Bun 1.4.5.)
 */
export async function fileTail(path: string, offset: number): Promise<ReadableStream<Uint8Array>> {
  const file = await open(path, "r");
  let at = offset;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { bytesRead, buffer } = await file.read(new Uint8Array(CHUNK_BYTES), 0, CHUNK_BYTES, at);
      at += bytesRead;
      if (bytesRead > 0) return controller.enqueue(buffer.subarray(0, bytesRead));
      await file.close();
      controller.close();
    },
    cancel: () => file.close(),
  });
}
