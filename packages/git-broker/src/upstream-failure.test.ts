import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import { authorization } from "./broker-fixture.ts";
import { pktLine } from "./pkt-line.ts";
import { RemoteForge } from "./remote-forge-fixture.ts";

let forge: RemoteForge;
beforeAll(async () => {
  forge = await RemoteForge.start();
});
afterAll(() => forge.stop());
beforeEach(() => forge.reset());

describe("what a forge answers becomes one sentence", () => {
  for (const [status, kind, words] of [
    [401, "unauthorized", "wrong, revoked or expired"],
    [403, "forbidden", "lacks a permission, or the repository is archived"],
    [404, "not_found", "has no repository acme/sub/repo"],
    [413, "too_large", "no push of this size"],
    [429, "rate_limited", "too many requests"],
    [500, "unavailable", "try again later"],
    [503, "unavailable", "try again later"],
    [418, "strange", "did not answer as a git host"],
  ] as const)
    test(`${status}`, async () => {
      forge.answer = () =>
        new Response("\u001b[31mthe words of the host\nmore", {
          status,
          headers: { "content-type": "text/plain" },
        });
      const shown = await forge.broker.client(forge.broker.dir, ["ls-remote", forge.run.urlWithToken]);
      expect(shown.stderr).toContain(words);
      expect(shown.stderr).toContain('It said: "\\x1b[31mthe words of the host"');
      expect(shown.stderr).not.toContain("\u001b");
      expect(forge.failures).toHaveLength(1);
      expect(forge.failures[0]).toMatchObject({ kind, status });
    });

  test("413 to a push, which git shows", async () => {
    const work = await forge.cloned();
    await forge.commit(work, "x");
    forge.answer = (request) =>
      request.method === "POST" ? new Response("too large", { status: 413 }) : undefined;
    const pushed = await forge.push(work);
    expect(pushed.exitCode).not.toBe(0);
    expect(pushed.stderr).toContain("remote: The host takes no push of this size to acme/sub/repo");
    expect(forge.failures.map(({ kind }) => kind)).toEqual(["too_large"]);
    expect(forge.broker.pushed).toEqual([]);
  });

  test("a forge that is gone", async () => {
    forge.grant({ root: "http://127.0.0.1:1" });
    expect((await forge.list()).status).toBe(500); // upstream_failed, which the server answers as 502
    expect(forge.failures[0]).toMatchObject({ kind: "unavailable", status: undefined });
  });

  test("a forge that says nothing, within its limit", async () => {
    forge.answer = () => new Promise<Response>(() => undefined);
    forge.grant({ limits: { advertiseMsMax: 100 } });
    expect((await forge.list()).status).toBe(500);
    expect(forge.failures[0]?.sentence).toContain("did not answer in time");
  });

  test("a page where refs should be, and a packed answer nobody asked for", async () => {
    forge.answer = () => new Response("<html>sign in</html>", { headers: { "content-type": "text/html" } });
    expect((await forge.list()).status).toBe(502);
    forge.answer = () =>
      new Response(new Uint8Array(Bun.gzipSync(Buffer.alloc(10_000_000))), {
        headers: {
          "content-type": "application/x-git-upload-pack-advertisement",
          "content-encoding": "gzip",
        },
      });
    expect((await forge.list()).status).toBe(502);
    expect(forge.failures.map(({ kind }) => kind)).toEqual(["strange", "strange"]);
  });
});

describe("GB-27 a push that the forge did not take is none", () => {
  const result = { "content-type": "application/x-git-receive-pack-result" };
  const report = (...lines: string[]) => `${lines.map((line) => pktLine(`${line}\n`)).join("")}0000`;
  const band = (number: number, text: string) => String(pktLine(`${String.fromCharCode(number)}${text}`));

  for (const [name, body, words] of [
    [
      "unpack ok and ng",
      () =>
        `${band(2, "\u001b]0;x\u0007GH006: protected branch\n")}${band(1, report("unpack ok", `ng ${forge.run.ref} pre-receive hook declined`))}0000`,
      "pre-receive hook declined / ?]0;x?GH006: protected branch",
    ],
    [
      "unpack error",
      () => `${band(1, report("unpack index-pack abnormal exit", `ng ${forge.run.ref} unpacker error`))}0000`,
      "unpack index-pack abnormal exit",
    ],
    [
      "a report that breaks off",
      () => band(1, report("unpack ok", `ok ${forge.run.ref}`)).slice(0, 20),
      "broke off",
    ],
  ] as const)
    test(name, async () => {
      const work = await forge.cloned();
      await forge.commit(work, `${forge.run.runId}`);
      forge.answer = (request) =>
        request.method === "POST" && request.url.endsWith("git-receive-pack")
          ? request.bytes().then(() => new Response(body(), { headers: result }))
          : undefined;
      const pushed = await forge.push(work);
      expect(pushed.exitCode).not.toBe(0);
      expect(pushed.stderr).not.toContain("\u001b");
      expect(forge.broker.pushed).toEqual([]);
      expect(forge.failures).toHaveLength(1);
      expect(forge.failures[0]?.sentence).toContain(words);
    });
});

describe("GB-28 slow and stalled uploads", () => {
  test("a push that takes longer than every limit is taken, as long as it comes", async () => {
    const limitMs = 2_000;
    forge.grant({ limits: { answerMsMax: limitMs, advertiseMsMax: limitMs, idleMsMax: limitMs } });
    const body = forge.smallPush();
    const parts = 25;
    let part = 0;
    const startedMs = performance.now();
    const slow = new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (part === parts) return controller.close();
        await Bun.sleep((1.25 * limitMs) / parts);
        const [from, to] = [part, ++part].map((at) => Math.round((at * body.length) / parts));
        controller.enqueue(new Uint8Array(body.subarray(from, to)));
      },
    });
    const reply = await fetch(`${forge.run.url}/git-receive-pack`, {
      method: "POST",
      body: slow,
      headers: {
        authorization: authorization(forge.run.token),
        "content-type": "application/x-git-receive-pack-request",
      },
    });
    expect(reply.status).toBe(200);
    expect(await reply.text()).toContain(`ng ${forge.run.ref}`);
    expect(performance.now() - startedMs).toBeGreaterThan(limitMs);
    expect(forge.failures.map(({ kind }) => kind)).toEqual(["push_refused"]); // the commit does not exist; the forge said so
  });

  test("a forge that stops in the middle of its answer ends the fetch", async () => {
    await forge.list();
    forge.answer = () =>
      new Response(
        new ReadableStream<Uint8Array>({
          pull(controller) {
            if (controller.desiredSize === 1) controller.enqueue(Buffer.from("0008NAK\n"));
            return new Promise(() => undefined);
          },
        }),
        { headers: { "content-type": "application/x-git-upload-pack-result" } },
      );
    const upstream = forge.upstream({ limits: { idleMsMax: 100 } });
    const reply = await upstream.rpc(
      "git-upload-pack",
      new Blob(["0000"]).stream(),
      undefined,
      new AbortController().signal,
    );
    await expect(new Response(reply.body).text()).rejects.toThrow("broke off");
    await eventually("it was told", async () => forge.failures.length === 1);
  });
});
