import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { createServer } from "node:tls";
import { exec } from "@windshift/base/exec.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { z } from "zod";
import { takeRecord } from "./record.ts";
import { HERE, openStage, type Stage } from "./stage.ts";

/** The certificate of a server's address runs out while a runner is at work, and is made anew. */
const TEST_MS_MAX = 180_000;
const WAIT_MS_MAX = 60_000;
const OPENSSL_MS_MAX = 60_000;

let stage: Stage;
let front: TlsFront;

/** What stands before a server and speaks TLS: its certificate is changed while it runs. */
interface TlsFront {
  port: number;
  use(certificate: string): void;
  close(): void;
}

beforeAll(async () => {
  stage = await openStage({
    env: process.env,
    hosts: [HERE],
    capacity: 3,
    poolMax: 3,
    thinkMs: [20, 20, 20, 20],
  });
  await makeCertificates(stage.dataDir);
  front = await openFront(stage.dataDir, Number(new URL(stage.server.url).port));
}, TEST_MS_MAX);
afterAll(async () => {
  front?.close();
  await stage?.close(false);
}, TEST_MS_MAX);

test(
  "F42 a runner says that the server's certificate has run out, and takes work again, without a restart, once it is a new one",
  async () => {
    const [host] = stage.hosts;
    if (host === undefined) throw new Error("there is no host");
    Object.assign(host.options.env, {
      WS_API_URL: `https://localhost:${front.port}/api`,
      NODE_EXTRA_CA_CERTS: join(stage.dataDir, "authority.pem"),
      WSRUNNER_ALLOW_INSECURE: "",
    });
    await host.register();
    const { pid } = host;
    await isClaimed(await assign("While it is good"));
    front.use("expired");
    await eventually(
      "the runner says why",
      () => logSays(host.logFile, /certificate has expired|CERT_HAS_EXPIRED/),
      WAIT_MS_MAX,
    );
    const waiting = await assign("While it has run out");
    expect(await statusOf(waiting)).toBe("queued");
    front.use("second");
    await isClaimed(waiting);
    expect(host.pid).toBe(pid);
    expect((await takeRecord(stage, [], [])).deaths).toEqual([]);
  },
  TEST_MS_MAX,
);

/** What its agent makes of it is another matter: it does not trust this authority. */
async function isClaimed(id: number): Promise<void> {
  await eventually("it is claimed", async () => (await statusOf(id)) !== "queued", WAIT_MS_MAX);
}

async function assign(title: string): Promise<number> {
  await stage.workspace.createItem({ title, description: "Anything." }, true);
  const [row] = await stage.journal.query(
    "select max(id) as id from runs",
    z.object({ id: z.coerce.number() }),
  );
  return row?.id ?? 0;
}

async function statusOf(id: number): Promise<string | undefined> {
  const rows = await stage.journal.query(
    `select status from runs where id = ${id}`,
    z.object({ status: z.string() }),
  );
  return rows[0]?.status;
}

function logSays(file: string, what: RegExp): boolean {
  return what.test(readFileSync(file, "utf8"));
}

/** An authority, and three certificates of it for one key: two that are good and one of yesterday. */
async function makeCertificates(dir: string): Promise<void> {
  const at = (name: string) => join(dir, name);
  const openssl = async (...args: string[]) => {
    const options = { cwd: dir, env: { PATH: process.env.PATH ?? "" }, timeoutMs: OPENSSL_MS_MAX };
    const { exitCode, stderr } = await exec(["openssl", ...args], options);
    if (exitCode !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
  };
  const key = ["-newkey", "rsa:2048", "-nodes"];
  await openssl(
    "req",
    "-x509",
    ...key,
    "-days",
    "9",
    "-subj",
    "/CN=authority",
    "-keyout",
    "authority.key",
    "-out",
    "authority.pem",
  );
  await openssl("req", ...key, "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "request.pem");
  await Bun.write(at("names"), "subjectAltName=DNS:localhost\n");
  const day = (shift: number) =>
    `${new Date(Date.now() + shift * 86_400_000).toISOString().slice(0, 19).replace(/[-T:]/g, "")}Z`;
  await Bun.write(at("index.txt"), "");
  await Bun.write(
    at("ca.cnf"),
    `[ca]\ndefault_ca=a\n[a]\ndir=${dir}\ndatabase=$dir/index.txt\nnew_certs_dir=$dir\nrand_serial=yes\nunique_subject=no\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n`,
  );
  for (const [name, from, to] of [
    ["first", -2, 2],
    ["expired", -2, -1],
    ["second", -1, 3],
  ] as const)
    await openssl(
      ...[
        "ca",
        "-batch",
        "-notext",
        "-config",
        "ca.cnf",
        "-cert",
        "authority.pem",
        "-keyfile",
        "authority.key",
      ],
      ...[
        "-in",
        "request.pem",
        "-extfile",
        "names",
        "-startdate",
        day(from),
        "-enddate",
        day(to),
        "-out",
        `${name}.pem`,
      ],
    );
}

function openFront(dir: string, serverPort: number): Promise<TlsFront> {
  const read = (name: string) => readFileSync(join(dir, name), "utf8");
  const [key, first] = [read("key.pem"), read("first.pem")];
  const sockets = new Set<Socket>();
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer({ key, cert: first }, (socket) => {
    const upstream = connect(serverPort, "127.0.0.1");
    sockets.add(socket);
    socket.pipe(upstream).pipe(socket);
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
    socket.on("close", () => sockets.delete(socket));
  });
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") return reject(new Error("the front has no port"));
      resolve({
        port: address.port,
        use: (name) => {
          server.setSecureContext({ key, cert: read(`${name}.pem`) });
          cut();
        },
        close: () => {
          cut();
          server.close();
        },
      });
    });
  });
}
