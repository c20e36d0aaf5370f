import { refusal } from "@windshift/git-broker/refusal.ts";
import type { MemoryGate } from "../health/memory-gate.ts";
import type { RouteTable } from "../http/route-table.ts";

export interface BrokerPorts {
  git(request: Request): Promise<Response>;
  llm(request: Request): Promise<Response>;
}

/**
 * The brokers check a run's token themselves; nothing before them reads the body.
 * @param memory turns clones and fetches away while it is short, in words that git shows; model calls the doorkeeper does. Pushes come in:
 *   they end the work of a run, which would be lost, and take little whatever their size
 */
export function addBrokerRoutes(table: RouteTable, ports: BrokerPorts, memory?: MemoryGate): void {
  table.mountDirect(
    ["GET", "POST"],
    "/api/git-proxy/*",
    { handler: "the run's git token, as Basic password" },
    async (request) => {
      const short = isPush(request) ? undefined : memory?.refusal("git");
      return short === undefined ? ports.git(request) : refusal(503, short.message);
    },
  );
  table.mountDirect(
    ["POST"],
    "/api/llm-proxy/*",
    { handler: "the run's agent token, as Bearer" },
    (request) => ports.llm(request),
  );
}

/** Both requests of one: what is there, and what comes. */
function isPush({ url }: Request): boolean {
  return /\/git-receive-pack$|[?&]service=git-receive-pack$/.test(url);
}
