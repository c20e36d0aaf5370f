import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { LLM_WIRES } from "./llm-wire.ts";

const ROOT = resolve(import.meta.dir, "../../..");
/** What is part of a model call: the broker, the way out, and what the server puts around them. */
const SOURCES = [
  "packages/llm-broker/src",
  "packages/outbound/src",
  "apps/server/src/brokers",
  "apps/server/src/connections",
];

const Package = z.object({
  version: z.string().optional(),
  resolved: z.string().optional(),
  integrity: z.string().optional(),
  link: z.boolean().optional(),
  hasInstallScript: z.boolean().optional(),
});
const Lock = z.object({ lockfileVersion: z.number(), packages: z.record(z.string(), Package) });
const Manifest = z.object({
  scripts: z.record(z.string(), z.string()).default({}),
  allowScripts: z.record(z.string(), z.boolean()).optional(),
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
});

function readJson<T>(schema: z.ZodType<T>, path: string): T {
  return schema.parse(JSON.parse(readFileSync(join(ROOT, path), "utf8")));
}
function manifests(): { path: string; manifest: z.infer<typeof Manifest> }[] {
  const parts = ["apps", "packages"].flatMap((dir) =>
    readdirSync(join(ROOT, dir)).map((name) => `${dir}/${name}`),
  );
  const paths = ["package.json", ...parts.map((part) => `${part}/package.json`)];
  return paths
    .filter((path) => existsSync(join(ROOT, path)))
    .map((path) => ({ path, manifest: readJson(Manifest, path) }));
}
function* sources(): Generator<{ path: string; text: string }> {
  for (const dir of SOURCES) {
    for (const name of readdirSync(join(ROOT, dir), { recursive: true, encoding: "utf8" })) {
      if (!/\.tsx?$/.test(name) || /\.(test|fixture)\.tsx?$/.test(name)) continue;
      yield { path: join(dir, name), text: readFileSync(join(ROOT, dir, name), "utf8") };
    }
  }
}

/** Ways to load code that is not named in the source. */
const LOADS =
  /\bimport\s*\((?!\s*["'][^"'$]+["']\s*\))|\brequire\s*\(|\bcreateRequire\b|\bnew Function\b|\beval\s*\(|from ["']node:vm["']|import\.meta\.(resolve|require)/;
/** Such ways in a text without its comments. */
function loads(text: string): boolean {
  return LOADS.test(text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, ""));
}

describe("LB-21 providers are part of the source", () => {
  test("no code of a model call is loaded by a name that is made up as it runs", () => {
    const found = [...sources()];
    expect(found.length).toBeGreaterThan(40);
    expect(found.filter(({ text }) => loads(text)).map(({ path }) => path)).toEqual([]);
  });

  test("and this test would see it", () => {
    for (const bad of [
      "await import(name)",
      "import(`./providers/openai.ts`)",
      'import("./" + name)',
      "require(provider)",
      'createRequire("/")',
      'new Function("return 1")',
    ]) {
      expect([bad, loads(bad)]).toEqual([bad, true]);
    }
    for (const good of [
      'import { a } from "./a.ts";',
      'await import("./fixed.ts")',
      "// import(name)",
      "/** import(name) */",
    ]) {
      expect([good, loads(good)]).toEqual([good, false]);
    }
  });

  test("the shapes of providers are a fixed list, and no package of a provider is a dependency of the product", () => {
    expect(LLM_WIRES.map(({ path }) => path).sort()).toEqual(["/v1/chat/completions", "/v1/messages"]);
    const providers = /^(openai|@anthropic-ai\/|@ai-sdk\/|@google\/|cohere|litellm|langchain|@langchain\/)/;
    for (const { path, manifest } of manifests()) {
      expect([path, Object.keys(manifest.dependencies).filter((name) => providers.test(name))]).toEqual([
        path,
        [],
      ]);
    }
  });
});

describe("LB-21 SO-01 what is installed", () => {
  test("is locked: every package with its version and the hash of its content", () => {
    const { lockfileVersion, packages } = readJson(Lock, "package-lock.json");
    expect(lockfileVersion).toBe(3);
    const foreign = Object.entries(packages).filter(
      ([path, one]) => path.includes("node_modules/") && one.link !== true,
    );
    expect(foreign.length).toBeGreaterThan(10);
    for (const [path, { version, integrity }] of foreign) {
      expect([path, version !== undefined, integrity?.startsWith("sha512-")]).toEqual([path, true, true]);
    }
  });

  test("is named exactly: no range could bring another version", () => {
    for (const { path, manifest } of manifests()) {
      for (const [name, version] of Object.entries({
        ...manifest.dependencies,
        ...manifest.devDependencies,
      })) {
        expect([path, name, version]).toEqual([
          path,
          name,
          expect.stringMatching(/^\d+\.\d+\.\d+(-[\w.]+)?$/),
        ]);
      }
    }
  });

  test("runs no script of its own, but for the runtime's, which is named; and none of ours runs at installing", () => {
    const { packages } = readJson(Lock, "package-lock.json");
    const withScripts = Object.entries(packages).filter(([, one]) => one.hasInstallScript === true);
    expect(withScripts.map(([path]) => path)).toEqual(["node_modules/bun"]);
    for (const { path, manifest } of manifests()) {
      expect([path, manifest.allowScripts]).toEqual([
        path,
        path === "package.json" ? { bun: true } : undefined,
      ]);
      const hooks = Object.keys(manifest.scripts).filter((name) =>
        /^(pre|post)?install$|^(pre|post)?prepare$/.test(name),
      );
      expect([path, hooks]).toEqual([path, []]);
    }
  });
});
