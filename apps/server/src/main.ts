import { raiseOutboundRequests } from "./outbound-requests.ts";

const args = process.argv.slice(2);
// Before anything else is loaded, which would be loaded once more.
if (args[0] === undefined || args[0] === "serve") raiseOutboundRequests();
void import("./command-line.ts").then(({ runCommandLine }) => runCommandLine(args));
