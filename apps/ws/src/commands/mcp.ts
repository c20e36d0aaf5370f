import { buildVersion } from "@windshift/base/build-version.ts";
import { type Command, EXIT } from "../command.ts";

/** The library is loaded here alone: no other command waits for it. */
export const mcpCommand: Command = {
  words: ["mcp"],
  operandsMax: 0,
  doc: "serve the Model Context Protocol on stdin and stdout, for editors and agents",
  run: async ({ api, signal }) => {
    const { serveMcpStdio } = await import("@windshift/mcp/mcp-stdio.ts");
    await serveMcpStdio(api, buildVersion, signal);
    return EXIT.ok;
  },
};
