import { expect, test } from "bun:test";
import { gitFloorWarning } from "./git-floor.ts";

for (const version of ["2.43.7", "2.44.4", "2.50.1", "2.51.0", "2.60.0.rc1", "3.0.0", "2.49.1 (Apple Git-1)"])
  test(`HG-18 git ${version} is new enough`, () => {
    expect(gitFloorWarning(`git version ${version}\n`)).toBeUndefined();
  });

for (const version of ["2.39.5", "2.43.6", "2.44.3", "2.50.0", "1.9", "2.42.9"])
  test(`HG-18 git ${version} gets a warning that names the floor`, () => {
    expect(gitFloorWarning(`git version ${version}\n`)).toContain("2.43.7");
  });

test("HG-18 a version that cannot be read is a warning too", () => {
  expect(gitFloorWarning("git version unknown")).toContain("unknown");
});
