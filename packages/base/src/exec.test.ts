import { expect, test } from "bun:test";
import { exec } from "./exec.ts";

const sh = (script: string, options: object = {}) =>
  exec(["sh", "-c", script], { env: { PATH: process.env.PATH ?? "" }, timeoutMs: 20_000, ...options });

test("gives exit code and both outputs, cut to their limit", async () => {
  const end = await sh("printf 12345; printf abcde >&2; exit 3", { outputBytesMax: 3 });
  expect(end).toMatchObject({ exitCode: 3, stdout: "123", stderr: "abc", timedOut: false });
});

test("a program that is too slow is killed, though a child of its own keeps the outputs open", async () => {
  const startedAtMs = Date.now();
  const end = await sh("echo started; sleep 15 & wait", { timeoutMs: 200 });
  expect(end).toMatchObject({ stdout: "started\n", timedOut: true, signalCode: "SIGKILL" });
  expect(Date.now() - startedAtMs).toBeLessThan(10_000);
});

test("with a grace a program may clean up, and one that does not listen is killed", async () => {
  const stop = new AbortController();
  const onStderr = () => stop.abort();
  const options = { graceMs: 500, signal: stop.signal, onStderr };
  const polite = await sh("trap 'echo bye; exit 4' TERM; echo up >&2; while :; do sleep 0.05; done", options);
  expect(polite).toMatchObject({ exitCode: 4, stdout: "bye\n" });
  const deaf = await sh("trap '' TERM; echo up >&2; while :; do sleep 0.05; done", {
    graceMs: 200,
    timeoutMs: 200,
  });
  expect(deaf).toMatchObject({ exitCode: -1, signalCode: "SIGKILL", timedOut: true });
});
