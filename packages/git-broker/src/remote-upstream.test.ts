import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { eventually } from "@windshift/testing/eventually.ts";
import { serveGit, tokenOf } from "@windshift/testing/forges/git-http.ts";
import {
  authorization,
  type BrokerFixture,
  forget,
  mustGit,
  post,
  type RunGrant,
  refOf,
  startBroker,
} from "./broker-fixture.ts";
import { pktLine } from "./pkt-line.ts";
import { type RemoteUpstreamOptions, remoteUpstream } from "./remote-upstream.ts";
import type { UpstreamFailure } from "./upstream-failure.ts";

const PASSWORD = "forge-secret-0123456789";
const ZERO = "0".repeat(40);

/** A forge of one repository: git's own http-backend, or what a test makes of it. */
let forge: Bun.Server<undefined>;
let answer: ((request: Request) => Response | Promise<Response> | undefined) | undefined;
let asked: { line: string; headers: Headers }[] = [];
let elsewhere: Bun.Server<undefined>;
let strays = 0;
let broker: BrokerFixture;
let run: RunGrant;
let failures: UpstreamFailure[] = [];
let runs = 0;

beforeAll(async () => {
  broker = await startBroker();
  forge = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    maxRequestBodySize: 4 * 1024 ** 3,
    fetch: async (request) => {
      asked.push({ line: `${request.method} ${new URL(request.url).pathname}`, headers: request.headers });
      const made = await answer?.(request);
      if (made !== undefined) return made;
      if (tokenOf(request) !== PASSWORD) return new Response("no\n", { status: 401 });
      const url = request.url.replace("/acme/sub/repo.git", "/repo.git");
      return serveGit(new Request(url, request), dirname(broker.repository), "forge-user");
    },
  });
  elsewhere = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => {
      strays++;
      return new Response("caught");
    },
  });
});
afterAll(async () => {
  await forge.stop(true);
  await elsewhere.stop(true);
  await broker.stop();
});
beforeEach(() => {
  answer = undefined;
  asked = [];
  failures = [];
  strays = 0;
  forget(broker);
  run = grantOf({});
});

function grantOf(change: Partial<RemoteUpstreamOptions>): RunGrant {
  return broker.grant(1 + runs++, {
    upstream: remoteUpstream({
      root: `http://127.0.0.1:${forge.port}`,
      owner: "acme/sub",
      name: "repo",
      credential: async () => ({ username: "forge-user", password: PASSWORD }),
      fetch: (url, init) => fetch(url, init),
      onFailure: async (failure) => void failures.push(failure),
      ...change,
    }),
  });
}

async function cloned(): Promise<string> {
  const work = join(broker.dir, `remote-${runs}-${asked.length}`);
  await mustGit(broker, broker.dir, "clone", "-q", run.urlWithToken, work);
  return work;
}

async function commit(work: string, content: string | Uint8Array): Promise<string> {
  await Bun.write(join(work, "change.bin"), content);
  await mustGit(broker, work, "add", "-A");
  await mustGit(broker, work, "commit", "-q", "-m", "change");
  return mustGit(broker, work, "rev-parse", "HEAD");
}

const list = () =>
  fetch(`${run.url}/info/refs?service=git-upload-pack`, {
    headers: { authorization: authorization(run.token), cookie: "a=b", "x-forwarded-for": "10.0.0.1" },
  });

const push = (work: string) => broker.client(work, ["push", run.urlWithToken, `HEAD:${run.ref}`]);

