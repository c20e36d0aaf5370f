/** How much of an answer is searched for the credential, bytes: what a host says about a request comes first. */
export const SCAN_BYTES_MAX = 65_536;
/** Shorter secrets occur by chance, bytes. */
const NEEDLE_BYTES_MIN = 6;

/** The credential came back in an answer; it was held back. */
export class CredentialEchoed extends Error {
  override readonly name = "CredentialEchoed";
}

/**
 * Passes the bytes of an answer on as long as the credential is not among them: plain, as Basic authentication or
 * percent-encoded. What may be the beginning of it waits for the next bytes, so no part of a found one gets through.
 */
export class CredentialScan {
  private readonly needles: Buffer[];
  private held: Uint8Array = new Uint8Array(0);
  private leftBytes = SCAN_BYTES_MAX;

  constructor({ username, password }: { username: string; password: string }) {
    const forms = [
      password,
      encodeURIComponent(password),
      Buffer.from(password).toString("base64"),
      basicCredentials({ username, password }),
    ];
    this.needles = [...new Set(forms)]
      .map((form) => Buffer.from(form.replace(/=+$/, "")))
      .filter((needle) => needle.length >= NEEDLE_BYTES_MIN);
  }

  /** @throws CredentialEchoed */
  push(chunk: Uint8Array): Uint8Array {
    if (this.leftBytes <= 0 && this.held.length === 0) return chunk;
    const all =
      this.held.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
        : Buffer.concat([this.held, chunk]);
    if (this.needles.some((needle) => all.includes(needle))) throw new CredentialEchoed();
    this.leftBytes -= chunk.length;
    const keep = this.leftBytes <= 0 ? 0 : Math.max(0, ...this.needles.map((needle) => overlap(all, needle)));
    this.held = all.subarray(all.length - keep);
    return all.subarray(0, all.length - keep);
  }

  /** What was still held when the answer ended. */
  end(): Uint8Array {
    const rest = this.held;
    this.held = new Uint8Array(0);
    return rest;
  }

  /** Whether a short text has it. */
  isIn(text: string): boolean {
    return this.needles.some((needle) => text.includes(needle.toString()));
  }
}

/** What follows `Basic ` in an Authorization header. */
export function basicCredentials({ username, password }: { username: string; password: string }): string {
  return Buffer.from(`${username}:${password}`).toString("base64");
}

/** How many bytes at the end of `all` are the beginning of `needle`. */
function overlap(all: Buffer, needle: Buffer): number {
  for (let length = Math.min(all.length, needle.length - 1); length > 0; length--)
    if (all.subarray(all.length - length).equals(needle.subarray(0, length))) return length;
  return 0;
}
