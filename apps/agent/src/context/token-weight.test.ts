import { expect, test } from "bun:test";
import { tokenWeight } from "./token-weight.ts";

/** Texts with the tokens o200k and cl100k count in them. */
const KNOWN: [what: string, text: string, tokens: [number, number]][] = [
  [
    "prose",
    "The agent keeps its task when the window fills, and tells people what it did and why.",
    [19, 19],
  ],
  [
    "code",
    "for (const entry of entries.slice(1)) this.account(entry, -1); // every one\n  return { text, truncated: false };\n",
    [30, 30],
  ],
  [
    "a listing",
    "-rw-r--r--  1 root root  4117 Nov 21 10:30 output-store.ts\ndrwxr-xr-x  2 root root  4096 Nov 21 10:30 testing\n",
    [50, 50],
  ],
  ["numbers", "10341 10342 10343 10344 10345 10346 10347 10348 10349 10350", [29, 29]],
  [
    "base64",
    "rW5kb20gYnl0ZXMgYXJlIGRlbnNlIGluIHRva2VuczogaGVyZSBhcmUgc29tZSBvZiB0aGVtLCBxdWl0ZSBhIGZldyBtb3JlIQ==",
    [63, 71],
  ],
  ["a hash", "5212f4a25b82c433584dc2b69bbb34aa2c8d0bcd", [24, 25]],
  ["hex bytes", "7f 45 4c 46 02 01 01 00 00 00 00 00 00 00 00 00 03 00 3e 00 01 00 00 00", [50, 50]],
  ["Chinese", "我们需要在上下文窗口满之前压缩对话，同时保留任务和最近的消息。", [21, 31]],
  ["Japanese", "コンテキストが一杯になる前に会話を圧縮する必要があります。", [20, 29]],
  ["Russian", "Необходимо сжать разговор до того, как окно контекста заполнится.", [17, 25]],
  ["Hindi", "हमें संदर्भ विंडो भरने से पहले बातचीत को संपीड़ित करना होगा", [20, 58]],
  ["emoji", "😀🎉🚀✅❌🔥💡🙏", [12, 20]],
  ["JSON", '{"type":"usage","input_tokens":1234,"output_tokens":56,"context_used":1290}', [22, 22]],
];

test.each(KNOWN)("%s weighs about its tokens", (_, text, [low, high]) => {
  expect(tokenWeight(text)).toBeGreaterThan(0.75 * low);
  expect(tokenWeight(text)).toBeLessThan(2 * high);
});