describe("a repository behind git's http-backend", () => {
  for (const version of ["0", "2"])
    test(`is cloned and pushed to with protocol ${version}`, async () => {
      const work = join(broker.dir, `v${version}`);
      const flags = ["-c", `protocol.version=${version}`];
      await mustGit(broker, broker.dir, ...flags, "clone", "-q", run.urlWithToken, work);
      const head = await commit(work, randomBytes(3_000_000));
      expect((await push(work)).exitCode).toBe(0);
      expect(await refOf(broker, run.ref)).toBe(head);
      expect(broker.pushed).toEqual([{ runId: run.runId, oid: head as never }]);
      await mustGit(broker, work, ...flags, "fetch", "-q", run.urlWithToken, run.ref);
      expect(failures).toEqual([]);
      expect(asked.every(({ line }) => line.includes(" /acme/sub/repo.git/"))).toBe(true);
    });

  test("GB-23 the forge sees exactly one Authorization, ours, and nothing else of the client", async () => {
    expect((await list()).status).toBe(200);
    const headers = asked[0]?.headers ?? new Headers();
    expect(headers.get("authorization")).toBe(`Basic ${btoa(`forge-user:${PASSWORD}`)}`);
    expect([...headers.keys()].sort()).toEqual([
      "accept",
      "accept-encoding",
      "authorization",
      "connection",
      "host",
      "user-agent",
    ]);
  });

  test("GB-25 GB-20 an attempt that is superseded while its pack streams moves no ref", async () => {
    const work = await cloned();
    await commit(work, randomBytes(3_000_000));
    let checks = 0;
    broker.onLiveCheck = () => {
      if (++checks === 3) run.live = false;
    };
    expect((await push(work)).exitCode).not.toBe(0);
    broker.onLiveCheck = () => undefined;
    expect(checks).toBe(3);
    expect(asked.at(-1)?.line).toEndWith("/git-receive-pack");
    expect(await refOf(broker, run.ref)).toBeUndefined();
    expect(broker.pushed).toEqual([]);
  });

  test("a credential that the forge does not accept is sent once and no more", async () => {
    let given = 0;
    run = grantOf({
      credential: async () => {
        given++;
        return { username: "forge-user", password: "expired-password" };
      },
    });
    expect((await list()).status).toBe(502);
    expect(given).toBe(1);
    expect(failures.map(({ kind }) => kind)).toEqual(["unauthorized"]);
  });
});

describe("GB-21 a forge that sends its callers elsewhere is not followed", () => {
  for (const status of [301, 302, 303, 307, 308])
    for (const to of [
      "http://127.0.0.1:ELSEWHERE/x",
      "http://169.254.169.254/latest/meta-data",
      "/acme/other.git",
    ])
      test(`${status} to ${to}`, async () => {
        const location = to.replace("ELSEWHERE", String(elsewhere.port));
        await list();
        answer = () => new Response(null, { status, headers: { location } });
        const reply = await list();
        expect(reply.status).toBe(502);
        expect(await reply.text()).toContain("elsewhere, and that is not followed");
        expect(reply.headers.get("location")).toBeNull();
        const fetched = await post(run, "git-upload-pack", await wantMain());
        expect(await fetched.text()).toMatch(/^....ERR .*elsewhere, and that is not followed/);
        expect(strays).toBe(0);
        expect(failures).toMatchObject([
          { kind: "redirected", status },
          { kind: "redirected", status },
        ]);
      });
});

