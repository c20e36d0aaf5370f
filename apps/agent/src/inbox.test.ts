import { expect, test } from "bun:test";
import { AgentInput } from "@windshift/contract/agent-jsonl.ts";
import { Inbox, parseInput } from "./inbox.ts";

async function* bytes(...lines: string[]): AsyncGenerator<Uint8Array> {
  for (const line of lines) yield new TextEncoder().encode(line);
}

test("the inbox and the contract take the same lines", () => {
  const lines = [
    '{"type":"prompt","message":"x"}',
    '{"type":"prompt","message":"x","more":1}',
    '{"type":"prompt"}',
    '{"type":"prompt","message":1}',
    '{"type":"message","text":"x","id":"1"}',
    '{"type":"message","text":"x"}',
    '{"type":"message","text":"x","id":1}',
    '{"type":"abort"}',
    '{"type":"abort","why":null}',
    '{"type":"dance"}',
    "{}",
    "[]",
    "null",
    '"abort"',
    '{"type":["abort"]}',
  ];
  for (const line of lines) {
    const parsed = AgentInput.safeParse(JSON.parse(line));
    expect({ line, input: parseInput(line) }).toEqual({
      line,
      input: parsed.success ? parsed.data : undefined,
    });
  }
  expect(parseInput("{")).toBeUndefined();
});

test("lines that mean nothing are told of and passed over", async () => {
  const told: string[] = [];
  const inbox = new Inbox((what) => told.push(what));
  await inbox.read(
    bytes(
      "nonsense\n\n",
      '{"type":"later"}\n',
      '{"type":"prompt","message":"go"}\n',
      `${"x".repeat(2_000_000)}\n`,
    ),
  );
  expect(await inbox.prompt()).toBe("go");
  expect(told).toHaveLength(3);
});

test("a line too long to be taken where the prompt is due stops the session, and is not waited past", async () => {
  const inbox = new Inbox(() => {});
  const prompt = `${JSON.stringify({ type: "prompt", message: "x".repeat(2_000_000) })}\n`;
  const open = Promise.withResolvers<void>();
  const read = inbox.read(
    (async function* () {
      yield* bytes(prompt);
      await open.promise;
    })(),
  );
  expect(await inbox.prompt()).toBeUndefined();
  expect(inbox.stopped()).toEqual({ kind: "prompt_too_long" });
  open.resolve();
  await read;
});

test("of what stops a session the first counts", async () => {
  const inbox = new Inbox(() => {});
  expect(inbox.stopped()).toBeUndefined();
  inbox.stop({ kind: "signal", name: "SIGTERM" });
  await inbox.read(bytes('{"type":"abort"}\n'));
  expect(inbox.stopped()).toEqual({ kind: "signal", name: "SIGTERM" });
});

test("a second prompt is not lost but becomes a message", async () => {
  const inbox = new Inbox(() => {});
  const prompt = (message: string) => `${JSON.stringify({ type: "prompt", message })}\n`;
  await inbox.read(bytes(prompt("one"), prompt("two"), '{"type":"message","text":"three","id":"m"}\n'));
  expect(await inbox.prompt()).toBe("one");
  expect(inbox.takeMessages()).toEqual([
    { id: undefined, text: "two" },
    { id: "m", text: "three" },
  ]);
  expect(inbox.hasMessages()).toBe(false);
});

test("the end of input aborts, and gives no prompt when none came", async () => {
  const inbox = new Inbox(() => {});
  await inbox.read(bytes());
  expect(inbox.signal.aborted).toBe(true);
  expect(await inbox.prompt()).toBeUndefined();
});
