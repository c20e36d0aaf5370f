/** A program of the project and where it starts. */
export interface Program {
  name: string;
  /** Relative to the root of the repository. */
  entry: string;
  /** Further names of the same executable, as symbolic links beside it. */
  aliases: readonly string[];
  /** Options of the runtime it starts with. */
  runtimeOptions?: readonly string[];
}

export const AGENT_PROGRAM: Program = {
  name: "windshift-agent",
  entry: "scripts/build/agent-multicall.ts",
  aliases: ["ws"],
  // Many run on one host: a smaller heap costs no time here and saves 2 to 3 MB over 50 turns.
  runtimeOptions: ["--smol"],
};

export const PROGRAMS: readonly Program[] = [
  { name: "windshift", entry: "apps/server/src/main.ts", aliases: [] },
  { name: "windshift-runner", entry: "apps/runner/src/main.ts", aliases: [] },
  { name: "windshift-triage", entry: "apps/triage/src/main.ts", aliases: [] },
  AGENT_PROGRAM,
];

/** Architectures as Docker and Debian name them, and what Bun calls them. */
export const ARCHITECTURES = { amd64: "bun-linux-x64", arm64: "bun-linux-arm64" } as const;
export type Architecture = keyof typeof ARCHITECTURES;

export function hostArchitecture(): Architecture {
  return process.arch === "arm64" ? "arm64" : "amd64";
}
