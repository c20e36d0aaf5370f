import { buildVersion } from "@windshift/base/build-version.ts";
import { type Command, EXIT } from "../command.ts";

/** The library is loaded here alone: no other command waits for it. */
export const mcpCommand: Command = {
  words: ["mcp"],
  operandsMax: 0,
  doc: "serve the Model Context Protocol on stdin and stdout, for editors and agents",
  run: async ({ api, signal }) => {
    const [{ StdioServerTransport }, { createMcpServer }] = await Promise.all([
      import("@modelcontextprotocol/sdk/server/stdio.js"),
      import("@windshift/mcp/mcp-server.ts"),
    ]);
    const server = createMcpServer(api, buildVersion);
    const ended = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve());
      process.stdin.once("end", resolve);
    });
    await server.connect(new StdioServerTransport());
    await ended;
    await server.close();
    return EXIT.ok;
  },
};
