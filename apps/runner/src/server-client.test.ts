import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { AppError, errorBody } from "@windshift/contract/app-error.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { z } from "zod";
import {
  credentialOf,
  REGISTRATION_TOKEN,
  registered,
  type SeenRequest,
  seenRequest,
  startRunnerProgram,
  unknownRunner,
} from "./runner-program.fixture.ts";
import { ServerClient } from "./server-client.ts";

/** The real program; on a loaded machine it takes its time, ms. */
const TEST_MS_MAX = 30_000;
const CREDENTIAL = credentialOf("t");

let certificate: { dir: TempDir; key: string; cert: string; certFile: string };
let dir: TempDir;
let servers: { stop(closeActive?: boolean): unknown }[];
let seen: SeenRequest[];

beforeAll(async () => {
  const made = tempDir();
  const [keyFile, certFile] = [join(made.path, "key.pem"), join(made.path, "cert.pem")];
  const child = Bun.spawn(
    [
      "openssl",
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-days",
      "2",
      "-subj",
      "/CN=localhost",
    ].concat(["-addext", "subjectAltName=DNS:localhost", "-keyout", keyFile, "-out", certFile]),
    { stdout: "ignore", stderr: "pipe" },
  );
  if ((await child.exited) !== 0) throw new Error(await new Response(child.stderr).text());
  const [key, cert] = await Promise.all([Bun.file(keyFile).text(), Bun.file(certFile).text()]);
  certificate = { dir: made, key, cert, certFile };
}, TEST_MS_MAX);
afterAll(() => certificate?.dir.remove());
beforeEach(() => {
  dir = tempDir();
  servers = [];
  seen = [];
});
afterEach(async () => {
  for (const server of servers) await server.stop(true);
  dir.remove();
});

/** A server that registers everybody and knows nobody, so that the program ends. */
function serve(options: { secure: boolean; redirectTo?: string }): number {
  const { key, cert } = certificate;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    ...(options.secure ? { tls: { key, cert } } : {}),
    fetch: async (request) => {
      const what = await seenRequest(request);
      seen.push(what);
      if (options.redirectTo !== undefined)
        return new Response(null, {
          status: 307,
          headers: { location: `${options.redirectTo}${what.path}` },
        });
      return what.path === "/api/runner/register" ? registered(CREDENTIAL) : unknownRunner();
    },
  });
  servers.push(server);
  return server.port ?? 0;
}

const run = (apiUrl: string, env: Record<string, string> = {}) =>
  startRunnerProgram({
    root: join(dir.path, "cache"),
    apiUrl,
    env: { WSRUNNER_REGISTRATION_TOKEN: REGISTRATION_TOKEN, ...env },
  }).ended();
const trusting = () => ({ NODE_EXTRA_CA_CERTS: certificate.certFile });
const isRegistered = () => existsSync(join(dir.path, "cache/credential"));

