/** A program of the project and where it starts. */
export interface Program {
  name: string;
  /** Relative to the root of the repository. */
  entry: string;
  /** Further names of the same executable, as symbolic links beside it. */
  aliases: readonly string[];
  /** How many levels of nested functions are compiled ahead of time; all when not said. */
  bytecodeDepth?: number;
  /** Also built for musl: it runs in images and on hosts that are not ours. */
  musl?: boolean;
  /** Below the folder of its target, for a name that another program has too. */
  folder?: string;
  /** Serves the web app, which is put into it. */
  webApp?: boolean;
}

export const AGENT_PROGRAM: Program = {
  name: "windshift-agent",
  entry: "scripts/build/agent-multicall.ts",
  aliases: ["ws"],
  // Starts and runs as fast as with all levels, measured, and is half a megabyte smaller.
  bytecodeDepth: 1,
  musl: true,
};

export const SERVER_PROGRAM: Program = {
  name: "windshift",
  entry: "apps/server/src/main.ts",
  aliases: [],
  webApp: true,
};

/** What a runner host is installed with; hosts may be Alpine. */
export const RUNNER_PROGRAMS: readonly Program[] = [
  { name: "windshift-runner", entry: "apps/runner/src/main.ts", aliases: [], musl: true },
  { name: "windshift-triage", entry: "apps/triage/src/main.ts", aliases: [], musl: true },
];

/** The command line of people: what agents have in their containers, and sign-in, completion and MCP. */
export const WS_PROGRAM: Program = {
  name: "ws",
  entry: "apps/ws/src/main.ts",
  aliases: [],
  musl: true,
  folder: "cli",
};

export const PROGRAMS: readonly Program[] = [SERVER_PROGRAM, ...RUNNER_PROGRAMS, AGENT_PROGRAM, WS_PROGRAM];

/** Where an executable runs: an architecture as Docker and Debian name it, and a C library when it is not glibc. */
export const TARGETS = {
  amd64: { bun: "bun-linux-x64", libc: "glibc", machine: "x86-64", loader: "ld-linux-x86-64.so.2" },
  arm64: { bun: "bun-linux-arm64", libc: "glibc", machine: "aarch64", loader: "ld-linux-aarch64.so.1" },
  "amd64-musl": { bun: "bun-linux-x64-musl", libc: "musl", machine: "x86-64", loader: "ld-musl-x86_64.so.1" },
  "arm64-musl": {
    bun: "bun-linux-arm64-musl",
    libc: "musl",
    machine: "aarch64",
    loader: "ld-musl-aarch64.so.1",
  },
} as const;
export type Target = keyof typeof TARGETS;
export const ARCHITECTURES = ["amd64", "arm64"] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** The names of `TARGETS`, in their order. */
export const TARGET_NAMES = Object.keys(TARGETS) as Target[];

/** The architecture of this machine, as images and releases name it. */
export function hostArchitecture(): Architecture {
  return process.arch === "arm64" ? "arm64" : "amd64";
}

/** What is built for a target: everything for glibc, on musl what images and hosts of others may need. */
export function programsFor(target: Target): readonly Program[] {
  return TARGETS[target].libc === "glibc" ? PROGRAMS : PROGRAMS.filter((program) => program.musl);
}
