import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Attempt, type Oid, type RunId, runBranch, runRef } from "@windshift/contract/ids.ts";
import { createToken } from "@windshift/contract/tokens.ts";
import type { TriageRequest } from "@windshift/contract/triage.ts";
import { AGENT_GID, AGENT_UID } from "@windshift/execution/docker-argv.ts";
import { callTriage } from "@windshift/execution/triage-program.ts";
import { createGitBroker } from "@windshift/git-broker/git-broker.ts";
import { localUpstream } from "@windshift/git-broker/local-upstream.ts";
import { timed } from "../measure.ts";

/** `windshift-triage prepare` of one repository through a real git broker, again and again on one cache. */
export interface PrepareRig {
  /** @returns ms from the start of the program to its reply; the checkout is removed afterwards, outside of that time */
  time(): Promise<number>;
  stop(): Promise<void>;
}

const OWNER = "bench";
const REPO = "project";
const RUN = 1 as RunId;
const ATTEMPT = Attempt.parse(1);

/** @param workDir gets the cache and the checkouts */
export function startPrepareRig(
  triage: string,
  repository: { dir: string; tip: Oid },
  workDir: string,
): PrepareRig {
  const token = createToken("run");
  const broker = serveRepository(repository.dir, token);
  const checkout = join(workDir, "checkout");
  const request: TriageRequest = {
    op: "prepare",
    run_id: RUN,
    attempt: ATTEMPT,
    clone_url: `http://127.0.0.1:${broker.port}/api/git-proxy/${RUN}/${OWNER}/${REPO}.git`,
    token,
    cache_dir: join(workDir, "cache.git"),
    branch: runBranch(RUN),
    base_ref: "main",
    base_oid: repository.tip,
    branch_oid: null,
    checkout_dir: checkout,
    owner: process.getuid?.() === 0 ? { uid: AGENT_UID, gid: AGENT_GID } : null,
  };
  const program = { argv: [triage], env: { PATH: process.env.PATH ?? "/usr/bin:/bin" } };
  return {
    time: async () => {
      mkdirSync(checkout);
      const elapsedMs = await timed(async () => {
        const reply = await callTriage(program, request, new AbortController().signal, () => undefined);
        if (reply.kind !== "prepared") throw new Error(`prepare failed: ${JSON.stringify(reply)}`);
      });
      rmSync(checkout, { recursive: true });
      return elapsedMs;
    },
    stop: () => broker.stop(true),
  };
}

function serveRepository(dir: string, token: string): Bun.Server<undefined> {
  const grant = {
    runId: RUN,
    attempt: ATTEMPT,
    owner: OWNER,
    repo: REPO,
    ref: runRef(RUN),
    fetchRefs: ["refs/heads/main"],
    upstream: localUpstream({ dir }),
    isLive: async () => true,
    onPushed: async () => undefined,
  };
  const handle = createGitBroker({
    grants: { find: async (_run, given) => (given === token ? grant : undefined) },
    audit: { refused: async () => undefined },
  });
  return Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: handle });
}
