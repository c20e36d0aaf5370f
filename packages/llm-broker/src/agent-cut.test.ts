import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { AgentDriver } from "@windshift/testing/agent-driver.ts";
import { createRepository } from "@windshift/testing/git-repository.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { type BrokerFixture, chunk, startBroker, startProvider } from "./llm-broker.fixture.ts";

// An agent waits some seconds between its tries.
setDefaultTimeout(120_000);
const AGENT = resolve(import.meta.dir, "../../../apps/agent/src/main.ts");

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** The product's agent as the runner starts it, with the broker as its model. */
async function startAgent(broker: BrokerFixture, root: string): Promise<AgentDriver> {
  const [checkout, home] = [join(root, "checkout"), join(root, "home")];
  mkdirSync(home);
  await createRepository(checkout, { files: { "README.md": "a project\n" } });
  return new AgentDriver([process.execPath, AGENT], checkout, {
    PATH: process.env.PATH ?? "",
    HOME: home,
    TMPDIR: home,
    LLM_BASE_URL: broker.url,
    LLM_MODEL: "scripted-1",
    LLM_API_KEY: broker.token,
    LLM_STREAM: "1",
    WINDSHIFT_WORKSPACE: checkout,
    AGENT_RUN_ID: "7",
    WINDSHIFT_ITEM_KEY: "DEMO-1",
    WINDSHIFT_REQUESTED_BY: "Ada <ada@example.test>",
  });
}

test("LB-11 an agent whose model is cut in the middle of every reply ends with an error, and its lines say why", async () => {
  const provider = startProvider(
    () =>
      // Ends without its end mark, as a connection that was closed in the middle does.
      new Response(chunk("I shall begin with") + chunk(" half a thought"), {
        headers: { "Content-Type": "text/event-stream" },
      }),
  );
  open.push(provider);
  const broker = startBroker(provider.url);
  open.push(broker);
  using dir = tempDir();
  await using agent = await startAgent(broker, dir.path);
  agent.send({ type: "prompt", message: "the task" });
  expect(await agent.ended()).not.toBe(0);
  // What goes into the transcript: the failure by its words, and no reply that looks whole.
  expect(agent.list("error")).toMatchObject([
    { message: expect.stringMatching(/provider|stream|connection/i) },
  ]);
  expect(agent.list("finish")).toEqual([]);
  expect(agent.events.at(-1)?.type).toBe("session_idle");
  expect(broker.usage.length).toBeGreaterThan(0);
  for (const { status, estimated } of broker.usage) expect([status, estimated]).toEqual([502, true]);
});
