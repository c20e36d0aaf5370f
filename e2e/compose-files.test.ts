import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { z } from "zod";
import { readSettingsTables } from "../scripts/checks/settings-list.ts";
import { ensurePackages, findProgram, program } from "../scripts/setup/ensure-packages.ts";

/** Compose may have to be installed first, and takes a second for each call, ms. */
setDefaultTimeout(300_000);

const ROOT = resolve(import.meta.dir, "..");
const FOLDER = join(ROOT, "deploy/compose");
const CALL_MS_MAX = 60_000;
const SECRETS = { POSTGRES_PASSWORD: "letters0and1digits" };
const BASE = { BASE_URL: "https://windshift.example.com" };

/** As Compose itself understands the files, put together and filled in. */
const Config = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      environment: z.record(z.string(), z.union([z.string(), z.null()])).default({}),
      volumes: z.array(z.unknown()).default([]),
      depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
    }),
  ),
  volumes: z.record(z.string(), z.unknown()).default({}),
});

let command: string[];
beforeAll(async () => {
  command = await composeCommand();
});

/** Compose as a plugin of the engine's command line where it is, else Debian's package. */
async function composeCommand(): Promise<string[]> {
  const docker = findProgram("docker");
  if (docker !== undefined && (await call([docker, "compose", "version"], {})).exitCode === 0)
    return [docker, "compose"];
  const packages = await ensurePackages([program("docker-compose")], (line) =>
    process.stderr.write(`${line}\n`),
  );
  const found = findProgram("docker-compose");
  if (packages.kind === "missing" || found === undefined)
    throw new Error(packages.kind === "missing" ? packages.why : "docker-compose was not found");
  return [found];
}

const call = (argv: string[], env: Record<string, string>) =>
  exec(argv, { cwd: FOLDER, env: { PATH: process.env.PATH ?? "", ...env }, timeoutMs: CALL_MS_MAX });

/** Each question once: Debian's Compose takes a second to start. */
const asked = new Map<string, ReturnType<typeof call>>();
function config(files: readonly string[], env: Record<string, string>): ReturnType<typeof call> {
  const key = JSON.stringify([files, env]);
  const answer =
    asked.get(key) ?? call([...command, ...files.flatMap((file) => ["-f", `${file}.yaml`]), "config"], env);
  asked.set(key, answer);
  return answer;
}

async function read(files: readonly string[], env: Record<string, string>): Promise<z.infer<typeof Config>> {
  const { exitCode, stdout, stderr } = await config(files, env);
  expect({ files, exitCode, stderr }).toEqual({ files, exitCode: 0, stderr: expect.any(String) });
  return Config.parse(Bun.YAML.parse(stdout));
}

describe("Compose takes", () => {
  const ways: [what: string, files: string[], env: Record<string, string>, services: string[]][] = [
    ["option A", ["server-local"], BASE, ["windshift"]],
    [
      "option A behind Caddy",
      ["server-local", "tls"],
      { ...BASE, WINDSHIFT_DOMAIN: "w.example" },
      ["caddy", "windshift"],
    ],
    ["the server of option B", ["server"], BASE, ["windshift"]],
    ["it with PostgreSQL", ["server", "postgres"], { ...BASE, ...SECRETS }, ["postgres", "windshift"]],
    [
      "it with PostgreSQL and Caddy",
      ["server", "postgres", "tls"],
      { ...BASE, ...SECRETS, WINDSHIFT_DOMAIN: "w.example" },
      ["caddy", "postgres", "windshift"],
    ],
    ["a runner host", ["runner"], { WS_API_URL: "https://w.example/api" }, ["windshift-runner"]],
  ];
  for (const [what, files, env, services] of ways)
    test(`${what}, whose every setting is one of the program's`, async () => {
      const found = await read(files, env);
      expect(Object.keys(found.services).toSorted()).toEqual(services);
      const tables = await readSettingsTables(ROOT);
      for (const [service, name] of [
        ["windshift", "windshift"],
        ["windshift-runner", "windshift-runner"],
      ] as const) {
        const known = tables.find((table) => table.program === name)?.rows.map((row) => row.name) ?? [];
        for (const setting of Object.keys(found.services[service]?.environment ?? {}))
          expect([setting, known]).toEqual([setting, expect.arrayContaining([setting])]);
      }
    });
});

test("Compose refuses each file with the sentence of the setting it lacks", async () => {
  const lacks: [string[], Record<string, string>, string][] = [
    [["server"], {}, "set it to the address that browsers and runners use"],
    [["server", "postgres"], BASE, "set a password of letters and digits"],
    [["server", "tls"], BASE, "set it to the name that certificates are for"],
    [["runner"], {}, "set it to the address of the server's API"],
  ];
  for (const [files, env, sentence] of lacks) {
    const { exitCode, stderr } = await config(files, env);
    expect([files, exitCode === 0, stderr]).toEqual([files, false, expect.stringContaining(sentence)]);
  }
});

test("the server waits for its database, and reaches it under the name and password that are set there", async () => {
  const { services } = await read(["server", "postgres"], { ...BASE, ...SECRETS });
  expect(services.windshift?.depends_on).toEqual({
    postgres: expect.objectContaining({ condition: "service_healthy" }),
  });
  const url = new URL(services.windshift?.environment.DATABASE_URL ?? "");
  const database = services.postgres?.environment ?? {};
  expect([url.hostname, url.username, url.password, url.pathname]).toEqual([
    "postgres",
    database.POSTGRES_USER as string,
    database.POSTGRES_PASSWORD as string,
    `/${database.POSTGRES_DB}`,
  ]);
});

test("Caddy passes on to the port that the server's image listens on, and keeps nothing back", async () => {
  const caddyfile = readFileSync(join(FOLDER, "Caddyfile"), "utf8");
  const port = /WINDSHIFT_PORT=(\d+)/.exec(
    readFileSync(join(ROOT, "deploy/docker/Dockerfile.server"), "utf8"),
  )?.[1];
  expect(caddyfile).toContain(`reverse_proxy windshift:${port} {`);
  expect(caddyfile).toContain("flush_interval -1");
  // What is compressed on the way waits for a block to be full, and its length tells of secrets in it.
  expect(caddyfile).not.toMatch(/^\s*encode\b/m);
  const { services } = await read(["server-local", "tls"], { ...BASE, WINDSHIFT_DOMAIN: "w.example" });
  expect(services.caddy?.environment.WINDSHIFT_DOMAIN).toBe("w.example");
  expect(services.windshift?.environment.WINDSHIFT_TRUSTED_PROXIES).toContain("172.16.0.0/12");
});
