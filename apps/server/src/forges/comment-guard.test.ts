import { expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { FORGE_TEST_MS_MAX, useForgeScene } from "../testing/forge-scene.ts";
import { COMMENT_RUNS_PER_HOUR_MAX } from "./forge-comment.ts";
import { OUR_MARK } from "./our-mark.ts";

const at = useForgeScene(startForgejoServer, "GUARD");
const said = async (number: number, text: string) =>
  (await at.written(number)).filter(({ login, body }) => login === at.forge.agent && body.includes(text));

test(
  "what the agent, its account or an agent of another installation writes starts nothing",
  async () => {
    const { key, pull } = await at.proposed({ "own.txt": "o\n" });
    await at.forge.comment(pull.number, at.forge.agent, "@windshift I am done");
    // Another installation works with the account of a person who may write.
    await at.forge.comment(
      pull.number,
      at.forge.people.writer,
      `@windshift run 5 pushed.\n\n<!-- windshift:run:5 -->\n${OUR_MARK}`,
    );
    await at.forge.comment(pull.number, "forgejo-actions", "@windshift the build failed");
    await at.say(pull.number, "@windshift a person asks");
    await eventually("the person is heard", async () => (await at.runsOf(key)).length === 2);
    expect(await at.outcomes(pull.id)).toEqual(["started"]);
    const { initial_prompt } = await at.claimed(key);
    for (const text of ["I am done", "run 5 pushed", "the build failed"])
      expect(initial_prompt).not.toContain(text);
  },
  FORGE_TEST_MS_MAX,
);

test(
  "more comments in an hour than a review has start no runs; one of them is told why, the rest nothing",
  async () => {
    const { key, pull } = await at.proposed({ "loop.txt": "l\n" });
    const db = at.server.database.kysely;
    const keep = (n: number, createdAtMs: number) =>
      db
        .insertInto("forge_comments")
        .values({
          pull_request_id: pull.id,
          comment: `earlier-${n}`,
          outcome: "started",
          message_id: null,
          tell_at_ms: null,
          created_at_ms: createdAtMs,
        })
        .execute();
    for (let n = 1; n < COMMENT_RUNS_PER_HOUR_MAX; n++) await keep(n, Date.now());
    await at.say(pull.number, "@windshift the last that is allowed");
    await eventually("it starts a run", async () => (await at.runsOf(key)).length === 2);
    const job = await at.claimed(key);
    await at.workspace.report(job, String(job.repo.branch_oid));
    await at.workspace.ended(key);

    await at.say(pull.number, "@windshift one too many");
    await eventually(
      "it is said why",
      async () => (await said(pull.number, `at most ${COMMENT_RUNS_PER_HOUR_MAX} in an hour`)).length === 1,
    );
    await at.say(pull.number, "@windshift and another");
    const refused = async () => (await at.outcomes(pull.id)).filter((outcome) => outcome === "too_many");
    await eventually("the next is refused", async () => (await refused()).length === 2);
    await eventually("nothing is left to be said", async () => !(await at.hasUntold(pull.id)));
    expect(await said(pull.number, "starts no run")).toHaveLength(1);
    expect(await at.runsOf(key)).toHaveLength(2);

    // An hour later it is heard again.
    await db
      .updateTable("forge_comments")
      .set({ created_at_ms: Date.now() - 3_700_000 })
      .where("pull_request_id", "=", pull.id)
      .where("outcome", "=", "started")
      .execute();
    await at.say(pull.number, "@windshift after a while");
    await eventually("it starts a run", async () => (await at.runsOf(key)).length === 3);
  },
  FORGE_TEST_MS_MAX,
);
