import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { Attempt, RunId, runRef } from "@windshift/contract/ids.ts";
import { createGitBroker } from "@windshift/git-broker/git-broker.ts";
import { pktLine } from "@windshift/git-broker/pkt-line.ts";
import { type Listener, listen } from "../listen.ts";

/** The git broker on the server's own listener, asked by bytes on a socket. */
let listener: Listener;
/** Bodies that reached the upstream. */
let reached: string[] = [];

const TOKEN = "run-token";
/** Of a run that may push nothing. */
const TEST_RUN_TOKEN = "test-run-token";
const TYPE = "Content-Type: application/x-git-upload-pack-request\r\n";
const AUTH = `Authorization: Basic ${btoa(`x:${TOKEN}`)}\r\n`;
const PATH = "/api/git-proxy/1/acme/repo.git/git-upload-pack";
const HEAD = `POST ${PATH} HTTP/1.1\r\nHost: a\r\n${AUTH}${TYPE}`;
/** A request of protocol 2, so that it is passed on. */
const LIST = "0014command=ls-refs\n00010000";

beforeAll(() => {
  const runId = RunId.parse(1);
  const fetch = createGitBroker({
    grants: {
      find: async (run, token) =>
        run !== runId || ![TOKEN, TEST_RUN_TOKEN].includes(token)
          ? undefined
          : {
              runId,
              attempt: Attempt.parse(1),
              owner: "acme",
              repo: "repo",
              ref: runRef(runId),
              mayPush: token !== TEST_RUN_TOKEN,
              fetchRefs: ["refs/heads/main"],
              upstream: {
                advertise: async () => ({ status: 200, contentType: "", body: new Blob().stream() }),
                rpc: async (service, body) => {
                  reached.push(await new Response(body).text());
                  return {
                    status: 200,
                    contentType: `application/x-${service}-result`,
                    body: new Blob(["0000"]).stream(),
                  };
                },
              },
              isLive: async () => true,
              onPushed: async () => undefined,
            },
    },
    audit: { refused: async () => undefined },
  });
  listener = listen({ host: "127.0.0.1", port: 0, fetch });
});
afterAll(() => listener.stop());
beforeEach(() => {
  reached = [];
});

/** Sends bytes and gives what came back once `enough` of it did or the server hung up. */
function talk(raw: string, enough = (said: string) => / [2-5]\d\d /.test(said)): Promise<string> {
  return new Promise((resolve) => {
    let said = "";
    const socket = connect(listener.port, "127.0.0.1", () => socket.write(raw, "latin1"));
    socket.on("data", (bytes) => {
      said += bytes.toString("latin1");
      if (enough(said)) socket.end();
    });
    socket.on("close", () => resolve(said));
    socket.on("error", () => resolve(said));
  });
}

const chunked = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
const length = `Content-Length: ${LIST.length}\r\n`;

describe("GB-16 a request that two readers could take for two things reaches no upstream", () => {
  for (const [what, raw] of [
    ["a length and chunks", `${HEAD}${length}Transfer-Encoding: chunked\r\n\r\n${chunked(LIST)}`],
    ["chunks and a length", `${HEAD}Transfer-Encoding: chunked\r\n${length}\r\n${chunked(LIST)}`],
    ["two lengths", `${HEAD}${length}Content-Length: 5\r\n\r\n${LIST}`],
    ["the same length twice", `${HEAD}${length}${length}\r\n${LIST}`],
    ["a list of lengths", `${HEAD}Content-Length: 5, 5\r\n\r\n${LIST}`],
    ["a length with a sign", `${HEAD}Content-Length: +${LIST.length}\r\n\r\n${LIST}`],
    ["an unknown coding", `${HEAD}Transfer-Encoding: xchunked\r\n\r\n${chunked(LIST)}`],
    ["two codings", `${HEAD}Transfer-Encoding: identity, chunked\r\n\r\n${chunked(LIST)}`],
    [
      "a coding in two headers",
      `${HEAD}Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n${chunked(LIST)}`,
    ],
    ["a blank before the colon", `${HEAD}Transfer-Encoding : chunked\r\n\r\n${chunked(LIST)}`],
    ["a folded header", `${HEAD}X-A: b\r\n c\r\n${length}\r\n${LIST}`],
    ["a bare line feed", `${HEAD}X-A: b\n${length}\r\n${LIST}`],
    ["a bare carriage return", `${HEAD}X-A: b\r${length}\r\n${LIST}`],
    ["a NUL", `${HEAD}X-A: b\0c\r\n${length}\r\n${LIST}`],
    [
      "chunks with bare line feeds",
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunked(LIST).replaceAll("\r", "")}`,
    ],
    ["a chunk size that is none", `${HEAD}Transfer-Encoding: chunked\r\n\r\n0x1c\r\n${LIST}\r\n0\r\n\r\n`],
    ["a chunk longer than its size", `${HEAD}Transfer-Encoding: chunked\r\n\r\n1c\r\n${LIST}XX0\r\n\r\n`],
    ["two hosts", `${HEAD}Host: b\r\n${length}\r\n${LIST}`],
  ] as const)
    test(what, async () => {
      expect(await talk(raw)).toStartWith("HTTP/1.1 400 ");
      expect(reached).toEqual([]);
    });

  for (const [what, raw] of [
    [
      "an extension of a chunk",
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunked(LIST).replace("\r\n", ";a=b\r\n")}`,
    ],
    [
      "a trailer",
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunked(LIST).replace(/\r\n$/, "Authorization: Basic eDp5\r\n\r\n")}`,
    ],
  ] as const)
    test(`${what} is dropped, and the upstream sees one request`, async () => {
      expect(await talk(raw)).toStartWith("HTTP/1.1 200 ");
      expect(reached).toHaveLength(1);
      expect(reached[0]).not.toMatch(/a=b|Basic/);
    });
});

describe("GB-17 an address as it stands on the wire", () => {
  const asked = (target: string) =>
    talk(
      `POST ${target} HTTP/1.1\r\nHost: a\r\n${AUTH}${TYPE}${length}Git-Protocol: version=2\r\n\r\n${LIST}`,
    );

  for (const target of [
    PATH.replace("acme/repo", "acme/%252e%252e/acme/repo"),
    PATH.replace("acme/repo", "acme//repo"),
    PATH.replace("acme/repo", "acme;x/repo"),
    PATH.replace("acme/repo", "acme%2frepo"),
    PATH.replace("repo.git", "repo%2egit"),
    `${PATH};x`,
    `${PATH}?x=1`,
    `${PATH}#x`,
    `/${PATH}`,
    PATH.replace("acme", "evil"),
    PATH.replace("acme/repo", "acme/../evil/repo"),
    PATH.replace("acme/repo", "acme/%2e%2e/%2e%2e/2/acme/repo"),
    PATH.replace("acme/repo", "acme\\..\\evil/repo"),
    `${PATH}/../../../evil/repo.git/git-upload-pack`,
  ])
    test(`${target} is none`, async () => {
      expect(await asked(target)).toMatch(/^HTTP\/1\.1 40[04] /);
      expect(reached).toEqual([]);
    });

  // What Bun makes of these before the broker sees them leads to the run's own repository, and the upstream is the stored one.
  for (const target of [
    PATH.replace("acme/repo", "acme/../acme/repo"),
    PATH.replace("acme/repo", "evil/%2e%2e/acme/repo"),
    PATH.replace("acme/repo", "acme\\repo"),
    `http://evil.test:1${PATH}`,
  ])
    test(`${target} is the run's own`, async () => {
      expect(await asked(target)).toStartWith("HTTP/1.1 200 ");
      expect(reached).toHaveLength(1);
      expect(reached[0]).not.toContain("evil");
    });
});

