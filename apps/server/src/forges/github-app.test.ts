import { expect, test } from "bun:test";
import type { JobSpec } from "@windshift/contract/job.ts";
import { INSTALLATION_TOKEN_RENEW_MS } from "@windshift/forges/github-access.ts";
import { startGithubServer } from "@windshift/testing/forges/github-server.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { FORGE_TEST_MS_MAX, useForgeScene } from "../testing/forge-scene.ts";

const at = useForgeScene(startGithubServer, "APP");

/** All that the server keeps of runs and has logged, and all that it gave to the runner. */
async function kept(jobs: readonly JobSpec[]): Promise<string> {
  const db = at.server.database.kysely;
  const rows = await Promise.all(
    (["runs", "run_events", "run_messages", "comments", "audit_log", "connections"] as const).map((table) =>
      db.selectFrom(table).selectAll().execute(),
    ),
  );
  return JSON.stringify([jobs, rows, at.server.logLines]);
}

test(
  "a run works with the tokens of a GitHub App's installation, which are made, renewed, and never leave the server",
  async () => {
    const { forge, workspace, admin } = at;
    const { installationTokens: tokens } = forge;
    const path = `/api/v1/connections/${workspace.connection.id}`;
    const { appId: app_id, installationId: installation_id, privateKey: private_key } = forge.app;
    const changed = await admin.patch(path, { app: { app_id, installation_id, private_key } });
    expect(changed.status).toBe(200);
    const checked = await admin.post<{ ok: boolean; message: string }>(`${path}/check`);
    expect(checked.body).toEqual({ ok: true, message: expect.stringContaining("the app windshift-app") });

    // As good as over: each use makes another one.
    tokens.lifeMs = INSTALLATION_TOKEN_RENEW_MS - 1;
    await admin.patch(path, { app: { app_id, installation_id, private_key } });
    const key = await workspace.assign();
    const job = await at.claimed(key);
    const worn = tokens.given.length;
    expect(worn).toBeGreaterThan(1);

    // Those are over now; the next one lasts, and is made once for the push and the pull request.
    tokens.lifeMs = 3_600_000;
    tokens.expireAll();
    await workspace.work(job, { "app.txt": "a\n" });
    const run = await workspace.ended(key);
    expect([run.status, run.detail, run.pull_request?.state]).toEqual(["succeeded", null, "open"]);
    expect(await gitOut(["rev-parse", run.branch], forge.dir)).toBe(run.head_oid ?? "none");
    expect(tokens.given.length - worn).toBe(1);

    const all = await kept([job]);
    for (const secret of [...tokens.given, private_key.split("\n")[1] ?? "none"])
      expect(all.includes(secret)).toBe(false);
    expect(forge.violations).toEqual([]);
  },
  FORGE_TEST_MS_MAX,
);

test(
  "a token of the installation that GitHub takes back early is made anew, and the run goes on",
  async () => {
    const { forge, workspace } = at;
    const { installationTokens: tokens } = forge;
    tokens.expireAll();
    const before = tokens.given.length;
    const key = await workspace.assign();
    await workspace.work(await at.claimed(key), { "anew.txt": "a\n" });
    expect((await workspace.ended(key)).status).toBe("succeeded");
    expect(tokens.given.length - before).toBe(1);
  },
  FORGE_TEST_MS_MAX,
);

test(
  "an app that gets no token any more fails the next run with GitHub's sentence",
  async () => {
    const { forge, workspace } = at;
    forge.installationTokens.expireAll();
    const body = { message: "This installation has been suspended" };
    forge.faults.add({ method: "POST", path: /access_tokens$/, what: { kind: "answer", status: 403, body } });
    const key = await workspace.assign();
    expect(await workspace.claim(key)).toBeUndefined();
    const run = await workspace.ended(key);
    expect([run.status, run.reason]).toEqual(["failed", "misconfigured"]);
    expect(run.detail).toContain("has been suspended");
  },
  FORGE_TEST_MS_MAX,
);
