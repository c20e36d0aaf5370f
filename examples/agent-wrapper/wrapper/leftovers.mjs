import { execFileSync } from "node:child_process";
import { emit } from "./events.mjs";
import { commandEnv, settings } from "./settings.mjs";

/** What the agent left uncommitted would be lost with the container: the wrapper commits it and says so. */
export function commitLeftovers() {
  const git = (...args) =>
    execFileSync("git", args, {
      cwd: settings.workspace,
      env: commandEnv(),
      encoding: "utf8",
      stdio: "pipe",
    });
  try {
    if (git("status", "--porcelain") === "") return;
    git("add", "--all");
    git("commit", "--quiet", "--no-verify", "-m", "Keep uncommitted changes of the run", ...trailers());
    emit({ type: "message", role: "agent", text: "Uncommitted changes were committed by the wrap-up." });
  } catch (error) {
    emit({ type: "message", role: "agent", text: `Uncommitted changes could not be committed: ${error}` });
  }
}

function trailers() {
  const known = [
    ["Windshift-Run", process.env.AGENT_RUN_ID],
    ["Windshift-Item", process.env.WINDSHIFT_ITEM_KEY],
    ["Requested-by", process.env.WINDSHIFT_REQUESTED_BY],
  ];
  return known.flatMap(([name, value]) => (value ? ["--trailer", `${name}: ${value}`] : []));
}
