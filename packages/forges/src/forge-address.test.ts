import { expect, test } from "bun:test";
import { createForgeClient, type ForgeKind } from "./create-forge-client.ts";
import { forgejoAddress, githubAddress, gitlabAddress } from "./forge-address.ts";
import { ForgeError } from "./forge-client.ts";

test("the addresses of a GitHub follow from any of its own", () => {
  const github = { webUrl: "https://github.com", apiUrl: "https://api.github.com" };
  for (const base of ["https://github.com", "https://github.com/", "https://api.github.com"])
    expect(githubAddress(base)).toMatchObject(github);
  const own = { webUrl: "https://ghe.example:8443", apiUrl: "https://ghe.example:8443/api/v3" };
  for (const base of ["https://ghe.example:8443", "https://ghe.example:8443/api/v3/"])
    expect(githubAddress(base)).toMatchObject(own);
  expect(githubAddress("https://acme.ghe.com")).toMatchObject({
    webUrl: "https://acme.ghe.com",
    apiUrl: "https://api.acme.ghe.com",
  });
  // A host that only begins or ends like GitHub's is not GitHub's.
  expect(githubAddress("https://notgithub.com").apiUrl).toBe("https://notgithub.com/api/v3");
});

test("a GitLab or a Forgejo may live below a path", () => {
  expect(gitlabAddress("https://example.com/gitlab/")).toMatchObject({
    webUrl: "https://example.com/gitlab",
    apiUrl: "https://example.com/gitlab/api/v4",
  });
  expect(forgejoAddress("https://example.com/git/api/v1").webUrl).toBe("https://example.com/git");
});

test("what is no plain address, and a GitHub App elsewhere, is refused", async () => {
  for (const base of [
    "",
    "example.com",
    "ftp://example.com",
    "https://user:pw@example.com",
    "https://example.com/?a=b",
  ])
    expect(() => githubAddress(base)).toThrow(ForgeError);
  for (const kind of ["gitlab", "forgejo"] satisfies ForgeKind[]) {
    const credential = { kind: "github_app", appId: 1, installationId: 1, privateKey: "x" } as const;
    const made = createForgeClient(kind, { baseUrl: "https://example.com", credential, fetch });
    expect(await made.catch((error: unknown) => error)).toMatchObject({ kind: "refused" });
  }
});
