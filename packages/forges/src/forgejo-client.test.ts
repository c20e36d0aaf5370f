import { expect, test } from "bun:test";
import { forgeContract } from "@windshift/testing/forges/forge-contract/contract-suite.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { createForgeClient } from "./create-forge-client.ts";

forgeContract("Forgejo", startForgejoServer, {
  draftPrefix: "WIP: ",
  saysExpired: false,
  createPath: /^\/repos\/acme\/shop\/pulls$/,
  charsMax: { text: 262_144, comment: 262_144 },
  limit: (resetS) => ({
    status: 429,
    headers: { "retry-after": new Date(resetS * 1_000).toUTCString() },
    body: { message: "Too many requests" },
  }),
});

test("the check names a scope that only writing needs, and writes nothing", async () => {
  const forge = await startForgejoServer();
  try {
    for (const [scopes, missing] of [
      [["read:user", "read:repository", "write:issue"], "write:repository"],
      [["read:user", "write:repository"], "write:issue"],
    ] as const) {
      const credential = { kind: "token", token: forge.addToken([...scopes]) } as const;
      const client = await createForgeClient("forgejo", { baseUrl: forge.url, credential, fetch });
      const checked = await client.check();
      expect(checked).toMatchObject({ ok: false, kind: "missing_scope" });
      expect(checked.message).toContain(`lacks the scope \`${missing}\``);
    }
    const writes = forge.faults.log.filter((r) => r.method !== "GET");
    expect(writes.length).toBeGreaterThan(0);
    expect(writes.every((r) => r.status === 403 || r.status === 404)).toBe(true);
  } finally {
    await forge.stop();
  }
});

test("an account that administers nothing hears nobody, and the check says so", async () => {
  const forge = await startForgejoServer();
  try {
    const credential = { kind: "token", token: forge.tokens.full } as const;
    const client = await createForgeClient("forgejo", { baseUrl: forge.url, credential, fetch });
    const { writer, reader, outsider } = forge.people;
    const heard = () =>
      Promise.all([writer, reader, outsider].map((login) => client.canWrite(forge.repository, login)));
    expect(await client.check()).toMatchObject({ ok: true, message: `Connected as ${forge.agent}.` });
    expect(await heard()).toEqual([true, false, false]);
    await forge.setAgentAccess("write");
    expect(await heard()).toEqual([false, false, false]);
    const checked = await client.check();
    expect(checked.ok).toBe(true);
    expect(checked.message).toContain(
      "no administrator of acme/shop: comments on pull requests start no runs",
    );
  } finally {
    await forge.stop();
  }
});

test("an installation with other words for a draft is told apart from one that made it", async () => {
  const forge = await startForgejoServer();
  try {
    const credential = { kind: "token", token: forge.tokens.full } as const;
    const client = await createForgeClient("forgejo", { baseUrl: forge.url, credential, fetch });
    const side = { sha: "a".repeat(40), repo_id: 7 };
    const body = {
      ...{ id: 1, number: 1, html_url: `${forge.url}/acme/shop/pulls/1`, title: "WIP: T", body: "B" },
      ...{ state: "open", draft: false, head: { ...side, ref: "b" }, base: { ...side, ref: "main" } },
    };
    forge.faults.add({ method: "POST", path: /pulls$/, what: { kind: "answer", status: 201, body } });
    const request = { repository: forge.repository, title: "T", body: "B", mark: "B" };
    const opened = await client.openPullRequest({ ...request, sourceBranch: "b", targetBranch: "main" });
    expect(opened.pullRequest.draft).toBe(false);
    expect(opened.note).toContain("WORK_IN_PROGRESS_PREFIXES");
  } finally {
    await forge.stop();
  }
});
