/** Processor time of this thread, ms: what other programs of the machine do is not in it. */
export function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** The longest that the loop did one thing while `work` was under way, ms of processor time. */
export async function longestTurn(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let working = true;
  let lastMs = threadMs();
  const look = () => {
    const nowMs = threadMs();
    longest = Math.max(longest, nowMs - lastMs);
    lastMs = nowMs;
    if (working) setImmediate(look);
  };
  setImmediate(look);
  try {
    await work();
  } finally {
    working = false;
  }
  return longest;
}
