import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { hostArchitecture, RUNNER_PROGRAMS } from "../build/programs.ts";
import { programsDocument } from "../image/sbom/spdx.ts";
import { SpdxSchema } from "../image/sbom/spdx-fixture.ts";
import { packFolder } from "./archive.ts";
import { makeDeployArchive, makeTargetArchive } from "./target-archive.ts";
import { thirdParty } from "./third-party.ts";

/** Programs are compiled and packed; a loaded machine takes long for it, ms. */
setDefaultTimeout(300_000);

const EPOCH_S = 1_700_000_000;
const programs = RUNNER_PROGRAMS.filter(({ name }) => name === "windshift-triage");
const sh = (script: string, cwd: string) =>
  exec(["sh", "-euc", script], { cwd, env: { PATH: "/usr/bin:/bin" }, timeoutMs: 120_000 });

test("the archive of a target has programs that run, the installer, licenses, and checksums that hold", async () => {
  using dir = tempDir();
  const { notice } = await thirdParty(programs);
  const target = hostArchitecture();
  const made = {
    target,
    programs,
    version: "1.2.3",
    notice,
    epochS: EPOCH_S,
    outDir: dir.path,
    log: () => {},
  };
  expect(await makeTargetArchive(made)).toBe(join(dir.path, `windshift-1.2.3-linux-${target}.tar.gz`));
  expect((await sh("tar -xzf windshift-1.2.3-*.tar.gz", dir.path)).stderr).toBe("");
  const folder = join(dir.path, `windshift-1.2.3-linux-${target}`);
  const checked = await sh("sha256sum --check --quiet SHA256SUMS && ls", folder);
  expect([checked.exitCode, checked.stderr]).toEqual([0, ""]);
  expect(checked.stdout.trim().split("\n").toSorted()).toEqual(
    [
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "SHA256SUMS",
      "THIRD-PARTY-LICENSES.txt",
      "install.sh",
      "runner-programs",
      "systemd",
      "windshift-triage",
    ].toSorted(),
  );
  expect(await readFile(join(folder, "SHA256SUMS"), "utf8")).toMatch(
    /^[0-9a-f]{64} {2}systemd\/windshift-runner\.service$/m,
  );
  const version = await sh(`runner-programs/${target}/windshift-triage --version`, folder);
  expect([version.exitCode, version.stdout]).toEqual([0, expect.stringContaining("windshift-triage")]);
  expect((await sh("sh -n install.sh && test -x install.sh", folder)).exitCode).toBe(0);
  const licences = await readFile(join(folder, "THIRD-PARTY-LICENSES.txt"), "utf8");
  expect(licences).toMatch(/^bun \S+ \(MIT\)$/m);
  expect(licences).toMatch(/^zod \S+ \(MIT\)$/m);
  expect(licences).toContain("Permission is hereby granted");
});

test("the same files make the same archive, whenever and by whomever they are packed", async () => {
  const sums: string[] = [];
  for (const at of ["2001-01-01", "2020-02-02"]) {
    using dir = tempDir();
    const folder = join(dir.path, "windshift-1");
    await mkdir(join(folder, "b"), { recursive: true });
    for (const name of ["z", "b/y", "a"]) await writeFile(join(folder, name), name);
    await sh(`touch -d ${at} a z b b/y; chmod 640 a`, folder);
    sums.push(
      Bun.CryptoHasher.hash("sha256", await Bun.file(await packFolder(folder, EPOCH_S)).bytes(), "hex"),
    );
  }
  expect(new Set(sums).size).toBe(1);
});

test("the archive of containers has what they are made and started with, and no settings of a person", async () => {
  using dir = tempDir();
  await makeDeployArchive({ version: "1.2.3", epochS: EPOCH_S, outDir: dir.path });
  const { stdout } = await sh("tar -tzf windshift-1.2.3-deploy.tar.gz", dir.path);
  for (const name of ["docker/Dockerfile.server", "compose/tls.yaml", "compose/Caddyfile", "install.sh"])
    expect(stdout).toContain(`windshift-1.2.3-deploy/${name}\n`);
  expect(stdout).not.toContain("/.");
});

test("the bill of materials of the programs is valid, names each package once, and is the same for the same release", async () => {
  const { packages } = await thirdParty(programs);
  const make = () =>
    programsDocument({
      name: "windshift-1.2.3",
      version: "1.2.3",
      created: new Date(EPOCH_S * 1_000),
      namespace: "urn:windshift:release:1.2.3:1",
      programs: programs.map(({ name }) => name),
      packages: [...packages, ...packages.slice(1, 2).map((one) => ({ ...one, version: "0.0.1" }))],
    });
  expect(make()).toEqual(make());
  expect(SpdxSchema.parse(JSON.parse(JSON.stringify(make()))).packages).toHaveLength(packages.length + 2);
});
