import { forgeContract } from "@windshift/testing/forges/forge-contract.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";

forgeContract("Forgejo", startForgejoServer, {
  draftPrefix: "WIP: ",
  saysExpired: false,
  createPath: /^\/repos\/acme\/shop\/pulls$/,
  limit: (resetS) => ({
    status: 429,
    headers: { "retry-after": new Date(resetS * 1_000).toUTCString() },
    body: { message: "Too many requests" },
  }),
});
