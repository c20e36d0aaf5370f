import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { eventually } from "@windshift/testing/eventually.ts";

const PAGE = join(import.meta.dir, "../../docs/security.md");
const COMMAND_MS_MAX = 30_000;
const UNDO_MS_MAX = 30_000;
/** Names in the commands of the page. */
const PAGE_NAMES = { network: "coding-agent-egress", bridge: "ws-agents", port: "8080" };

export interface FencedNetwork {
  name: string;
  /** This machine's address on it. */
  gateway: string;
  remove(): Promise<void>;
}

/**
 * Makes a network from which one port of this machine is reached and nothing else, by the very commands of docs/security.md.
 * @throws Error when a command fails; the firewall is changed by root alone
 */
export async function createFencedNetwork(port: number): Promise<FencedNetwork> {
  // The name of an interface has 15 characters at most.
  const id = process.pid.toString(36);
  const names = { network: `windshift-hostile-${id}`, bridge: `ws-h-${id}`, port: String(port) };
  const commands = (await commandsOfPage()).map((command) => renamed(command, names));
  const undo = commands.flatMap((command) => undoOf(command));
  for (const command of commands) await run(command);
  const gateway = await run(
    `docker network inspect --format '{{(index .IPAM.Config 0).Gateway}}' ${names.network}`,
  );
  return {
    name: names.network,
    gateway: gateway.trim(),
    remove: async () => {
      // A container that was just removed may still count as attached.
      for (const command of undo.reverse())
        await eventually(`${command} succeeds`, async () => (await run(command)) !== undefined, UNDO_MS_MAX);
    },
  };
}

async function commandsOfPage(): Promise<string[]> {
  const text = await Bun.file(PAGE).text();
  const block = /<!-- fence -->\s+```sh\n([\s\S]*?)```/.exec(text)?.[1];
  if (block === undefined) throw new Error(`${PAGE} has no block of commands after <!-- fence -->`);
  return block
    .replaceAll("\\\n", " ")
    .split("\n")
    .filter((line) => line.trim() !== "");
}

function renamed(command: string, names: typeof PAGE_NAMES): string {
  let out = command;
  for (const [key, name] of Object.entries(PAGE_NAMES))
    out = out.replaceAll(name, names[key as keyof typeof PAGE_NAMES]);
  return out;
}

function undoOf(command: string): string[] {
  const network = /^docker network create .* (\S+)$/.exec(command)?.[1];
  if (network !== undefined) return [`docker network rm ${network}`];
  return /^ip6?tables -I /.test(command) ? [command.replace(" -I ", " -D ")] : [];
}

async function run(command: string): Promise<string> {
  const env = {
    PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin`,
    DOCKER_HOST: process.env.DOCKER_HOST ?? "",
  };
  const kept = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const { exitCode, stdout, stderr } = await exec(["sh", "-c", command], {
    env: kept,
    timeoutMs: COMMAND_MS_MAX,
  });
  if (exitCode !== 0) throw new Error(`\`${command}\` failed (it needs root): ${stderr.trim()}`);
  return stdout;
}
