import { expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import { LocalSignals } from "../db/signals.ts";
import { type Answers, GrantLooks, type ReadGrants, RunWatch } from "./grant-looks.ts";

/** Runs 1, 2, … by their tokens `t1`, `t2`, …, as a database that notes what it was asked for. */
function store(unusedMsMax?: number) {
  const signals = new LocalSignals();
  const reads: string[][] = [];
  const live = new Map([1, 2, 3, 4].map((run) => [`t${run}`, { run, version: 1 }]));
  /** Holds a read up after it was made. */
  let answering: Promise<void> = Promise.resolve();
  const read: ReadGrants<string> = async (keys, known) => {
    reads.push([...keys].sort());
    const found = keys.flatMap((key) => {
      const row = live.get(key);
      return row === undefined ? [] : [[key, `${key} v${row.version}`, row.run] as const];
    });
    await answering;
    const answers: Answers<string> = new Map();
    for (const [key, grant, run] of found) {
      const before = known(key);
      if (key === "t4") answers.set(key, new Error("t4 has none"));
      else if (before?.grant === grant) answers.set(key, before);
      else answers.set(key, { grant, watch: new RunWatch(signals, run) });
    }
    return answers;
  };
  const hold = () => {
    const gate = Promise.withResolvers<void>();
    answering = gate.promise;
    return gate.resolve;
  };
  return { looks: new GrantLooks<string>(read, unusedMsMax), reads, live, signals, hold };
}

test("tokens that are asked for at one moment are one read, and each gets its own answer", async () => {
  const { looks, reads } = store();
  const asked = ["t1", "t2", "t1", "unknown", "t4"].map((key) => looks.find(key));
  const answers = await Promise.allSettled(asked);
  expect(reads).toEqual([["t1", "t2", "t4", "unknown"]]);
  expect(answers.map((one) => (one.status === "fulfilled" ? one.value : "failed"))).toEqual([
    "t1 v1",
    "t2 v1",
    "t1 v1",
    undefined,
    "failed",
  ]);
  expect(await looks.find("t1")).toBe("t1 v1");
  expect(reads).toHaveLength(1);
});

test("looks in use are renewed together without a call, so that one after a pause waits for none", async () => {
  const { looks, reads, live } = store();
  await Promise.all(["t1", "t2", "t3"].map((key) => looks.find(key)));
  live.set("t2", { run: 2, version: 2 });
  live.delete("t3"); // of both nobody is told
  await eventually("a second read", () => reads.length === 2);
  expect(reads[1]).toEqual(["t1", "t2", "t3"]);
  expect(looks.believes("t3", "t3 v1")).toBe(false);
  expect(looks.believes("t2", "t2 v1")).toBe(false);
  await eventually("a third read", () => reads.length === 3);
  expect(reads[2]).toEqual(["t1", "t2"]);
  expect(await Promise.all(["t1", "t2"].map((key) => looks.find(key)))).toEqual(["t1 v1", "t2 v2"]);
});

test("F36 a look is believed for a second only, also when its renewal hangs and nobody says that its run ended", async () => {
  const { looks, reads, live, hold } = store();
  await looks.find("t1");
  const answer = hold();
  live.delete("t1");
  await eventually("a renewal", () => reads.length === 2);
  await eventually("it is believed no more", () => !looks.believes("t1", "t1 v1"));
  const next = looks.find("t1");
  answer();
  expect(await next).toBeUndefined();
});

test("a look that no call used for long is forgotten, and its run is not listened to any more", async () => {
  const { looks, reads, signals } = store(0);
  await Promise.all(["t1", "t2"].map((key) => looks.find(key)));
  expect(signals.isQuiet).toBe(false);
  await eventually("nobody listens", () => signals.isQuiet);
  expect(reads).toHaveLength(1);
  expect(await looks.find("t1")).toBe("t1 v1");
  expect(reads).toHaveLength(2);
});

test("what was said to have changed is read again by the next call, and a token that is dead is not believed", async () => {
  const { looks, live, signals, reads } = store();
  await Promise.all(["t1", "t2"].map((key) => looks.find(key)));
  live.set("t1", { run: 1, version: 2 });
  live.delete("t2");
  await signals.notify("run:1");
  await signals.notify("run:2");
  expect(looks.believes("t1", "t1 v1")).toBe(false);
  expect(await Promise.all(["t1", "t2"].map((key) => looks.find(key)))).toEqual(["t1 v2", undefined]);
  expect(reads).toHaveLength(2);
});

test("an answer that was on its way when its run changed is not believed", async () => {
  const { looks, live, signals, reads, hold } = store();
  await looks.find("t1");
  const answer = hold();
  // A renewal: its look is still believed, and is forgotten while the read is under way.
  await eventually("a second read", () => reads.length === 2);
  live.delete("t1");
  await signals.notify("run:1");
  answer();
  expect(looks.believes("t1", "t1 v1")).toBe(false);
  await eventually("the dead token is seen", async () => (await looks.find("t1")) === undefined);
});

test("a read that fails is told to all who asked, and the next call reads again", async () => {
  let fails = true;
  const signals = new LocalSignals();
  const looks = new GrantLooks<string>(async (keys) => {
    if (fails) throw new Error("no database");
    return new Map(keys.map((key) => [key, { grant: key, watch: new RunWatch(signals, 1) }]));
  });
  const asked = await Promise.allSettled([looks.find("a"), looks.find("b")]);
  expect(asked.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  fails = false;
  expect(await looks.find("a")).toBe("a");
});
