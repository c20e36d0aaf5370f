import { expect, test } from "bun:test";
import { FINISH, type Turn, TurnModel } from "../testing/turn-model.ts";

const IMAGE = process.env.WINDSHIFT_TEST_IMAGE ?? "windshift/agent:local";
const RUN_MS_MAX = 120_000;
/** Each leaves three processes: together more than the container may have. */
const CALLS = 200;
const CALLS_A_TURN = 10;
/** As runs have it, but for the network: the model listens on this machine's loopback address. */
const CONFINED = [
  ...["--pids-limit", "512", "--user", "1000:1000", "--read-only", "--cap-drop", "ALL"],
  ...[
    "--tmpfs",
    "/tmp",
    "--tmpfs",
    "/home/agent:uid=1000,gid=1000",
    "--tmpfs",
    "/workspace:uid=1000,gid=1000",
  ],
  ...["--network", "host", "--security-opt", "no-new-privileges"],
];
/** Leaves a background process, one in its own session, and a daemon whose environment is empty. */
const LEAVE = "sleep 300 & (setsid sleep 300 &); (env -i setsid sh -c '(sleep 300 &)' &)";
/**
 * Every process but init, the agent and those of the count itself, with its state. Counted again until there is none, as an init
 * takes the dead away when its turn comes; what still lives does so for longer than that.
 */
const COUNT = [
  'count() { for p in /proc/[0-9]*; do read -r line < $p/stat && echo "$line"; done | grep -E "sleep|sh\\) Z" | wc -l; }',
  'for look in $(seq 200); do left=$(count); [ "$left" = 0 ] && break; sleep 0.1; done; echo "$left"',
].join("; ");

for (const [name, options] of Object.entries({ "with an init": ["--init"], "as the first process": [] }))
  test(
    `${name}, ${CALLS} commands that leave processes behind fill no container`,
    async () => {
      const leave = (at: number): [string, object] => ["bash", { command: `echo ${at}; ${LEAVE}; true` }];
      const turns: Turn[] = Array.from({ length: CALLS / CALLS_A_TURN }, (_, turn) => ({
        calls: Array.from({ length: CALLS_A_TURN }, (_, at) => leave(turn * CALLS_A_TURN + at)),
      }));
      await using model = await TurnModel.start([
        ...turns,
        { calls: [["bash", { command: COUNT }]] },
        FINISH,
      ]);
      const env = { LLM_BASE_URL: model.url, LLM_MODEL: "m", LLM_API_KEY: "k" };
      const child = Bun.spawn(
        [
          ...["docker", "run", "--rm", "--interactive", ...options, ...CONFINED],
          ...Object.entries(env).flatMap(([key, value]) => ["--env", `${key}=${value}`]),
          IMAGE,
        ],
        { stdin: "pipe", stdout: "pipe", stderr: "inherit" },
      );
      child.stdin.write('{"type":"prompt","message":"leave much behind"}\n');
      child.stdin.flush();
      const events = (await new Response(child.stdout).text())
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      const outputs = events.filter(({ type }) => type === "tool_done").map(({ output }) => output);
      expect(outputs.slice(0, CALLS)).toEqual(Array.from({ length: CALLS }, (_, at) => String(at)));
      expect(outputs[CALLS]).toBe("0");
      expect(await child.exited).toBe(0);
    },
    RUN_MS_MAX,
  );
