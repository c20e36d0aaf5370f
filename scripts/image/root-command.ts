import { childEnv } from "../setup/child-env.ts";
import { asRoot, type Privilege } from "../setup/privilege.ts";

/** Where the programs of administrators are, which is not in everyone's PATH. */
const ADMIN_PATH = "/usr/local/sbin:/usr/sbin:/sbin";
/** What is shown of a failed command, lines. */
const LAST_LINES = 15;

/**
 * Runs a command as root, telling each line it prints.
 * @throws Error with the last lines when it fails or when there is no way to become root
 */
export async function runAsRoot(
  privilege: Privilege,
  argv: readonly string[],
  onLine: (line: string) => void = () => {},
): Promise<void> {
  const child = Bun.spawn(argvAsRoot(privilege, argv), {
    env: rootEnv(),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const lines: string[] = [];
  const read = async (stream: ReadableStream<Uint8Array>) => {
    for await (const line of linesOf(stream)) {
      lines.push(line);
      onLine(line);
    }
  };
  await Promise.all([read(child.stdout), read(child.stderr)]);
  const exitCode = await child.exited;
  if (exitCode !== 0)
    throw new Error(`${argv[0]} failed (exit code ${exitCode}):\n${lines.slice(-LAST_LINES).join("\n")}`);
}

function argvAsRoot(privilege: Privilege, argv: readonly string[]): string[] {
  const full = asRoot(privilege, argv);
  if (full === undefined) throw new Error(`${argv[0]} needs root or sudo; run this as root, or install sudo`);
  return full;
}

function rootEnv(): Record<string, string> {
  return childEnv({ PATH: `${process.env.PATH ?? ""}:${ADMIN_PATH}`, LC_ALL: "C" });
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
