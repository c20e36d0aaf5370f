import { Attempt, Oid, runRef } from "@windshift/contract/ids.ts";
import { PushPolicy } from "@windshift/contract/push-policy.ts";
import { createGitBroker } from "./git-broker.ts";
import { InspectionProcesses } from "./inspection-process.ts";
import { localBase } from "./quarantine-base.ts";
import { INSPECTION_COMMAND } from "./quarantine-fixture.ts";
import { createQuarantineInspector } from "./quarantine-inspector.ts";
import { remoteUpstream } from "./remote-upstream.ts";

/**
 * `broker-process.fixture.ts ROOT PASSWORD TOKEN [REPOSITORY BASE TEMP]`: the broker alone, in a process of its own, so that its memory and its
 * processor time can be read. A run may fetch `main` of `ROOT/forge/repo.git` and push its branch; with the folder of that repository and a commit, pushes are looked into. Prints the address of run 1.
 */
const [root = "", password = "", token = "", repository, base, tempRoot = ""] = process.argv.slice(2);
const inspector =
  repository === undefined
    ? undefined
    : createQuarantineInspector({
        run: 1,
        processes: new InspectionProcesses(INSPECTION_COMMAND),
        tempRoot,
        known: localBase(repository),
        base: Oid.parse(base),
        policy: PushPolicy.parse({}),
      });
const handle = createGitBroker({
  grants: {
    find: async (runId, given) =>
      given !== token
        ? undefined
        : {
            runId,
            attempt: Attempt.parse(1),
            owner: "forge",
            repo: "repo",
            ref: runRef(runId),
            fetchRefs: ["refs/heads/main", runRef(runId)],
            upstream: remoteUpstream({
              root,
              owner: "forge",
              name: "repo",
              credential: async () => ({ username: "forge-user", password }),
              fetch: (url, init) => fetch(url, init),
              onFailure: async ({ sentence }) => void process.stderr.write(`${sentence}\n`),
            }),
            ...(inspector === undefined ? {} : { inspector }),
            isLive: async () => true,
            onPushed: async () => undefined,
          },
  },
  audit: { refused: async ({ why }) => void process.stderr.write(`refused: ${why}\n`) },
});
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  maxRequestBodySize: 4 * 1024 ** 3,
  fetch: handle,
});
process.stdout.write(`http://127.0.0.1:${server.port}/api/git-proxy/1/forge/repo.git\n`);
