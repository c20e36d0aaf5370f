import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { createMcpServer } from "./mcp-server.ts";
import type { McpApi } from "./tools.ts";

/** Serves the protocol on stdin and stdout until the input ends or `signal` says so. */
export async function serveMcpStdio(api: McpApi, version: string, signal: AbortSignal): Promise<void> {
  const server = createMcpServer(api, version);
  const ended = new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve());
    process.stdin.once("end", resolve);
  });
  await server.connect(new StdioServerTransport());
  await ended;
  await server.close();
}