describe("GB-15 Expect: 100-continue", () => {
  const expecting = (auth: string) =>
    `POST ${PATH} HTTP/1.1\r\nHost: a\r\n${auth}${TYPE}Expect: 100-continue\r\nContent-Length: 100000000\r\n\r\n`;

  for (const [what, head, status] of [
    ["no token", expecting(""), 401],
    ["a wrong token", expecting(`Authorization: Basic ${btoa("x:wrong")}\r\n`), 404],
    ["the token of another run", expecting(AUTH).replace("/1/", "/2/"), 404],
    [
      "a push by who may only fetch",
      expecting(`Authorization: Basic ${btoa(`x:${TEST_RUN_TOKEN}`)}\r\n`).replaceAll("upload", "receive"),
      403,
    ],
  ] as const)
    test(`${what} is answered before the body, of which nothing is read: the connection is closed`, async () => {
      // Waits for the server to hang up, and for nothing else.
      const said = await talk(head, () => false);
      expect(said).toContain(`HTTP/1.1 ${status} `);
      expect(said).toContain("Connection: close");
      expect(reached).toEqual([]);
    });

  test("a push beyond the grant is answered after its commands, and the rest of its body is not waited for", async () => {
    const said = await conversation(
      `POST ${PATH.replace("upload", "receive")} HTTP/1.1\r\nHost: a\r\n${AUTH}${TYPE.replace("upload", "receive")}Expect: 100-continue\r\nContent-Length: 100000000\r\n\r\n`,
      Buffer.concat([
        pktLine(`${"0".repeat(40)} ${"a".repeat(40)} refs/heads/main\0report-status`),
        Buffer.from("0000PACK"),
      ]),
    );
    expect(said).toContain("HTTP/1.1 403 ");
    expect(said).toContain("this run may push only refs/heads/agent-runs/run-1");
    expect(reached).toEqual([]);
  });

  test("a good token sends its body after the 100", async () => {
    const said = await conversation(`${HEAD}Expect: 100-continue\r\n${length}\r\n`, LIST);
    expect(said).toContain("HTTP/1.1 200 ");
    expect(reached).toHaveLength(1);
  });
});

/** Sends a head, its body once it was asked for, and gives all that came back. */
function conversation(head: string, body: string | Uint8Array): Promise<string> {
  return new Promise<string>((resolve) => {
    let all = "";
    const socket = connect(listener.port, "127.0.0.1", () => socket.write(head));
    socket.on("data", (bytes) => {
      all += bytes.toString("latin1");
      if (all.endsWith("100 Continue\r\n\r\n")) socket.write(body);
      if (/ [2-5]\d\d /.test(all)) socket.end();
    });
    socket.on("close", () => resolve(all));
    socket.on("error", () => resolve(all));
  });
}

test("GB-28 headers that never end are given up", async () => {
  // Bun's own limit of some 12 s; it ends when the server hangs up, and in no other way.
  expect(await talk(`${HEAD}X-Slow: `, () => false)).not.toContain(" 200 ");
  expect(reached).toEqual([]);
}, 120_000);
