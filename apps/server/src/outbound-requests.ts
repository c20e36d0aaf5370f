/**
 * Requests that the server may have under way at once, to model providers and forges. A streamed reply counts until it has
 * ended, so the runtime's own limit of 256 would let the call of the 257th agent wait, silently, for another's to end.
 */
export const OUTBOUND_REQUESTS_MAX = 16_384;

/** Where the runtime reads that limit: once, before the first line of a program. */
const VARIABLE = "BUN_CONFIG_MAX_HTTP_REQUESTS";

/**
 * Starts this program again in the same process (execve: its id and its open files stay) unless the limit is set already.
 * Call it before anything else is loaded: then it costs the start of an empty runtime. There is no way without it: the
 * limit is not read from `process.env`, from what is defined at build time, nor from arguments of a compiled program; a
 * file of settings would have to be read from the folder the server is started in.
 */
export function raiseOutboundRequests(): void {
  if (process.env[VARIABLE] !== undefined || process.execve === undefined) return;
  const [, main = "", ...args] = process.argv;
  // A compiled program finds its own file inside itself; the name of that is no argument.
  const file = main.startsWith("/$bunfs/") ? [] : [...process.execArgv, main];
  const env = { ...process.env, [VARIABLE]: String(OUTBOUND_REQUESTS_MAX) };
  try {
    process.execve(process.execPath, [process.execPath, ...file, ...args], env);
  } catch (error) {
    // Emulated, or forbidden to start programs: it serves all the same, and says what it cannot do.
    process.stderr.write(
      `windshift: at most 256 requests to models and forges at once (${String(error)}); start it with ${VARIABLE}=${OUTBOUND_REQUESTS_MAX}\n`,
    );
  }
}