describe("GB-22 a credential that comes back is held back", () => {
  const basic = btoa(`forge-user:${PASSWORD}`);
  const type = { "content-type": "application/x-git-upload-pack-advertisement" };

  test("in headers, which never cross", async () => {
    answer = async (request) => {
      const real = await serveGit(
        new Request(request.url.replace("/acme/sub", "")),
        dirname(broker.repository),
        "u",
      );
      for (const name of ["x-debug", "www-authenticate", "location"]) real.headers.set(name, basic);
      real.headers.append("set-cookie", `session=${PASSWORD}`);
      return real;
    };
    const reply = await list();
    expect(reply.status).toBe(200);
    expect(JSON.stringify([...reply.headers])).not.toMatch(new RegExp(`${PASSWORD}|${basic}|cookie`));
  });

  for (const [form, secret] of [
    ["plain", PASSWORD],
    ["as Basic", basic],
  ] as const) {
    test(`${form}, in an advertisement`, async () => {
      const lines = `${pktLine(`# service=git-upload-pack\n`)}0000${pktLine(`${"1".repeat(40)} refs/heads/main\0agent=${secret}\n`)}0000`;
      answer = () => new Response(lines, { headers: type });
      await isHeldBack(await list(), secret);
    });

    test(`${form}, in an error page`, async () => {
      answer = () =>
        new Response(`you sent ${secret}`, { status: 403, headers: { "content-type": "text/plain" } });
      await isHeldBack(await list(), secret);
    });

    test(`${form}, in an answer to a fetch, split over chunks`, async () => {
      await list();
      answer = () => {
        const bytes = Buffer.from(`0008NAK\n${secret}`);
        const halves = [bytes.subarray(0, 15), bytes.subarray(15)];
        const body = new ReadableStream<Uint8Array>({
          async pull(controller) {
            const half = halves.shift();
            if (half === undefined) return controller.close();
            controller.enqueue(new Uint8Array(half));
            await Bun.sleep(20);
          },
        });
        return new Response(body, { headers: { "content-type": "application/x-git-upload-pack-result" } });
      };
      const reply = await post(run, "git-upload-pack", await wantMain());
      const text = await reply.text().catch(() => "cut");
      expect(text).not.toContain(secret.slice(0, 10));
      expect(failures.map(({ kind }) => kind)).toEqual(["credential_echo"]);
    });
  }

  async function isHeldBack(reply: Response, secret: string): Promise<void> {
    expect(reply.status).toBe(502);
    expect(await reply.text()).not.toContain(secret);
    expect(failures.map(({ kind }) => kind)).toEqual(["credential_echo"]);
    expect(JSON.stringify(failures)).not.toContain(secret);
  }
});

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
      answer = () =>
        new Response("\u001b[31mthe words of the host\nmore", {
          status,
          headers: { "content-type": "text/plain" },
        });
      const shown = await broker.client(broker.dir, ["ls-remote", run.urlWithToken]);
      expect(shown.stderr).toContain(words);
      expect(shown.stderr).toContain('It said: "\\x1b[31mthe words of the host"');
      expect(shown.stderr).not.toContain("\u001b");
      expect(failures).toHaveLength(1);
      expect(failures[0]).toMatchObject({ kind, status });
    });

  test("413 to a push, which git shows", async () => {
    const work = await cloned();
    await commit(work, "x");
    answer = (request) =>
      request.method === "POST" ? new Response("too large", { status: 413 }) : undefined;
    const pushed = await push(work);
    expect(pushed.exitCode).not.toBe(0);
    expect(pushed.stderr).toContain("remote: The host takes no push of this size to acme/sub/repo");
    expect(failures.map(({ kind }) => kind)).toEqual(["too_large"]);
    expect(broker.pushed).toEqual([]);
  });

  test("a forge that is gone", async () => {
    run = grantOf({ root: "http://127.0.0.1:1" });
    expect((await list()).status).toBe(500); // upstream_failed, which the server answers as 502
    expect(failures[0]).toMatchObject({ kind: "unavailable", status: undefined });
  });

  test("a forge that says nothing, within its limit", async () => {
    answer = () => new Promise<Response>(() => undefined);
    run = grantOf({ limits: { advertiseMsMax: 100 } });
    expect((await list()).status).toBe(500);
    expect(failures[0]?.sentence).toContain("did not answer in time");
  });

  test("a page where refs should be, and a packed answer nobody asked for", async () => {
    answer = () => new Response("<html>sign in</html>", { headers: { "content-type": "text/html" } });
    expect((await list()).status).toBe(502);
    answer = () =>
      new Response(new Uint8Array(Bun.gzipSync(Buffer.alloc(10_000_000))), {
        headers: {
          "content-type": "application/x-git-upload-pack-advertisement",
          "content-encoding": "gzip",
        },
      });
    expect((await list()).status).toBe(502);
    expect(failures.map(({ kind }) => kind)).toEqual(["strange", "strange"]);
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
        `${band(2, "\u001b]0;x\u0007GH006: protected branch\n")}${band(1, report("unpack ok", `ng ${run.ref} pre-receive hook declined`))}0000`,
      "pre-receive hook declined / ?]0;x?GH006: protected branch",
    ],
    [
      "unpack error",
      () => `${band(1, report("unpack index-pack abnormal exit", `ng ${run.ref} unpacker error`))}0000`,
      "unpack index-pack abnormal exit",
    ],
    [
      "a report that breaks off",
      () => band(1, report("unpack ok", `ok ${run.ref}`)).slice(0, 20),
      "broke off",
    ],
  ] as const)
    test(name, async () => {
      const work = await cloned();
      await commit(work, `${runs}`);
      answer = (request) =>
        request.method === "POST" && request.url.endsWith("git-receive-pack")
          ? request.bytes().then(() => new Response(body(), { headers: result }))
          : undefined;
      const pushed = await push(work);
      expect(pushed.exitCode).not.toBe(0);
      expect(pushed.stderr).not.toContain("\u001b");
      expect(broker.pushed).toEqual([]);
      expect(failures).toHaveLength(1);
      expect(failures[0]?.sentence).toContain(words);
    });
});

