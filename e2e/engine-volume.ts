import { docker } from "../scripts/image/docker.ts";

const ENGINE_MS_MAX = 60_000;

/**
 * A folder of the engine's host that a container can have at the same path: a volume, mounted where the engine keeps it.
 * No folder of this machine will do for a service that has a /tmp of its own.
 */
export interface EngineVolume extends AsyncDisposable {
  /** On the engine's host, and in the container. */
  path: string;
  /** As in `docker run --volume`. */
  mount: string;
}

/** Makes a volume of the engine's with a name of its own; disposing of it removes what it holds. */
export async function engineVolume(): Promise<EngineVolume> {
  const name = `windshift-e2e-${process.pid}-${crypto.randomUUID().slice(0, 8)}`;
  await answer(["volume", "create", name]);
  const path = await answer(["volume", "inspect", "--format", "{{.Mountpoint}}", name]);
  return {
    path,
    mount: `${name}:${path}`,
    [Symbol.asyncDispose]: async () => {
      await answer(["volume", "rm", "--force", name]);
    },
  };
}

async function answer(args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await docker(args, { timeoutMs: ENGINE_MS_MAX });
  if (exitCode !== 0) throw new Error(`docker ${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}
