import type { RouteTable } from "../http/route-table.ts";

export interface BrokerPorts {
  git(request: Request): Promise<Response>;
  llm(request: Request): Promise<Response>;
}

/** The brokers check a run's token themselves; nothing before them reads the body. */
export function addBrokerRoutes(table: RouteTable, ports: BrokerPorts): void {
  table.mount(
    ["GET", "POST"],
    "/api/git-proxy/*",
    { handler: "the run's git token, as Basic password" },
    (c) => ports.git(c.req.raw),
  );
  table.mount(["POST"], "/api/llm-proxy/*", { handler: "the run's agent token, as Bearer" }, (c) =>
    ports.llm(c.req.raw),
  );
}
