import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { systemClock } from "@windshift/base/clock.ts";
import { pushBranch } from "../push-branch.ts";
import { type ForgeBench, failureOf, TEST_MS_MAX } from "./forge-bench.ts";

/** Limits, failures, and what a message never holds. */
export function bearsFailures(at: ForgeBench): void {
  describe("limits and failures", () => {
    test("a rate limit is kept to: nothing is asked before it is over", async () => {
      let nowMs = Date.now();
      const clock = { ...systemClock, nowMs: () => nowMs };
      const careful = await at.connect(at.forge.tokens.full, { clock });
      const resetS = Math.floor(nowMs / 1_000) + 120;
      at.forge.faults.add({ method: "GET", path: /./, what: { kind: "answer", ...at.traits.limit(resetS) } });
      const limited = await failureOf(careful.getRepository(at.forge.repository));
      expect(limited.kind).toBe("rate_limited");
      expect(limited.retryAtMs).toBeGreaterThan(nowMs + 60_000);
      const asked = at.forge.faults.log.length;
      expect((await failureOf(careful.getRepository(at.forge.repository))).kind).toBe("rate_limited");
      expect(at.forge.faults.log.length).toBe(asked);
      nowMs = (limited.retryAtMs ?? 0) + 1;
      expect((await careful.getRepository(at.forge.repository)).name).toBe(at.forge.repository.name);
    });

    test("a redirect is not followed", async () => {
      let reached = 0;
      using elsewhere = Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        fetch: () => Response.json({ reached: ++reached }),
      });
      const headers = { location: `http://127.0.0.1:${elsewhere.port}/new?token=abc` };
      at.forge.faults.add({ method: "GET", path: /./, what: { kind: "answer", status: 301, headers } });
      const failure = await failureOf(at.client.getRepository(at.forge.repository));
      expect(failure).toMatchObject({ kind: "refused", status: 301 });
      expect(failure.message).toContain(`127.0.0.1:${elsewhere.port}/new`);
      expect(failure.message).not.toContain("abc");
      expect(reached).toBe(0);
    });

    test("a message never holds the credential, whatever the forge writes", async () => {
      for (const status of [400, 401, 403, 404, 409, 422, 500]) {
        const body = { message: `you sent ${at.forge.tokens.full}`, error: at.forge.tokens.full };
        at.forge.faults.add({ method: "GET", path: /./, what: { kind: "answer", status, body } });
        const failure = await failureOf(at.client.getRepository(at.forge.repository));
        expect(failure.message).not.toContain(at.forge.tokens.full);
        expect(failure.message.length).toBeLessThan(600);
      }
    });

    test(
      "git takes the credential, and refuses a revoked one",
      async () => {
        const revoked = await (await at.connect(at.forge.tokens.revoked)).gitCredential(at.forge.repository);
        const url = `${at.client.gitBaseUrl}/${at.forge.repository.owner}/${at.forge.repository.name}.git`;
        const push = pushBranch({
          url,
          ...revoked,
          workDir: join(at.folder.path, "revoked"),
          branch: "x",
          file: "x",
        });
        expect((await push.catch((error: Error) => error.message)) as string).toMatch(/failed/);
      },
      TEST_MS_MAX,
    );
  });
}
