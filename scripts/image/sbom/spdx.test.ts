import { describe, expect, test } from "bun:test";
import { AGENT_PROGRAM } from "../../build/programs.ts";
import { bundledPackages, packageFolder, runtimePackage } from "./bundled-packages.ts";
import { licenceExpression } from "./debian-licence.ts";
import { parseDebianPackages } from "./debian-packages.ts";
import { spdxDocument } from "./spdx.ts";
import { SpdxSchema } from "./spdx-fixture.ts";

const LISTING = [
  "P\tlibstdc++6\t12.2.0-14\tamd64\tgcc-12\tDebian GCC Maintainers <gcc@example.org>\thttp://gcc.gnu.org/",
  "P\tgit\t1:2.39.5-0+deb12u3\tamd64\tgit\tJonathan <j@example.org>\thttps://git-scm.com/",
  "P\tlibstdc--6\t1\tall\tlibstdc--6\t\t",
  "L\tgit\tGPL-2",
  "L\tgit\tLGPL-2.1+ or Expat",
  "L\tlibstdc++6\tsomething-of-its-own",
].join("\n");

function document(more: { programs?: readonly string[] } = {}) {
  return spdxDocument({
    ...more,
    image: "windshift/agent:test",
    version: "1.2.3",
    created: new Date("2026-01-02T03:04:05.678Z"),
    debian: parseDebianPackages(LISTING),
    runtime: { name: "bun", version: "1.0.0", licence: "MIT" },
    bundled: [{ name: "@scope/name", version: "2.0.0-beta.1", licence: "ISC" }],
  });
}

describe("a bill of materials", () => {
  test("is valid SPDX 2.3, also with names that differ only in signs an id cannot hold", () => {
    const parsed = SpdxSchema.parse(JSON.parse(JSON.stringify(document())));
    expect(parsed.creationInfo.created).toBe("2026-01-02T03:04:05Z");
    expect(parsed.packages.map((one) => one.SPDXID)).toContain("SPDXRef-deb-libstdc.43..43.6-amd64");
  });

  test("of an image with several programs says of each that it holds the runtime", () => {
    const { packages, relationships } = document({ programs: ["windshift-runner", "windshift-triage"] });
    expect(
      SpdxSchema.safeParse(JSON.parse(JSON.stringify({ ...document(), packages, relationships }))).success,
    ).toBe(true);
    const names = packages
      .filter((one) => one.primaryPackagePurpose === "APPLICATION")
      .map(({ name }) => name);
    expect(names).toEqual(["windshift-runner", "windshift-triage"]);
    const runtime = packages.find(({ name }) => name === "bun")?.SPDXID;
    const holders = relationships.filter((one) => one.relatedSpdxElement === runtime);
    expect(holders.map((one) => one.spdxElementId)).toEqual([
      "SPDXRef-windshift-runner",
      "SPDXRef-windshift-triage",
    ]);
  });

  test("names packages as scanners look them up", () => {
    const urls = document().packages.flatMap(({ externalRefs = [] }) => externalRefs);
    expect(urls.map(({ referenceLocator }) => referenceLocator)).toEqual([
      "pkg:deb/debian/git@1%3A2.39.5-0%2Bdeb12u3?arch=amd64&distro=debian-12",
      "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=amd64&distro=debian-12&upstream=gcc-12",
      "pkg:deb/debian/libstdc--6@1?arch=all&distro=debian-12",
      "pkg:npm/bun@1.0.0",
      "pkg:npm/%40scope/name@2.0.0-beta.1",
    ]);
  });

  test("declares a license only where its name is certain, and else says what Debian says", () => {
    const found = (name: string) => document().packages.find((one) => one.name === name);
    expect(found("git")?.licenseDeclared).toBe("GPL-2.0-only AND (LGPL-2.1-or-later OR MIT)");
    expect(found("libstdc++6")).toMatchObject({
      licenseDeclared: "NOASSERTION",
      licenseComments: "Debian's copyright file names: something-of-its-own",
    });
    expect(found("libstdc--6")).not.toHaveProperty("licenseComments");
  });

  test("is refused by the schema when an id is given twice, or a relationship leads nowhere", () => {
    const twice = document();
    twice.packages.push(...twice.packages.slice(0, 1));
    expect(SpdxSchema.safeParse(twice).error?.message).toContain("SPDXRef-image is given twice");
    const nowhere = document();
    nowhere.packages.pop();
    expect(SpdxSchema.safeParse(nowhere).error?.message).toContain("which is not there");
  });

  test("holds every package whose code is in the executable, and the runtime", async () => {
    for (const one of [...(await bundledPackages(AGENT_PROGRAM)), await runtimePackage()])
      expect(one.licence).toMatch(/^(MIT|Apache-2\.0|BSD-[23]-Clause|ISC)$/);
    const triage = { name: "t", entry: "apps/triage/src/main.ts", aliases: [] };
    expect((await bundledPackages(triage)).map(({ name }) => name)).toContain("zod");
    expect((await runtimePackage()).version).toBe(Bun.version);
  });
});

test("a file belongs to the innermost package", () => {
  expect(packageFolder("/a/node_modules/b/node_modules/@c/d/x.js")).toBe(
    "/a/node_modules/b/node_modules/@c/d",
  );
  expect(packageFolder("/a/packages/b/src/x.ts")).toBeUndefined();
});

test("Debian's names of licenses become SPDX's, or nothing", () => {
  expect(licenceExpression(["Expat", "GPL-2+", "Expat"])).toBe("MIT AND GPL-2.0-or-later");
  expect(licenceExpression(["GPL-2+ or Artistic-2.0, and ISC"])).toBe(
    "(GPL-2.0-or-later OR Artistic-2.0) AND ISC",
  );
  expect(licenceExpression(["Expat", "public-domain"])).toBeNull();
  expect(licenceExpression(["GPL-3+ with autoconf exception"])).toBeNull();
  expect(licenceExpression([])).toBeNull();
});
