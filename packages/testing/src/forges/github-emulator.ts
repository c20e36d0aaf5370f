import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { eventually } from "../eventually.ts";

/** emulate's GitHub, as its own process. */
export interface GithubEmulator {
  readonly url: string;
  /** The private key of the app, as GitHub gives it out. */
  readonly privateKey: string;
  /** One call of its API as the holder of a token. */
  call(token: string, method: string, path: string, body?: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

export interface GithubSeed {
  /** Login of each token. */
  tokens: Record<string, string>;
  users: string[];
  owner: string;
  repositories: { name: string; private: boolean }[];
  app: { appId: number; slug: string; installationId: number; permissions: Record<string, string> };
  /** What addresses in replies begin with. */
  baseUrl: string;
}

const START_MS_MAX = 30_000;

/**
 * Starts the emulator in a process of its own and waits until it answers.
 * @param folder takes its settings, a fresh key of the app among them, and its log
 */
export async function startGithubEmulator(seed: GithubSeed, folder: string): Promise<GithubEmulator> {
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2_048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  const file = join(folder, "emulate.json");
  writeFileSync(file, JSON.stringify(seedFile(seed, privateKey)), { mode: 0o600 });
  const port = freePort();
  const main = join(createRequire(import.meta.url).resolve("emulate/package.json"), "../dist/index.js");
  const log = Bun.file(join(folder, "emulate.log"));
  const child = Bun.spawn(
    [
      process.execPath,
      main,
      "start",
      "--service",
      "github",
      "--port",
      String(port),
      "--seed",
      file,
      "--base-url",
      seed.baseUrl,
    ],
    { env: { PATH: "/usr/bin:/bin", HOME: folder }, stdin: "ignore", stdout: log, stderr: log },
  );
  const url = `http://127.0.0.1:${port}`;
  await eventually(
    "the emulated GitHub answers",
    async () => (await fetch(`${url}/rate_limit`)).status < 500,
    START_MS_MAX,
  );
  return {
    url,
    privateKey,
    call: async (token, method, path, body) => {
      const response = await fetch(url + path, {
        method,
        headers: { authorization: `token ${token}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`emulate: ${method} ${path} gave ${response.status} ${text}`);
      return text === "" ? undefined : JSON.parse(text);
    },
    stop: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

function seedFile(seed: GithubSeed, privateKey: string) {
  const { owner, app } = seed;
  return {
    tokens: Object.fromEntries(
      Object.entries(seed.tokens).map(([token, login]) => [token, { login, scopes: ["repo"] }]),
    ),
    github: {
      users: [owner, ...seed.users].map((login) => ({ login })),
      repos: seed.repositories.map((repository) => ({
        owner,
        ...repository,
        default_branch: "main",
        auto_init: false,
      })),
      apps: [
        {
          app_id: app.appId,
          slug: app.slug,
          name: app.slug,
          private_key: privateKey,
          permissions: app.permissions,
          installations: [
            { installation_id: app.installationId, account: owner, permissions: app.permissions },
          ],
        },
      ],
    },
  };
}

/** Free a moment ago; emulate cannot choose one by itself. */
function freePort(): number {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const { port } = server;
  server.stop(true);
  if (port === undefined) throw new Error("no free port");
  return port;
}
