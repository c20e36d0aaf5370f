import { Oid } from "@windshift/contract/ids.ts";
import { GIT_BODY_BYTES_MAX } from "@windshift/contract/limits.ts";
import type { PushPolicy } from "@windshift/contract/push-policy.ts";
import type { InspectionProcesses } from "./inspection-process.ts";
import type { InspectionVerdict, PackInspection, PackInspector } from "./pack-inspector.ts";
import { PackIntake } from "./pack-intake.ts";
import { decide } from "./pack-verdict.ts";
import type { PushCommand } from "./push-line.ts";
import type { BaseObjects } from "./quarantine-base.ts";
import { makeQuarantine, type Quarantine } from "./quarantine-repository.ts";

export interface QuarantineOptions {
  /** Whose pushes they are. */
  run: number;
  processes: InspectionProcesses;
  /** Where quarantines are made; on a disk with room for a pack. */
  tempRoot: string;
  known: BaseObjects;
  /** The commit the run started from; null when its base branch had none. */
  base: Oid | null;
  policy: PushPolicy;
  /** Bytes of a pack. */
  packBytesMax?: number;
  /** PATH on which git is looked for. */
  path?: string;
}

const NO_OID = /^0+$/;

/**
 * Looks into a push in a repository of its own that is thrown away after. While the pack streams by, git checks it there; at
 * its end a process of its own looks at what it holds.
 */
export function createQuarantineInspector(options: QuarantineOptions): PackInspector {
  return {
    warm: () => options.processes.warm(),
    start: (command, signal) => new QuarantineInspection(options, command, signal),
  };
}

class QuarantineInspection implements PackInspection {
  private readonly ready: Promise<{ quarantine: Quarantine; intake: PackIntake }>;
  private readonly branch: Oid | null;
  private cleared: Promise<void> | undefined;

  constructor(
    private readonly options: QuarantineOptions,
    private readonly command: PushCommand,
    private readonly signal: AbortSignal,
  ) {
    this.branch = NO_OID.test(command.oldOid) ? null : Oid.parse(command.oldOid);
    this.ready = this.prepare();
    this.ready.catch(() => undefined); // whoever writes next hears of it
  }

  async write(chunk: Uint8Array): Promise<void> {
    await (await this.ready).intake.write(chunk);
  }

  async end(): Promise<InspectionVerdict> {
    const { quarantine, intake } = await this.ready;
    const taken = await intake.end();
    if (taken.kind === "refused") return refused(taken.why);
    return this.inspect(quarantine, taken.indexFile);
  }

  abort(): Promise<void> {
    this.cleared ??= this.clear();
    return this.cleared;
  }

  private async clear(): Promise<void> {
    const made = await this.ready.catch(() => undefined);
    await made?.intake.abort();
    await made?.quarantine.remove();
  }

  private async prepare(): Promise<{ quarantine: Quarantine; intake: PackIntake }> {
    const { options, branch } = this;
    const commits = [options.base, branch].filter((oid) => oid !== null);
    const known = await options.known.find(commits, this.signal);
    const quarantine = await makeQuarantine(options.tempRoot, known.objects);
    const path = options.path === undefined ? {} : { path: options.path };
    options.processes.expect({ kind: "place", git_dir: quarantine.dir, ...path });
    const intake = new PackIntake({
      gitDir: quarantine.dir,
      packDir: quarantine.packDir,
      // Where only part of the history is at hand, what is missing says nothing.
      links: known.whole,
      bytesMax: options.packBytesMax ?? GIT_BODY_BYTES_MAX,
      signal: this.signal,
      ...path,
    });
    return { quarantine, intake };
  }

  private async inspect(quarantine: Quarantine, indexFile: string | null): Promise<InspectionVerdict> {
    const { run, processes, base, policy, path } = this.options;
    const tip = Oid.parse(this.command.newOid);
    // Nothing to look at: the branch is set to what the run started from, or stays.
    if (indexFile === null && (tip === base || tip === this.branch))
      return { kind: "accepted", findings: [] };
    const reply = await processes.run(
      run,
      {
        kind: "job",
        git_dir: quarantine.dir,
        index_file: indexFile,
        tip,
        base,
        branch: this.branch,
        policy,
        ...(path === undefined ? {} : { path }),
      },
      this.signal,
    );
    if (reply.kind === "failed") throw new Error(`a push could not be inspected: ${reply.why}`);
    return reply.kind === "refused" ? refused(reply.why) : decide(reply.findings, policy);
  }
}

function refused(why: string): InspectionVerdict {
  return { kind: "refused", why: `this push is refused: ${why}`, findings: [] };
}
