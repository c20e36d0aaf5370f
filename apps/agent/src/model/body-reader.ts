import type { CallWatchdog } from "./call-watchdog.ts";

/** Wait for the end of a body of which all that counts is read, ms; then the connection is closed instead of used again. */
const DRAIN_MS_MAX = 1_000;

/** More came than we take: the same request would bring as much again. */
export class TooLong extends Error {}

/** The bytes of an answer, watched for silence and bounded. */
export class BodyReader {
  private readonly reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  private bytes = 0;

  constructor(
    response: Response,
    private readonly watchdog: CallWatchdog,
    private readonly bytesMax: () => number,
  ) {
    this.reader = response.body?.getReader();
    watchdog.signal.addEventListener("abort", this.cancel, { once: true }); // ends a pending read
  }

  /** The next bytes; undefined at the end. @throws Error when there are too many or they break off, or by the watchdog */
  async next(): Promise<Uint8Array | undefined> {
    const read = await this.reader?.read();
    this.watchdog.signal.throwIfAborted();
    this.bytes += read?.value?.length ?? 0;
    if (this.bytes > this.bytesMax()) throw new TooLong(`it is over ${this.bytesMax()} bytes`);
    this.watchdog.heard();
    return read?.value;
  }

  /** Lets the body come to its end by itself, so that the connection can be used again; does not wait for it. */
  drain(): void {
    const timer = setTimeout(this.cancel, DRAIN_MS_MAX);
    const read = this.reader?.read() ?? Promise.resolve(undefined);
    void read
      .catch(() => {})
      .then(() => {
        clearTimeout(timer);
        this.cancel();
      });
  }

  readonly cancel = (): void => void this.reader?.cancel().catch(() => {});
}
