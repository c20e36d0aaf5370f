import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { deadLinks } from "./doc-links.ts";
import { unknownDoctorChecks } from "./doctor-names.ts";

const ROOT = resolve(import.meta.dir, "../..");
/** The lines of the guide that people of the documented system look up. */
const GUIDE = [
  "Runs never start",
  "Runner says `WS_API_URL must be https://`",
  "Agent can't reach Windshift",
  "Permission denied talking to Docker",
  "Remote git prep/push fails",
  "Runner keeps asking for a registration token after restart",
];

test("a link to a file or heading that is not there is found, and none else", () => {
  using dir = tempDir();
  const page = [
    "# A page",
    "## Who may do what?",
    "## Who may do what?",
    "[here](#who-may-do-what-1), [there](b.md#an-b), [web](https://example.com/x), `[code](gone.md)`",
    "```",
    "[block](gone.md)",
    "```",
    "[gone](gone.md)",
    "[no heading](b.md#c) and [none here](#d)",
  ];
  writeFileSync(join(dir.path, "a.md"), page.join("\n"));
  writeFileSync(join(dir.path, "b.md"), "# A `b`\n\n## An *b*!\n");
  expect(deadLinks(dir.path, "a.md")).toEqual([
    "a.md:8: the link gone.md leads to no file",
    "a.md:9: b.md has no heading for #c",
    "a.md:9: a.md has no heading for #d",
  ]);
});

test("troubleshooting has every line of the guide, each with checks that the doctors make", () => {
  const text = readFileSync(join(ROOT, "docs/troubleshooting.md"), "utf8");
  for (const line of GUIDE) {
    const section = text.split("\n## ").find((part) => part.startsWith(`${line}\n`));
    expect([line, section]).toEqual([line, expect.stringMatching(/(?:server|runner): `/)]);
  }
  expect(unknownDoctorChecks(ROOT, "docs/troubleshooting.md")).toEqual([]);
});

test("a check that no doctor makes is found", () => {
  using dir = tempDir();
  for (const app of ["server", "runner"]) {
    const file = join(dir.path, "apps", app, "src/doctor/doctor-steps.ts");
    Bun.spawnSync(["mkdir", "-p", join(file, "..")]);
    writeFileSync(file, `{ name: "${app} engine" }`);
  }
  writeFileSync(join(dir.path, "page.md"), "server: `server engine`, `disk`; runner: `server engine`");
  expect(unknownDoctorChecks(dir.path, "page.md")).toEqual([
    'page.md:1: the doctor of the server has no check "disk"',
    'page.md:1: the doctor of the runner has no check "server engine"',
  ]);
});
