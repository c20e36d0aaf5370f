import { randomUUID } from "node:crypto";
import {
  ATTEMPT_LABEL,
  INSTANCE_LABEL,
  jobLabels,
  ROLE_LABEL,
  RUN_LABEL,
} from "@windshift/execution/sandbox-labels.ts";
import { dockerFixture } from "@windshift/testing/docker-fixture.ts";

/** Containers of others on this machine's engine. */
export interface Bystanders extends AsyncDisposable {
  names: string[];
  /** Those of them that still run. */
  running(): Promise<string[]>;
}

/** The attempt of a host that they resemble. */
export interface Resembled {
  instance: string;
  run: number;
  attempt: number;
}

/** Starts containers that look like one of that host's as far as others' can, and one that has nothing of it. */
export async function startBystanders({ instance, run, attempt }: Resembled): Promise<Bystanders> {
  const { cli, image } = await dockerFixture();
  const labels = jobLabels(instance, run, attempt, "agent");
  const { [INSTANCE_LABEL]: _, ...nameless } = labels;
  const kinds: Record<string, Record<string, string>> = {
    "of-another-product": {},
    "of-another-runner": { ...labels, [INSTANCE_LABEL]: "000000000000" },
    "of-a-longer-name": { ...labels, [INSTANCE_LABEL]: `${instance}0` },
    "without-an-instance": nameless,
    "with-it-elsewhere": { [RUN_LABEL]: instance, [ATTEMPT_LABEL]: instance, [ROLE_LABEL]: instance },
  };
  const mark = randomUUID().slice(0, 8);
  const names: string[] = [];
  const call = async (...args: string[]) => {
    const answer = await cli.call(args, { timeoutMs: 60_000 });
    if (answer.kind === "failed") throw new Error(answer.message);
    return answer.stdout.trim();
  };
  const start = async (kind: string, own: Record<string, string>) => {
    const name = `bystander-${mark}-${kind}`;
    const labelled = Object.entries(own).flatMap(([key, value]) => ["--label", `${key}=${value}`]);
    await call(
      ...["run", "--detach", "--name", name, "--network", "none", ...labelled],
      ...["--entrypoint", "sleep", image, "3600"],
    );
    names.push(name);
  };
  const remove = async () => void (names.length > 0 && (await call("rm", "--force", ...names)));
  try {
    for (const [kind, own] of Object.entries(kinds)) await start(kind, own);
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    names: names.toSorted(),
    running: async () => {
      const listed = await call("ps", "--filter", `name=bystander-${mark}`, "--format", "{{.Names}}");
      return listed.split("\n").toSorted();
    },
    [Symbol.asyncDispose]: remove,
  };
}

/** The containers that the engine has for one attempt of a host, running or not. */
export async function containersOf({ instance, run, attempt }: Resembled): Promise<string[]> {
  const { cli } = await dockerFixture();
  const filters = [
    [INSTANCE_LABEL, instance],
    [RUN_LABEL, run],
    [ATTEMPT_LABEL, attempt],
  ].flatMap(([label, value]) => ["--filter", `label=${label}=${value}`]);
  const answer = await cli.call(["ps", "--all", ...filters, "--format", "{{.Names}}"]);
  if (answer.kind === "failed") throw new Error(answer.message);
  return answer.stdout.split("\n").filter((name) => name !== "");
}
