import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { createMcpServer } from "./mcp-server.ts";
import type { McpApi } from "./tools.ts";

/** Answers one POST of the protocol's HTTP form, without a session: nothing is kept from one request to the next. */
export async function answerMcpRequest(request: Request, api: McpApi, version: string): Promise<Response> {
  const server = createMcpServer(api, version);
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  await server.connect(transport);
  try {
    return await transport.handleRequest(request);
  } finally {
    await server.close();
  }
}
