import { createHmac, timingSafeEqual } from "node:crypto";

/** Whether `given` is the hex HMAC-SHA256 of the body, compared in constant time. */
export function isHexHmac(secret: string, rawBody: Uint8Array, given: string): boolean {
  return isEqual(createHmac("sha256", secret).update(rawBody).digest("hex"), given.toLowerCase());
}

/** Compares digests of both, so that neither the place of a difference nor a length shows in the time it takes. */
export function isEqual(expected: string, given: string): boolean {
  const digest = (text: string) => createHmac("sha256", "compare").update(text).digest();
  return timingSafeEqual(digest(expected), digest(given));
}

/** The JSON of a verified delivery; undefined when it is none. */
export function parseDelivery(rawBody: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(rawBody));
  } catch {
    return undefined;
  }
}
