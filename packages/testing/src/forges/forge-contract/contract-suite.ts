import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ForgeServer } from "../forge-server.ts";
import { checksCredentials } from "./contract-check.ts";
import { hearsPeople } from "./contract-comments.ts";
import { bearsFailures } from "./contract-failures.ts";
import { opensPullRequests } from "./contract-pull-requests.ts";
import { readsRepositories } from "./contract-repositories.ts";
import { ForgeBench, type ForgeTraits, TEST_MS_MAX } from "./forge-bench.ts";

/** What every ForgeClient promises, against a real server of its kind. */
export function forgeContract(name: string, start: () => Promise<ForgeServer>, traits: ForgeTraits): void {
  describe(`forge contract: ${name}`, () => {
    const at = new ForgeBench(traits);
    beforeAll(() => at.start(start), TEST_MS_MAX);
    afterAll(() => at.stop());

    checksCredentials(at);
    readsRepositories(at);
    opensPullRequests(at);
    hearsPeople(at);
    bearsFailures(at);

    test("every request and reply is one of the published description", () => {
      expect(at.forge.violations).toEqual([]);
    });
  });
}
