import type { Check } from "@windshift/execution/check.ts";
import type { DockerChecks } from "@windshift/execution/docker-checks.ts";

/** A container reaches the API. Answers in the server's place while the server is not running. */
export async function checkApi(
  checks: DockerChecks,
  apiUrl: string,
  place: { host: string; port: number },
): Promise<Check> {
  const standIn = listen(place);
  try {
    return await checks.api(apiUrl);
  } finally {
    await standIn?.stop(true);
  }
}

function listen({ host, port }: { host: string; port: number }): Bun.Server<undefined> | undefined {
  try {
    const fetch = () => new Response("windshift doctor", { status: 503 });
    return Bun.serve({ hostname: host, port, fetch });
  } catch {
    // The address is taken: the server is running and answers for itself.
    return undefined;
  }
}