describe("RT-11 the way to the server", () => {
  test(
    "by http:// is refused before anything is sent",
    async () => {
      const { exit, said } = await run(`http://localhost:${serve({ secure: false })}/api`);
      expect([exit, seen]).toEqual([2, []]);
      expect(said).toContain("WS_API_URL must be https://");
    },
    TEST_MS_MAX,
  );

  test(
    "to a certificate that nobody vouches for ends before the token is sent, also when a variable asks for less",
    async () => {
      const apiUrl = `https://localhost:${serve({ secure: true })}/api`;
      const { exit, said } = await run(apiUrl);
      expect([exit, seen, isRegistered()]).toEqual([69, [], false]);
      expect(said).toContain("cannot be reached");
      expect(said).toContain("certificate");
      const unverified = await run(apiUrl, { NODE_TLS_REJECT_UNAUTHORIZED: "0" });
      expect([unverified.exit, seen]).toEqual([2, []]);
      expect(unverified.said).toContain("NODE_EXTRA_CA_CERTS");
    },
    TEST_MS_MAX,
  );

  test(
    "to a certificate of one's own authority works with NODE_EXTRA_CA_CERTS, and only for the name in it",
    async () => {
      const port = serve({ secure: true });
      const other = await run(`https://127.0.0.1:${port}/api`, trusting());
      expect([other.exit, seen, isRegistered()]).toEqual([69, [], false]);
      await run(`https://localhost:${port}/api`, trusting());
      expect(isRegistered()).toBe(true);
      expect(seen.map(({ path, authorization }) => [path, authorization])).toContainEqual([
        "/api/runner/claim",
        `Bearer ${CREDENTIAL}`,
      ]);
    },
    TEST_MS_MAX,
  );

  test(
    "does not follow a redirect, to http:// or anywhere, and says where it pointed",
    async () => {
      const plain = `http://localhost:${serve({ secure: false })}`;
      const port = serve({ secure: true, redirectTo: plain });
      const { exit, said } = await run(`https://localhost:${port}/api`, trusting());
      expect([exit, isRegistered()]).toEqual([69, false]);
      expect(said).toContain(`a redirect to ${plain}/api/runner/register, which is not followed`);
      // And with the credential, which goes with every other request.
      const kept = join(dir.path, "kept");
      await Bun.write(kept, CREDENTIAL);
      const rotated = await startRunnerProgram({
        args: ["rotate-credential"],
        root: join(dir.path, "cache"),
        apiUrl: `https://localhost:${port}/api`,
        env: { ...trusting(), WSRUNNER_CREDENTIAL_FILE: kept },
      }).ended();
      expect(rotated.exit).toBe(69);
      expect(await Bun.file(kept).text()).toBe(CREDENTIAL);
      expect(seen.map(({ path, authorization }) => [path, authorization])).toEqual([
        ["/api/runner/register", null],
        ["/api/runner/credential", `Bearer ${CREDENTIAL}`],
      ]);
    },
    TEST_MS_MAX,
  );

  test(
    "through a proxy is a tunnel: the proxy sees neither the token nor the credential",
    async () => {
      const port = serve({ secure: true });
      const heard: Buffer[] = [];
      const proxy = Bun.listen<{ up: Bun.Socket | undefined }>({
        hostname: "127.0.0.1",
        port: 0,
        socket: {
          open: (socket) => {
            socket.data = { up: undefined };
          },
          data: async (socket, chunk) => {
            heard.push(Buffer.from(chunk));
            if (socket.data.up !== undefined) return void socket.data.up.write(chunk);
            socket.data.up = await Bun.connect({
              hostname: "127.0.0.1",
              port,
              socket: { data: (_, answer) => void socket.write(answer), close: () => void socket.end() },
            });
            socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
          },
        },
      });
      servers.push(proxy);
      const address = `http://127.0.0.1:${proxy.port}`;
      await run(`https://localhost:${port}/api`, {
        ...trusting(),
        HTTPS_PROXY: address,
        https_proxy: address,
      });
      expect(isRegistered()).toBe(true);
      const all = Buffer.concat(heard).toString("latin1");
      expect(all).toStartWith(`CONNECT localhost:${port} `);
      for (const secret of [REGISTRATION_TOKEN, CREDENTIAL]) expect(all).not.toContain(secret.slice(5));
    },
    TEST_MS_MAX,
  );
});

describe("an answer", () => {
  const post = (
    reply: Response,
    credential: string | undefined = CREDENTIAL,
    reread?: () => Promise<string>,
  ) => {
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => reply.clone() });
    servers.push(server);
    const client = new ServerClient({
      apiUrl: `http://127.0.0.1:${server.port}/api`,
      version: "0.1.0",
      credential: () => credential,
      ...(reread === undefined ? {} : { reread }),
    });
    return client.post("/runner/heartbeat", {}, z.object({ abort: z.array(z.string()) }));
  };

  test("that is no answer of a server of ours says which address to look at", async () => {
    const page = { headers: { "content-type": "text/html" } };
    for (const [reply, said] of [
      [new Response("<html>Sign in</html>", page), "is no answer of a Windshift server"],
      [new Response("<html>Not here</html>", { status: 404, ...page }), "WS_API_URL has to end in /api"],
      [new Response("bad gateway", { status: 502 }), "answers with status 502"],
      [Response.redirect("https://sso.example.test/", 302), "a redirect to https://sso.example.test/"],
    ] as const)
      expect(post(reply)).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining(said),
      });
  });

  test("that asks for time says for how long, in seconds or as a date, whoever answered", async () => {
    const busy = (header: string) =>
      post(new Response("busy", { status: 503, headers: { "retry-after": header } })).catch((error) => error);
    const body = errorBody(new AppError("rate_limited", "slower"));
    const ours = Response.json(body, { status: 429, headers: { "retry-after": "3" } });
    expect(await post(ours).catch((error) => error)).toMatchObject({ code: "rate_limited", retryAfterS: 3 });
    expect(await busy("120")).toMatchObject({ code: "unavailable", retryAfterS: 120 });
    const { retryAfterS } = await busy(new Date(Date.now() + 3_600_000).toUTCString());
    expect(retryAfterS).toBeGreaterThan(3_000);
    expect(retryAfterS).toBeLessThanOrEqual(3_600);
    expect((await busy("soon")).retryAfterS).toBeUndefined();
  });

  test("of a refusal is the server's own, and what is kept is looked at once", async () => {
    let looks = 0;
    const reread = async () => {
      looks++;
      return CREDENTIAL;
    };
    const refused = await post(unknownRunner(), CREDENTIAL, reread).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "unauthenticated", message: "register this runner again" });
    expect(looks).toBe(1);
  });
});
