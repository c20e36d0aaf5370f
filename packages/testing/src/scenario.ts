import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { RunEventType } from "@windshift/contract/event.ts";
import { RunReason, RunStatus } from "@windshift/contract/run.ts";
import { z } from "zod";
import { type ModelScript, readModelScript } from "./model-script.ts";

/** An event of this type whose data, as JSON, contains this text. */
const EventLike = z.strictObject({ type: RunEventType, contains: z.string() });

/** What a person does while the run goes on, once an event like `after` was seen. Done in order. */
const ScenarioAction = z.discriminatedUnion("do", [
  z.strictObject({ after: EventLike, do: z.literal("cancel"), force: z.boolean().default(false) }),
  z.strictObject({ after: EventLike, do: z.literal("comment"), text: z.string().min(1) }),
]);

/** `scenario.json`: one run from assignment to its end, seen from outside. */
export const Scenario = z.strictObject({
  /** A fact in the present tense: the name of the test. */
  title: z.string().min(10),
  /** The project's files, relative to the scenario's folder; several scenarios may share one. */
  project: z.string().default("repo"),
  item: z.strictObject({ title: z.string().min(1), description: z.string() }),
  /** What the binding sets other than its defaults. */
  binding: z
    .strictObject({
      instructions: z.string().optional(),
      wall_clock_ms: z.int().positive().optional(),
      turns: z.int().positive().optional(),
      push_policy: z.strictObject({ ci_files: z.enum(["refuse", "flag"]) }).optional(),
    })
    .default({}),
  actions: z.array(ScenarioAction).default([]),
  expect: z.strictObject({
    status: RunStatus,
    reason: RunReason,
    /** A draft pull request exists, and the run's branch with it; false: neither does. */
    pull_request: z.boolean(),
    /** Texts in what the pull request says. */
    pull_request_body: z.array(z.string()).default([]),
    /** Commits between the base and the branch, exactly. */
    commits: z.int().min(0).optional(),
    /** Texts in the message of the branch's last commit. */
    commit_message: z.array(z.string()).default([]),
    /** Path and a text it contains at the tip of the branch; null: the path does not exist there. */
    files: z.record(z.string(), z.string().nullable()).default({}),
    /** A command run in a checkout of the base and of the run's branch, and the exit code it ends with there. */
    check: z
      .strictObject({ command: z.string().min(1), before: z.int().min(0), after: z.int().min(0) })
      .optional(),
    /** Texts in the patch that is kept of work that was not pushed. None: there is no patch. */
    patch: z.array(z.string()).default([]),
    /** Texts in the sentence that says why the run ended. */
    detail: z.array(z.string()).default([]),
    /** Events that are in the transcript, in any order. */
    events: z.array(EventLike).default([]),
    /** Texts of which each is in some comment of the item. */
    comments: z.array(z.string()).default([]),
    /** Requests that reached the model. */
    model_requests: z.strictObject({ min: z.int().min(0), max: z.int().min(0) }).optional(),
  }),
  /** Transcript kept for readers, from the root of the repository. A run that tells another story fails. */
  recording: z.string().optional(),
});
export type Scenario = z.infer<typeof Scenario>;

export interface ScenarioFolder {
  /** `01-happy-path` */
  name: string;
  scenario: Scenario;
  model: ModelScript;
  /** Folder with the files of the project the agent works on, absolute. */
  projectDir: string;
}

/** Reads every folder `NN-name` under `dir`, in order. @throws Error naming the file and every problem in it */
export function readScenarios(dir: string): ScenarioFolder[] {
  const names = readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && /^\d\d-/.test(entry.name))
    .map((entry) => entry.name)
    .sort();
  return names.map((name) => {
    const scenario = readScenario(join(dir, name, "scenario.json"));
    const model = readModelScript(join(dir, name, "model.json"));
    return { name, scenario, model, projectDir: resolve(dir, name, scenario.project) };
  });
}

function readScenario(file: string): Scenario {
  const parsed = Scenario.safeParse(JSON.parse(readFileSync(file, "utf8")));
  if (!parsed.success) throw new Error(`${file} is not a scenario:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
