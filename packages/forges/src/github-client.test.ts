import { forgeContract } from "@windshift/testing/forges/forge-contract/contract-suite.ts";
import { startGithubServer } from "@windshift/testing/forges/github-server.ts";

forgeContract("GitHub", startGithubServer, {
  draftPrefix: "",
  saysExpired: false,
  createPath: /^\/repos\/acme\/shop\/pulls$/,
  charsMax: { text: 65_536, comment: 65_536 },
  limit: (resetS) => ({
    status: 403,
    headers: {
      "x-ratelimit-remaining": "0",
      "x-ratelimit-reset": String(resetS),
      "x-ratelimit-resource": "core",
    },
    body: { message: "API rate limit exceeded for user ID 1." },
  }),
});
