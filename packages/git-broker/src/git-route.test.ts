import { expect, test } from "bun:test";
import { parseGitRoute } from "./git-route.ts";

const at = (path: string) => parseGitRoute("POST", `http://h/api/git-proxy/${path}/git-upload-pack`);

test("an owner has one segment or several", () => {
  expect(at("7/acme/repo.git")).toMatchObject({ run: 7, owner: "acme", repo: "repo" });
  expect(at("7/group/sub/sub2/repo.git")).toMatchObject({ run: 7, owner: "group/sub/sub2", repo: "repo" });
  expect(at("7/a.git/b.git/c.git.git")).toMatchObject({ owner: "a.git/b.git", repo: "c.git" });
});

for (const path of [
  "7/repo.git",
  "7//repo.git",
  "7/acme//repo.git",
  "7/acme/../repo.git",
  "7/acme/./repo.git",
  "7/acme/-x/repo.git",
  "7/acme%2fsub/repo.git",
  "7/acme\\sub/repo.git",
  "07/acme/repo.git",
  `7/${"a/".repeat(21)}repo.git`,
  "7/acme/repo.git/repo",
])
  test(`GB-17 ${path} is no repository`, () => {
    expect(at(path)).toBeUndefined();
  });
