import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { readSettingsTables } from "./settings-list.ts";

/**
 * Names and defaults that people rely on; adding is free, changing one is not. `undefined`: the default is a sentence
 * or there is none.
 */
const FIXED: Record<string, Record<string, string | undefined>> = {
  windshift: {
    BASE_URL: "http://localhost:8080",
    CODING_AGENT_RUNNER_IMAGE: undefined,
    CODING_AGENT_WORKTREE_ROOT: undefined,
    CODING_AGENT_WS_API_URL: undefined,
    CODING_AGENT_DOCKER_BINARY: "docker",
    CODING_AGENT_NETWORK: "coding-agent-egress",
    CODING_AGENT_PIDS_LIMIT: "512",
    CODING_AGENT_MEMORY: "4g",
    CODING_AGENT_CPUS: "2",
    CODING_AGENT_LLM_MODEL: undefined,
    WINDSHIFT_DATA: undefined,
    WINDSHIFT_SECRET_KEY: undefined,
    DATABASE_URL: undefined,
    WINDSHIFT_PORT: undefined,
    CODING_AGENT_WORKERS: "2",
    CODING_AGENT_RUNTIME: undefined,
  },
  "windshift-agent": {
    LLM_BASE_URL: undefined,
    LLM_MODEL: undefined,
    LLM_API_KEY: undefined,
    LLM_CONTEXT_SIZE: "128000",
    LLM_STREAM: undefined,
  },
};

describe("the settings of the programs", () => {
  test.each(Object.entries(FIXED))("%s keeps its fixed names and defaults", async (program, fixed) => {
    const tables = await readSettingsTables(resolve(import.meta.dir, "../.."));
    const rows = new Map(
      tables.find((table) => table.program === program)?.rows.map((row) => [row.name, row]),
    );
    for (const [name, value] of Object.entries(fixed)) {
      expect([...rows.keys()]).toContain(name);
      if (value !== undefined) expect(`${name}=${rows.get(name)?.defaultText}`).toBe(`${name}=${value}`);
    }
  });

  test("promise a secret in a file only where the program reads one", async () => {
    const tables = await readSettingsTables(resolve(import.meta.dir, "../.."));
    const twins = tables.flatMap(({ rows }) => rows.filter((row) => row.fileTwin).map((row) => row.name));
    expect(twins).toContain("DATABASE_URL");
    expect(twins).toContain("WINDSHIFT_SECRET_KEY");
    const page = await Bun.file(resolve(import.meta.dir, "../../docs/configuration.md")).text();
    const promised = [...page.matchAll(/` or `(\w+)_FILE`/g)].map(([, name]) => name);
    expect(promised).toEqual(twins);
    expect(promised).not.toContain("LLM_API_KEY");
    expect(promised).not.toContain("WS_TOKEN");
  });

  test("name each variable once for each program", async () => {
    for (const { rows } of await readSettingsTables(resolve(import.meta.dir, "../.."))) {
      const names = rows.map((row) => row.name);
      expect(names).toEqual([...new Set(names)]);
    }
  });
});
