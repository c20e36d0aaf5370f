import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { AgentProcess, TestCheckout } from "../testing/agent-process.ts";
import { WindowModel } from "../testing/window-model.ts";
import { finish } from "../testing/window-run.ts";

/** A picture of one pixel with a note of 2.8 MB. */
function bigPng(): Buffer {
  const png = Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "base64",
  );
  const data = Buffer.alloc(2_800_000, "A");
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length, 0);
  head.write("tEXt", 4);
  return Buffer.concat([png.subarray(0, -12), head, data, Buffer.alloc(4), png.subarray(-12)]);
}

test("pictures that were accepted are before the model in the next request, and old ones make room for new ones", async () => {
  const look = (names: string[]) => ({
    calls: names.map((path): [string, object] => ["read_file", { path }]),
  });
  using model = new WindowModel({
    window: 128_000,
    turn: ({ number }) =>
      number < 2
        ? look(["p.png", "p.png", "p.png"])
        : number === 2
          ? { calls: [["bash", { command: "rm p.png" }]] }
          : finish("seen"),
  });
  using checkout = await TestCheckout.create();
  writeFileSync(checkout.path("p.png"), bigPng());
  await using agent = new AgentProcess(model.url, checkout, { LLM_IMAGES: "1" });
  expect(await agent.work()).toBe(0);
  expect(agent.list("error")).toEqual([]);
  expect(agent.list("tool_done").filter(({ output }) => output.startsWith("error:"))).toHaveLength(2);
  const pictures = model.requests.map(({ text }) => text.match(/"image_url":/g)?.length ?? 0);
  expect(pictures).toEqual([0, 2, 3, 3]);
  expect(model.breaches).toEqual([]);
  expect(Math.max(...model.requests.map(({ text }) => text.length))).toBeLessThan(16 * 1_048_576);
}, 30_000);
