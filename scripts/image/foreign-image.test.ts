import { beforeAll, describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { FINISH, type Turn, TurnModel } from "@windshift/agent/testing/turn-model.ts";
import { AGENT_GID, AGENT_UID, createArgv } from "@windshift/execution/docker-argv.ts";
import { createRepository, gitOut } from "@windshift/testing/git-repository.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { compileProgram } from "../build/compile.ts";
import { AGENT_PROGRAM, hostArchitecture, type Target } from "../build/programs.ts";
import { childEnv } from "../setup/child-env.ts";
import { docker, dockerProgram } from "./docker.ts";
import { ensureForeignImage, type ForeignImage } from "./foreign-images.ts";

/** Images are built from Debian's packages the first time, ms. */
const BUILD_MS_MAX = 300_000;
const RUN_MS_MAX = 60_000;
const LIMITS = { pidsLimit: 512, memory: "1g", cpus: "2" };

/** A repository whose test only the image's own toolchain can run. */
interface Trial {
  target: Target;
  files: Record<string, string>;
  file: string;
  runTests: string;
  /** What the tests print when the greeting is wrong. */
  complaint: string;
}

const TRIALS: Record<ForeignImage, Trial> = {
  glibc: {
    target: hostArchitecture(),
    files: {
      "greet.py": 'def greet(name):\n    return f"Helo, {name}!"\n',
      "test_greet.py":
        'from greet import greet\n\nassert greet("Ada") == "Hello, Ada!", greet("Ada")\nprint("1 passed")\n',
    },
    file: "greet.py",
    runTests: "PYTHONDONTWRITEBYTECODE=1 python3 test_greet.py",
    complaint: "AssertionError: Helo, Ada!",
  },
  musl: {
    target: `${hostArchitecture()}-musl`,
    files: {
      "greet.awk": '{ print "Helo, " $1 "!" }\n',
      "test.sh":
        'said=$(echo Ada | awk -f greet.awk)\n[ "$said" = "Hello, Ada!" ] || { echo "wrong: $said"; exit 1; }\necho "1 passed"\n',
    },
    file: "greet.awk",
    runTests: "sh test.sh",
    complaint: "wrong: Helo, Ada!",
  },
};

for (const name of ["glibc", "musl"] as const)
  describe(`a ${name} image that knows nothing of Windshift`, () => {
    const trial = TRIALS[name];
    const built = tempDir();
    let image = "";
    let executable = "";
    beforeAll(async () => {
      image = await ensureForeignImage(name, () => undefined);
      executable = await compileProgram(AGENT_PROGRAM, trial.target, built.path);
      chmodSync(built.path, 0o755); // the container's user is not ours
      return () => built.remove();
    }, BUILD_MS_MAX);

    test(
      "has none of what is ours, and only its own C library",
      async () => {
        const found = await lines(image, LOOK);
        expect(found.filter((path) => /\/windshift|\/ws$/.test(path))).toEqual([]);
        expect(found.some((path) => path.endsWith("/bash"))).toBe(name === "glibc");
        expect(found.some((path) => path.endsWith("/libc.so.6"))).toBe(name === "glibc");
        expect(found.some((path) => path.includes("/ld-musl-"))).toBe(name === "musl");
      },
      RUN_MS_MAX,
    );

    test(
      "runs the agent mounted into it: red tests, a repair, green tests with its own tools, a commit",
      async () => {
        using dir = tempDir();
        const checkout = join(dir.path, "checkout");
        await createRepository(checkout, { files: trial.files });
        await chown(image, checkout, `${AGENT_UID}:${AGENT_GID}`);
        await using model = await TurnModel.start(repair(trial));
        const ended = await run({ image, executable, checkout, url: model.url });
        await chown(image, checkout, `${process.getuid?.()}:${process.getgid?.()}`);
        expect({ ...ended, stdout: "" }).toEqual({ exitCode: 0, stdout: "", stderr: "" });
        expect(ended.stdout).toContain('"outcome":"completed"');
        expect(model.toolResult(1)).toContain(trial.complaint);
        expect(model.toolResult(1)).toContain("[exit code 1]");
        expect(model.toolResult(3)).toMatch(/^1 passed\nws \d/);
        expect(await gitOut(["log", "-1", "--format=%an%n%B"], checkout)).toBe(
          "windshift-agent\nSpell hello\n\nWindshift-Run: 7\nWindshift-Item: DEMO-1",
        );
        expect(await gitOut(["status", "--porcelain"], checkout)).toBe("");
      },
      RUN_MS_MAX,
    );
  });

/** Our programs and folders, shells and C libraries, wherever they are. */
const LOOK = `find / -xdev ! -type d '(' -path '*/windshift*' -o -name ws -o -name bash -o -name libc.so.6 -o -name 'ld-musl-*' ')'`;

/** What a command prints in a container of the image. */
async function lines(image: string, command: string): Promise<string[]> {
  const args = ["run", "--rm", "--network", "none", image, "sh", "-c", command];
  const result = await docker(args, { timeoutMs: RUN_MS_MAX });
  expect(result.exitCode).toBe(0);
  return result.stdout.trim().split("\n");
}

function repair(trial: Trial): Turn[] {
  return [
    { calls: [["bash", { command: trial.runTests }]] },
    { calls: [["edit_file", { path: trial.file, old_text: "Helo", new_text: "Hello" }]] },
    { calls: [["bash", { command: `${trial.runTests} && ws --version && git commit -qam 'Spell hello'` }]] },
    FINISH,
  ];
}

/** One run, confined as the runner confines it, but for the network: the model listens on this machine's loopback address. */
async function run(work: { image: string; executable: string; checkout: string; url: string }) {
  const env = {
    LLM_BASE_URL: work.url,
    LLM_MODEL: "m",
    LLM_API_KEY: "k",
    AGENT_RUN_ID: "7",
    WINDSHIFT_ITEM_KEY: "DEMO-1",
  };
  const spec = {
    name: `windshift-test-foreign-${process.pid}-${crypto.randomUUID().slice(0, 8)}`,
    labels: {},
    image: work.image,
    command: ["windshift-agent"],
    env,
    workspace: { dir: work.checkout, readOnly: false },
    network: "host",
  };
  const mounts = ["windshift-agent", "ws"].flatMap((name) => [
    "--volume",
    `${work.executable}:/usr/local/bin/${name}:ro`,
  ]);
  const [, ...confined] = createArgv(spec, LIMITS, { init: false, podman: false });
  const child = Bun.spawn([dockerProgram(), "run", "--rm", ...mounts, ...confined], {
    env: childEnv(env),
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  child.stdin.write('{"type":"prompt","message":"fix the greeting"}\n');
  child.stdin.flush();
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { exitCode: await child.exited, stdout, stderr };
}

/** As root inside the image, where this machine's user may not be allowed to. */
async function chown(image: string, dir: string, owner: string): Promise<void> {
  const args = ["run", "--rm", "--network", "none", "--user", "0:0", "--volume", `${dir}:/dir`, image];
  const result = await docker([...args, "chown", "-R", owner, "/dir"], { timeoutMs: RUN_MS_MAX });
  if (result.exitCode !== 0) throw new Error(`chown failed: ${result.stderr}`);
}
