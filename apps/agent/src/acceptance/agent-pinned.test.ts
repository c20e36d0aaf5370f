import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { finish, runInWindow, summary, TASK, work, working } from "../testing/window-run.ts";

test("a task larger than the window is sent with its head and tail, says so, and is whole in a file", async () => {
  const task = `HEAD-MARK ${Array.from({ length: 30_000 }, (_, at) => `line ${at}`).join("\n")} TAIL-MARK`;
  await runInWindow({ window: 16_000, turn: working(12), summary }, { task }, ({ model, agent, code }) => {
    expect(agent.list("error")).toEqual([]);
    expect(code).toBe(0);
    expect(model.count("refused")).toBe(0);
    for (const { text } of model.requests) {
      expect(text).toContain("HEAD-MARK");
      expect(text).toContain("TAIL-MARK");
      const path = /characters of this task were dropped to save room; all of it is in (\S+)/.exec(text)?.[1];
      expect(readFileSync(path ?? "", "utf8")).toBe(task);
    }
  });
}, 30_000);

test("messages of people stand in every later request, also after the conversation was compacted", async () => {
  const meanwhile = (agent: { send(input: { type: "message"; text: string; id: string }): void }) =>
    agent.send({ type: "message", text: "Use tabs, MARK-OF-A-PERSON", id: "m1" });
  await runInWindow(
    { window: 16_000, turn: working(40), summary },
    { meanwhile },
    ({ model, agent, code }) => {
      expect(code).toBe(0);
      expect(agent.list("received").map(({ id }) => id)).toEqual(["m1"]);
      expect(model.count("summary")).toBeGreaterThan(1);
      const from = model.requests.findIndex(({ text }) => text.includes("MARK-OF-A-PERSON"));
      expect(from).toBeLessThan(3);
      for (const { text } of model.requests.slice(from)) expect(text).toContain("Use tabs, MARK-OF-A-PERSON");
    },
  );
}, 30_000);

test("1,000 messages of people are all received and kept: the newest in the request, every one in a file", async () => {
  const text = (at: number) =>
    `Message ${at} of a person who has much to say about how this is to be done, MARK-${at}-`;
  const inputs = Array.from(
    { length: 1_000 },
    (_, at) => ({ type: "message", text: text(at), id: `m${at}` }) as const,
  );
  const options = { window: 16_000, turn: working(12), summary };
  await runInWindow(options, { meanwhile: (agent) => agent.send(...inputs) }, ({ model, agent, code }) => {
    expect(agent.list("error")).toEqual([]);
    expect(code).toBe(0);
    expect(agent.list("received")).toHaveLength(1_000);
    expect(model.count("refused")).toBe(0);
    const last = model.requests.at(-1)?.text ?? "";
    expect(last).toContain(TASK);
    expect(last).toContain("MARK-999-");
    const kept = readFileSync(/All 1000 are in (\S+), word for word/.exec(last)?.[1] ?? "", "utf8");
    for (let at = 0; at < 1_000; at++) expect(kept).toContain(text(at));
  });
}, 30_000);

test("the full text of a shortened output is in the file it names", async () => {
  const print = (turn: number) => `seq ${turn + 1}0001 ${turn + 1}1500`;
  const turn = ({ number }: { number: number }) =>
    number < 30 ? work(number, print(number)) : finish("done");
  await runInWindow({ window: 16_000, turn, summary }, {}, ({ model, code }) => {
    expect(code).toBe(0);
    const texts = model.requests.map((request) => request.text).join("");
    const found = [
      ...texts.matchAll(/characters of this old output were dropped to save room; all of it is in (\S+)/g),
    ];
    expect(found.length).toBeGreaterThan(3);
    for (const [, path] of found) expect(readFileSync(path ?? "", "utf8")).toMatch(/0001\n\d+0002\n/);
  });
}, 30_000);
