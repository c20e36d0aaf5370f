import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Oid } from "@windshift/contract/ids.ts";
import { PushPolicy } from "@windshift/contract/push-policy.ts";
import type { BrokerFixture, ClientResult, RunGrant } from "./broker-fixture.ts";
import { mustGit } from "./broker-fixture.ts";
import type { GitUpstream } from "./git-upstream.ts";
import { InspectionProcesses } from "./inspection-process.ts";
import { type BaseObjects, localBase } from "./quarantine-base.ts";
import { createQuarantineInspector, type QuarantineOptions } from "./quarantine-inspector.ts";

/** Runs whose pushes are looked into, in the real process, before a broker fixture's repository. For tests only. */
export interface QuarantineFixture {
  /** Where quarantines are made; empty when none is left. */
  tempRoot: string;
  processes: InspectionProcesses;
  grant(run: number, change?: QuarantineChange): Promise<InspectedRun>;
  leftovers(): Promise<string[]>;
  stop(): void;
}
export type QuarantineChange = Partial<Omit<QuarantineOptions, "policy">> & {
  policy?: Partial<PushPolicy>;
  known?: BaseObjects;
  /** In place of the repository itself. */
  upstream?: GitUpstream;
};
export interface InspectedRun extends RunGrant {
  /** A clone of the repository as the run sees it. */
  work: string;
  /** Writes, commits and gives the commit. `null` removes a file. */
  commit(files: Record<string, string | Uint8Array | null>, message?: string): Promise<string>;
  git(...args: string[]): Promise<string>;
  push(...refspecs: string[]): Promise<ClientResult>;
}

export const INSPECTION_COMMAND = [
  process.execPath,
  "-e",
  `await (await import(${JSON.stringify(join(import.meta.dir, "inspection-main.ts"))})).runInspections()`,
];

export async function startQuarantine(broker: BrokerFixture): Promise<QuarantineFixture> {
  const tempRoot = join(broker.dir, "quarantine");
  await mkdir(tempRoot);
  const processes = new InspectionProcesses(INSPECTION_COMMAND);
  return {
    tempRoot,
    processes,
    leftovers: () => readdir(tempRoot),
    stop: () => processes.close(),
    async grant(number, { upstream, ...change } = {}) {
      const base = Oid.parse(await mustGit(broker, broker.repository, "rev-parse", "refs/heads/main"));
      const inspector = createQuarantineInspector({
        run: number,
        processes,
        tempRoot,
        known: localBase(broker.repository),
        base,
        ...change,
        policy: PushPolicy.parse(change.policy ?? {}),
      });
      const run = broker.grant(number, { inspector, ...(upstream === undefined ? {} : { upstream }) });
      const work = join(broker.dir, `inspected-${number}`);
      await mustGit(
        broker,
        broker.dir,
        "clone",
        "-q",
        "--single-branch",
        "-b",
        "main",
        broker.repository,
        work,
      );
      const git = (...args: string[]) => mustGit(broker, work, ...args);
      return {
        ...run,
        work,
        git,
        async commit(files, message = "a change") {
          for (const [path, content] of Object.entries(files))
            if (content === null) await git("rm", "-q", "--", path);
            else await Bun.write(join(work, path), content);
          await git("add", "-A");
          await git("commit", "-q", "-m", message);
          return git("rev-parse", "HEAD");
        },
        push: (...refspecs) => broker.client(work, ["push", "--porcelain", run.urlWithToken, ...refspecs]),
      };
    },
  };
}
