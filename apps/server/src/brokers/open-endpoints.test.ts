import { expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import { LocalSignals } from "../db/signals.ts";
import { createOpenEndpoints } from "./open-endpoints.ts";

/** A store whose key can be changed, and how often it was opened. */
function store() {
  const state = { key: "sk-old", opens: 0, fails: false };
  const signals = new LocalSignals();
  const open = async (id: number, workspaceId: number) => {
    state.opens++;
    if (state.fails) throw new Error("closed");
    return { baseUrl: `http://${id}.${workspaceId}.test`, apiKey: state.key, contextWindow: undefined };
  };
  return { state, signals, open };
}
/** Longer than the test. */
const LONG_MS = 600_000;

test("a key is opened once for calls that follow each other, per connection and workspace", async () => {
  const { state, signals, open } = store();
  const endpoints = createOpenEndpoints(signals, open, LONG_MS);
  const [first, second] = await Promise.all([endpoints(1, 1), endpoints(1, 1)]);
  expect([first.apiKey, second.apiKey, state.opens]).toEqual(["sk-old", "sk-old", 1]);
  expect((await endpoints(1, 2)).baseUrl).toBe("http://1.2.test");
  expect((await endpoints(2, 1)).baseUrl).toBe("http://2.1.test");
  expect(state.opens).toBe(3);
  signals.notifyAll(); // ends the timers
});

test("LB-19 the call after a change of the connection has the new key", async () => {
  const { state, signals, open } = store();
  const endpoints = createOpenEndpoints(signals, open, LONG_MS);
  expect((await endpoints(1, 1)).apiKey).toBe("sk-old");
  state.key = "sk-new";
  await signals.notify("connection:2");
  expect((await endpoints(1, 1)).apiKey).toBe("sk-old");
  await signals.notify("connection:1");
  expect((await endpoints(1, 1)).apiKey).toBe("sk-new");
  signals.notifyAll();
});

test("LB-19 a key is let go without another call, and nothing is left that listens", async () => {
  const { state, signals, open } = store();
  const endpoints = createOpenEndpoints(signals, open, 5);
  expect((await endpoints(1, 1)).apiKey).toBe("sk-old");
  state.key = "sk-new";
  await eventually("the timer has let go", () => signals.isQuiet);
  expect((await endpoints(1, 1)).apiKey).toBe("sk-new");
});

test("a failure is not kept", async () => {
  const { state, signals, open } = store();
  const endpoints = createOpenEndpoints(signals, open, LONG_MS);
  state.fails = true;
  await expect(endpoints(1, 1)).rejects.toThrow("closed");
  state.fails = false;
  expect((await endpoints(1, 1)).apiKey).toBe("sk-old");
  signals.notifyAll();
});
