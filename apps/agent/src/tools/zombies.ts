/** How the C library of the image may be called: glibc, and musl on both architectures. */
const C_LIBRARIES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];
/** `waitpid` returns at once when the process is no zombie. */
const WNOHANG = 1;

let waitpid: ((pid: number) => void) | undefined;

/**
 * Reaps zombies that the agent inherited as the first process of a container without an init; the runtime reaps only what it
 * started. Each takes one of the container's 512 processes: without this 160 calls that leave three orphans behind
 * fill it. Where no C library is found they stay.
 */
export async function reap(pids: readonly number[]): Promise<void> {
  if (pids.length === 0) return;
  waitpid ??= await loadWaitpid();
  for (const pid of pids) waitpid(pid);
}

/** Loaded when first needed: hardly any run does. */
async function loadWaitpid(): Promise<(pid: number) => void> {
  const { dlopen } = await import("bun:ffi");
  for (const library of C_LIBRARIES) {
    try {
      const { symbols } = dlopen(library, { waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" } });
      return (pid) => void symbols.waitpid(pid, null, WNOHANG);
    } catch {
      // Another one, then.
    }
  }
  return () => undefined;
}
