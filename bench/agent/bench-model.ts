import { join } from "node:path";
import { type ArrivedRequest, type BenchTurn, FromModel, type ToModel } from "./model-messages.ts";

/** The scripted model, in a process of its own. */
export interface BenchModel {
  /** Root address; clients append `/v1/chat/completions`. */
  readonly url: string;
  /** Plays these turns from now on and forgets what it was asked. */
  play(turns: readonly BenchTurn[]): Promise<void>;
  /** What it was asked since, oldest first. */
  requests(): Promise<readonly ArrivedRequest[]>;
  stop(): Promise<void>;
}

/** Longest wait for an answer of the model's process, ms: it takes one. */
const ANSWER_MS_MAX = 10_000;

/** Starts a scripted model in a process of its own, so that its work is not measured as the harness's. */
export async function startBenchModel(): Promise<BenchModel> {
  let answered: (message: unknown) => void = () => undefined;
  const next = <K extends FromModel["kind"]>(kind: K) => nextAnswer(kind, (take) => (answered = take));
  const listening = next("listening");
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "model-process.ts")], {
    stdio: ["ignore", "inherit", "inherit"],
    ipc: (message) => answered(message),
  });
  const ask = <K extends FromModel["kind"]>(message: ToModel, kind: K) => {
    const answer = next(kind);
    child.send(message);
    return answer;
  };
  const stop = async () => {
    child.kill();
    await child.exited;
  };
  try {
    const { url } = await listening;
    return {
      url,
      play: async (turns) => void (await ask({ kind: "play", turns: [...turns] }, "playing")),
      requests: async () => (await ask({ kind: "tell" }, "asked")).requests,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Answer<K extends FromModel["kind"]> = Extract<FromModel, { kind: K }>;

function nextAnswer<K extends FromModel["kind"]>(
  kind: K,
  listen: (take: (message: unknown) => void) => void,
): Promise<Answer<K>> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`the model's process does not say ${kind}`)),
      ANSWER_MS_MAX,
    );
    listen((message) => {
      clearTimeout(timer);
      const answer = FromModel.parse(message);
      if (isOf(answer, kind)) resolve(answer);
      else reject(new Error(`the model's process says ${answer.kind} where it should say ${kind}`));
    });
  });
}

function isOf<K extends FromModel["kind"]>(answer: FromModel, kind: K): answer is Answer<K> {
  return answer.kind === kind;
}
