import { LARGE_BODY_BYTES } from "./llm-limits.ts";

/**
 * Lets others go first when a body is large: to take it in, to read it, to write it again and to send it each hold the
 * process up by tens of ms (LB-14). Nothing to wait for otherwise.
 * @param length of the body, in bytes or characters
 */
export function giveWay(length: number): Promise<void> | undefined {
  return length > LARGE_BODY_BYTES ? new Promise((resolve) => setImmediate(resolve)) : undefined;
}
