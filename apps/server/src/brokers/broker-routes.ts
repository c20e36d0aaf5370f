import type { RouteTable } from "../http/route-table.ts";

export interface BrokerPorts {
  git(request: Request): Promise<Response>;
  llm(request: Request): Promise<Response>;
}

/** The brokers check a run's token themselves; nothing before them reads the body. */
export function addBrokerRoutes(table: RouteTable, ports: BrokerPorts): void {
  table.mountDirect(
    ["GET", "POST"],
    "/api/git-proxy/*",
    { handler: "the run's git token, as Basic password" },
    (request) => ports.git(request),
  );
  table.mountDirect(
    ["POST"],
    "/api/llm-proxy/*",
    { handler: "the run's agent token, as Bearer" },
    (request) => ports.llm(request),
  );
}
