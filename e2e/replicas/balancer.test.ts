import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { proxyDirectives } from "./balancer.ts";

test("docs/many-servers.md shows nginx as the tests have it", async () => {
  const page = await Bun.file(resolve(import.meta.dir, "../../docs/many-servers.md")).text();
  for (const directive of proxyDirectives()) expect(page).toContain(`    ${directive}\n`);
});
