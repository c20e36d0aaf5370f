import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import manifest from "../../package.json" with { type: "json" };
import { REPOSITORY_ROOT } from "../build/compile.ts";
import { childEnv } from "../setup/child-env.ts";
import { AGENT_IMAGE } from "./agent-image.ts";
import { docker } from "./docker.ts";
import { ensureForeignImage } from "./foreign-images.ts";
import { imageBytesWithoutBase } from "./image-size.ts";
import { imageBom } from "./sbom/image-bom.ts";
import { SpdxSchema } from "./sbom/spdx-fixture.ts";

const IMAGE = process.env.WINDSHIFT_TEST_IMAGE || AGENT_IMAGE;
/** Twenty containers, half a second each; the image that must fail may have to be built first. */
const VERIFY_MS_MAX = 300_000;
/** Source: docs/images.md. */
const ADDED_BYTES_MAX = 130_000_000;

async function verify(image: string) {
  const script = join(REPOSITORY_ROOT, "deploy/docker/verify-image.sh");
  const result = await exec(["sh", script, image], { env: childEnv(), timeoutMs: VERIFY_MS_MAX });
  const lines = result.stdout.trim().split("\n");
  return { ...result, lines, failed: lines.filter((line) => line.startsWith("FAIL")) };
}

describe("CL-04 the agent image", () => {
  test(
    "holds what it promises and nothing it must not hold",
    async () => {
      const { exitCode, lines, failed, stderr } = await verify(IMAGE);
      expect({ exitCode, failed, stderr }).toEqual({ exitCode: 0, failed: [], stderr: "" });
      for (const fact of [
        "ok   node is not there",
        "ok   npm is not there",
        "ok   curl is not there",
        "ok   the user is 1000:1000",
        "ok   the bill of materials is there",
        "ok   it names the base it was built on by its digest",
        "ok   no program is setuid or setgid",
      ])
        expect(lines).toContain(fact);
    },
    VERIFY_MS_MAX,
  );

  test(
    "is told from an image that is not confined, holds tools, and is not ours",
    async () => {
      const { exitCode, failed } = await verify(await ensureForeignImage("glibc", () => undefined));
      expect(exitCode).toBe(1);
      for (const fact of [
        "FAIL windshift-agent is found",
        "FAIL the user is 1000:1000",
        "FAIL the contract label is v1",
        "FAIL python is not there",
        "FAIL su is not there",
        "FAIL no perl but the base's own",
        "FAIL no program is setuid or setgid",
        "FAIL the bill of materials is there",
        "FAIL it names the base it was built on by its digest",
      ])
        expect(failed).toContain(fact);
    },
    VERIFY_MS_MAX,
  );

  test("that is not there is said to be missing", async () => {
    const { exitCode, stderr } = await verify("windshift/agent:no-such-tag");
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: "There is no image windshift/agent:no-such-tag; build it with: make image\n",
    });
  });

  test("adds no more to its base than it may", async () => {
    const bytes = await imageBytesWithoutBase(IMAGE);
    expect(bytes).toBeGreaterThan(50_000_000); // the runtime alone is more: a smaller figure is a wrong one
    expect(bytes).toBeLessThanOrEqual(ADDED_BYTES_MAX);
    await expect(imageBytesWithoutBase("windshift/agent:no-such-tag")).rejects.toThrow("make image");
  });
});

describe("CL-04 the bill of materials in the agent image", () => {
  test("names every package of Debian that is installed, in its version, and no other", async () => {
    const bom = SpdxSchema.parse(JSON.parse(await imageBom(IMAGE)));
    const named = bom.packages
      .filter((one) => one.externalRefs?.[0]?.referenceLocator.startsWith("pkg:deb/"))
      .map((one) => `${one.name} ${one.versionInfo}`);
    expect(named.sort()).toEqual((await installed()).sort());
  });

  test("names the agent, its runtime and the licenses of both", async () => {
    const bom = SpdxSchema.parse(JSON.parse(await imageBom(IMAGE)));
    const found = (name: string) => {
      const one = bom.packages.find((entry) => entry.name === name);
      return `${one?.versionInfo} ${one?.licenseDeclared}`;
    };
    expect(found("windshift-agent")).toBe(`${manifest.version} Apache-2.0`);
    expect(found("bun")).toBe(`${Bun.version} MIT`);
    expect(found("git")).not.toContain("undefined");
  });
});

/** What the package manager inside says, asked in another way than the bill was made. */
async function installed(): Promise<string[]> {
  const args = ["run", "--rm", "--network", "none", "--entrypoint", "dpkg", IMAGE, "--list"];
  const listed = await docker(args, { timeoutMs: VERIFY_MS_MAX });
  const rows = listed.stdout.split("\n").filter((line) => line.startsWith("ii "));
  expect(rows.length).toBeGreaterThan(50);
  return rows.map((row) => row.split(/\s+/)).map(([, name, version]) => `${name?.split(":")[0]} ${version}`);
}
