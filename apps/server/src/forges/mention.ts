import { calledHandles, handleOf } from "@windshift/contract/handle.ts";

/** Calls the agent of a pull request whatever its name is. */
const COMMON_HANDLE = "windshift";

/**
 * Whether a comment calls the agent: by its handle, by `@windshift`, or by the account that its pull requests are from. What
 * is quoted or stands as code calls nobody.
 */
export function callsAgent(body: string, agentName: string, account: string): boolean {
  const called = calledHandles(body);
  return [handleOf(agentName), COMMON_HANDLE, account.toLowerCase()].some((handle) => called.has(handle));
}
