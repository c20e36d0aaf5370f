import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { BenchHost } from "../bench-host.ts";
import { type Flood, FloodCount } from "./flood-sender.ts";
import { ClaimTimes } from "./honest-hosts.ts";

export type { FloodCount } from "./flood-sender.ts";

/** Three processes beside the server that is measured: its honest hosts, whoever floods, and a server that only refuses. */
export interface FloodPlace {
  bystanderUrl: string;
  /** The honest hosts claim for so long. @returns how long each claim took, ms */
  claimFor(forMs: number): Promise<number[]>;
  startFlood(flood: Flood): { stop(): Promise<FloodCount> };
  close(): Promise<void>;
}

/**
 * Starts bystander and honest hosts, each in a process of its own, so that what is measured is the server's wait and not theirs.
 * @param claimEveryMs how often each honest host asks for a run
 */
export async function openFloodPlace(
  honest: readonly BenchHost[],
  claimEveryMs: number,
): Promise<FloodPlace> {
  const bystander = start("bystander-process.ts");
  const hosts = start("honest-hosts.ts");
  hosts.say({ hosts: honest.map(({ identity }) => identity), claimEveryMs });
  return {
    bystanderUrl: await bystander.line(),
    claimFor: async (forMs) => {
      hosts.say({ forMs });
      return ClaimTimes.parse(JSON.parse(await hosts.line()));
    },
    startFlood: (flood) => {
      const sender = start("flood-sender.ts");
      sender.say(flood);
      return {
        stop: async () => {
          sender.endInput();
          const count = FloodCount.parse(JSON.parse(await sender.line()));
          await sender.end();
          return count;
        },
      };
    },
    close: async () => {
      await Promise.all([bystander.end(), hosts.end()]);
    },
  };
}

/** A program of this folder, which speaks in lines. */
function start(file: string) {
  const child = spawn(process.execPath, [join(import.meta.dir, file)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    say: (value: unknown) => void child.stdin.write(`${JSON.stringify(value)}\n`),
    line: async (): Promise<string> => {
      const { done, value } = await lines.next();
      if (done) throw new Error(`${file} has ended`);
      return value;
    },
    endInput: () => void child.stdin.end(),
    end: async () => {
      child.kill();
      await exited;
    },
  };
}