describe("GB-28 slow and stalled uploads", () => {
  test("a push whose parts come slowly, but come, is taken", async () => {
    run = grantOf({ limits: { answerMsMax: 150, advertiseMsMax: 150, idleMsMax: 150 } });
    const body = smallPush();
    let at = 0;
    const slow = new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (at === body.length) return controller.close();
        await Bun.sleep(60);
        const next = Math.min(body.length, at + 30);
        controller.enqueue(new Uint8Array(body.subarray(at, next)));
        at = next;
      },
    });
    const reply = await fetch(`${run.url}/git-receive-pack`, {
      method: "POST",
      body: slow,
      headers: {
        authorization: authorization(run.token),
        "content-type": "application/x-git-receive-pack-request",
      },
    });
    expect(reply.status).toBe(200);
    expect(failures.map(({ kind }) => kind)).toEqual(["push_refused"]); // the commit does not exist; the forge said so
  });

  test("a forge that stops in the middle of its answer ends the fetch", async () => {
    await list();
    answer = () =>
      new Response(
        new ReadableStream<Uint8Array>({
          pull(controller) {
            if (controller.desiredSize === 1) controller.enqueue(Buffer.from("0008NAK\n"));
            return new Promise(() => undefined);
          },
        }),
        { headers: { "content-type": "application/x-git-upload-pack-result" } },
      );
    const upstream = remoteUpstream({
      root: `http://127.0.0.1:${forge.port}`,
      owner: "acme/sub",
      name: "repo",
      credential: async () => ({ username: "forge-user", password: PASSWORD }),
      fetch: (url, init) => fetch(url, init),
      onFailure: async (failure) => void failures.push(failure),
      limits: { idleMsMax: 100 },
    });
    const reply = await upstream.rpc(
      "git-upload-pack",
      new Blob(["0000"]).stream(),
      undefined,
      new AbortController().signal,
    );
    await expect(new Response(reply.body).text()).rejects.toThrow("broke off");
    await eventually("it was told", async () => failures.length === 1);
  });
});

/** Of a commit that the run was shown. */
async function wantMain(): Promise<Uint8Array> {
  const oid = await refOf(broker, "refs/heads/main");
  return Buffer.concat([pktLine(`want ${oid}\n`), Buffer.from("0000"), pktLine("done\n")]);
}

function smallPush(): Buffer {
  return Buffer.concat([
    pktLine(`${ZERO} ${"a".repeat(40)} ${run.ref}\0report-status`),
    Buffer.from("0000PACK\0\0\0\u0002\0\0\0\0", "latin1"),
    Buffer.from("029d08823bd8a8eab510ad6ac75c823cfd3ed31e", "hex"),
  ]);
}
