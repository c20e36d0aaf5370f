import { byteStream, chunksOf } from "./byte-stream.ts";

/** A request body that remembers what broke it, and says when its last byte was taken. */
export class SentBody {
  failure: unknown;
  readonly stream: ReadableStream<Uint8Array> | undefined;

  constructor(body: ReadableStream<Uint8Array> | undefined, onSent: () => void) {
    this.stream = body === undefined ? undefined : byteStream(this.chunks(body, onSent));
  }

  private async *chunks(
    body: ReadableStream<Uint8Array>,
    onSent: () => void,
  ): AsyncGenerator<Uint8Array, void> {
    try {
      yield* chunksOf(body);
    } catch (error) {
      this.failure = error;
      throw error;
    }
    onSent();
  }
}
