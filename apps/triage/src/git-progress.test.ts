import { expect, test } from "bun:test";
import { progressLines } from "./git-progress.ts";

function linesOf(chunks: string[], nowMs: () => number): string[] {
  const lines: string[] = [];
  const feed = progressLines((line) => lines.push(line), nowMs);
  for (const chunk of chunks) feed(Buffer.from(chunk));
  return lines;
}

test("a line that git rewrites all the time comes through now and then, and its end always", () => {
  let now = 0;
  const chunks = Array.from(
    { length: 101 },
    (_, i) => `Receiving objects: ${i}% (${i}/100)${i === 100 ? ", done.\n" : "\r"}`,
  );
  const lines = linesOf(chunks, () => (now += 50));
  expect(lines.length).toBeLessThan(20);
  expect(lines[0]).toBe("Receiving objects: 0% (0/100)");
  expect(lines.at(-1)).toBe("Receiving objects: 100% (100/100), done.");
});

test("lines are joined over chunks, control characters are dropped, and other text is not progress", () => {
  const chunks = ["remote: Counting ob", "jects: 5, done.\x1b[K\nremote: \x1b]0;title\x07hello\nfatal: no\n"];
  expect(linesOf(chunks, () => 0)).toEqual(["remote: Counting objects: 5, done.[K"]);
});
