import { expect, test } from "bun:test";
import { RequestBody } from "./request-body.ts";

const message = (content: string) => ({ json: JSON.stringify({ role: "user", content }) });
const textOf = (bytes: Uint8Array) => new TextDecoder("utf-8", { fatal: true }).decode(bytes);

/** The same by joining strings. */
function joined(head: string, messages: readonly { json: string }[]): string {
  return `${head}${messages.map(({ json }) => json).join(",")}]}`;
}

test("what grew, what was changed in the middle, and another beginning come out whole, far over the first size", () => {
  const body = new RequestBody();
  const messages = [message("first")];
  for (let at = 0; at < 60; at++) {
    messages.push(message(`${at} 我们需要 😀 ${"x".repeat(1_000 * (at % 7))}`));
    if (at % 5 === 0) {
      messages[at] = message(`changed ${"y".repeat(at * 100)}`);
      body.changedFrom(at);
    }
    if (at % 20 === 19) {
      messages.splice(1, at - 2);
      body.changedFrom(1);
      messages.push(...Array.from({ length: at }, () => message("filler")));
    }
    const head = at < 30 ? `{"messages":[` : `{"stream":true,"messages":[`;
    expect(textOf(body.encode(head, messages))).toBe(joined(head, messages));
  }
});

test("a conversation without messages is a request too", () => {
  expect(textOf(new RequestBody().encode("[", []))).toBe("[]}");
});
