import { expect, test } from "bun:test";
import { windowNamed } from "./window-named.ts";

test.each([
  [
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 10034 tokens.",
    8_192,
  ],
  ["Prompt contains 40000 tokens, too large for model with 32768 maximum context length", 32_768],
  ["request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it", 4_096],
  ["prompt is too long: 201234 tokens > 200000 maximum", 200_000],
  ["This model's maximum prompt length is 131,072 but the request contains 140000", 131_072],
  ["The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", 1_048_576],
  ["context length exceeded", undefined],
])("%s", (message, window) => {
  expect(windowNamed(message)).toBe(window);
});
