import { expect, test } from "bun:test";
import { AgentProcess, TestCheckout } from "../testing/agent-process.ts";
import { ALL_LAYERS, type FuzzShares, fuzzedAnswer, INNER_LAYERS } from "../testing/fuzzed-answer.ts";
import { answerOf, RawModel } from "../testing/raw-model.ts";
import { SeededRandom } from "../testing/seeded-random.ts";
import { runSessionOf } from "../testing/session-run.ts";

/** Set both to the figures of a failure to have that run again, alone. */
const SEED = Number(process.env.AGENT_FUZZ_SEED ?? Date.now() % 1_000_000);
const ONLY_RUN = process.env.AGENT_FUZZ_RUN;
/** Enough to bring about every ending; each run draws others. `AGENT_FUZZ_REPLIES=10000` for more, some 40 s. */
const REPLIES = Number(process.env.AGENT_FUZZ_REPLIES ?? 3_000);
/** One of them on a loaded machine, ms. */
const REPLY_MS_MAX = 60;
/** Fuzzed replies of one run; then the model finishes, as many a run of nonsense would not. */
const REPLIES_PER_RUN = 12;
/** Runs at the same time. */
const WORKERS = 4;

const FINISH = JSON.stringify({
  choices: [
    {
      message: {
        tool_calls: [
          {
            id: "f",
            function: { name: "finish", arguments: '{"outcome":"completed","summary":"all done"}' },
          },
        ],
      },
      finish_reason: "tool_calls",
    },
  ],
});

/** A model that speaks nonsense, the same for the same run, and in the end finishes. */
class FuzzedModel {
  /** Answers given of all runs. */
  count = 0;
  private random = new SeededRandom(0);
  private left = 0;
  constructor(private readonly shares: FuzzShares) {}

  begin(run: number, replies: number): void {
    this.random = new SeededRandom(SEED * 1_000_003 + run);
    this.left = replies;
  }

  start(): Promise<RawModel> {
    return RawModel.start((socket) => {
      if (this.left-- <= 0) return void socket.write(answerOf(FINISH));
      this.count++;
      const { pieces, closes } = fuzzedAnswer(this.random, this.shares);
      for (const piece of pieces) socket.write(piece);
      if (closes) socket.end();
    });
  }
}

/** Runs workers side by side until they have given enough replies. @param work one run, by number */
async function fuzz(
  replies: number,
  shares: FuzzShares,
  work: (run: { model: FuzzedModel; url: string; checkout: TestCheckout; number: number }) => Promise<void>,
): Promise<{ runs: number; replies: number }> {
  let runs = 0;
  const models = Array.from({ length: WORKERS }, () => new FuzzedModel(shares));
  const given = () => models.reduce((sum, model) => sum + model.count, 0);
  const one = async (model: FuzzedModel) => {
    using checkout = await TestCheckout.create();
    await using server = await model.start();
    while (given() < replies && (ONLY_RUN === undefined || runs === 0)) {
      const number = ONLY_RUN === undefined ? runs++ : Number(ONLY_RUN) + runs++;
      await work({ model, url: server.url, checkout, number }).catch((cause: unknown) => {
        throw new Error(`AGENT_FUZZ_SEED=${SEED} AGENT_FUZZ_RUN=${number}: ${String(cause)}`, { cause });
      });
    }
  };
  await Promise.all(models.map(one));
  return { runs, replies: given() };
}

test(
  `PI-10 ${REPLIES} fuzzed replies end every run with finish or error and then session_idle (seed ${SEED})`,
  async () => {
    const strays: unknown[] = [];
    const onStray = (error: unknown) => strays.push(error);
    process.on("unhandledRejection", onStray);
    const endings: Record<string, number> = {};
    const { replies } = await fuzz(REPLIES, ALL_LAYERS, async ({ model, url, checkout, number }) => {
      model.begin(number, REPLIES_PER_RUN);
      const place = { checkout: checkout.dir, home: checkout.home };
      const run = await runSessionOf(url, place, { stream: number % 2 === 0 });
      const ending = run.list("finish")[0]?.outcome ?? run.list("error")[0]?.code ?? "no code";
      endings[ending] = (endings[ending] ?? 0) + 1;
      if (ending === "internal") throw new Error(run.list("error")[0]?.message);
    });
    process.off("unhandledRejection", onStray);
    expect(strays).toEqual([]);
    if (ONLY_RUN !== undefined) return;
    expect(replies).toBeGreaterThanOrEqual(REPLIES);
    // The nonsense gets through to all that can happen: runs that finish, that fail for a reason, and that are stopped.
    for (const ending of ["completed", "lease_lost", "budget_exhausted"])
      expect(endings).toHaveProperty(ending);
  },
  180_000 + REPLIES * REPLY_MS_MAX,
);

test(`a hundred of them through the real process (seed ${SEED})`, async () => {
  const { replies } = await fuzz(100, INNER_LAYERS, async ({ model, url, checkout, number }) => {
    model.begin(1_000_000 + number, 5);
    await using agent = new AgentProcess(url, checkout, { LLM_STREAM: String(number % 2) });
    await agent.work();
    const ends = agent.events.filter(({ type }) => type === "finish" || type === "error");
    if (
      ends.length !== 1 ||
      agent.events.at(-1)?.type !== "session_idle" ||
      ends.some((end) => "code" in end && end.code === "internal")
    )
      throw new Error(JSON.stringify(agent.events.slice(-3)));
    const stderr = await agent.stderr();
    if (stderr !== "") throw new Error(stderr);
  });
  if (ONLY_RUN === undefined) expect(replies).toBeGreaterThanOrEqual(100);
}, 120_000);
