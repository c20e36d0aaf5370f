import { expect, test } from "bun:test";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import {
  credentialOf,
  REGISTRATION_TOKEN,
  registered,
  type SeenRequest,
  seenRequest,
  startRunnerProgram,
} from "./runner-program.fixture.ts";

/** An engine that says this of itself, and does nothing else. */
function engineIn(dir: string, info: object): string {
  const docker = join(dir, "docker");
  writeFileSync(docker, `#!/bin/sh\n[ "$1" = info ] && echo '${JSON.stringify(info)}'\n`);
  chmodSync(docker, 0o755);
  return docker;
}

const REFUSED = [
  [
    "whose user ids would make every run fail",
    { SecurityOptions: ["name=userns"] },
    "Take userns-remap out of the engine's settings",
  ],
  [
    "that holds no container to its limits, as rootless Podman on cgroup v1,",
    { host: { cgroupVersion: "v1", cgroupControllers: [], security: { rootless: false } } },
    "cannot limit the memory and processes of a container",
  ],
] as const;

test.each(REFUSED)(
  "an engine %s is refused before the registration token is spent",
  async (_, info, sentence) => {
    using root = tempDir();
    const seen: SeenRequest[] = [];
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (request) => {
        seen.push(await seenRequest(request));
        return registered(credentialOf("a"));
      },
    });
    try {
      const cacheRoot = join(root.path, "cache");
      const program = startRunnerProgram({
        root: cacheRoot,
        apiUrl: `http://127.0.0.1:${server.port}/api`,
        env: {
          WSRUNNER_ALLOW_INSECURE: "1",
          WSRUNNER_REGISTRATION_TOKEN: REGISTRATION_TOKEN,
          WSRUNNER_DOCKER: engineIn(root.path, info),
        },
      });
      const { exit, said } = await program.ended();
      expect([exit, said]).toEqual([2, expect.stringContaining(sentence)]);
      expect(seen).toEqual([]);
      expect(existsSync(join(cacheRoot, "credential"))).toBe(false);
    } finally {
      await server.stop(true);
    }
  },
  30_000,
);
