import { forgeContract } from "@windshift/testing/forges/forge-contract/contract-suite.ts";
import { startGitlabServer } from "@windshift/testing/forges/gitlab-server.ts";

forgeContract("GitLab", startGitlabServer, {
  draftPrefix: "Draft: ",
  saysExpired: true,
  createPath: /^\/projects\/acme%2Fweb%2Fshop\/merge_requests$/,
  charsMax: { text: 1_048_576, comment: 1_000_000 },
  limit: (resetS) => ({
    status: 429,
    headers: { "ratelimit-remaining": "0", "ratelimit-reset": String(resetS) },
    body: { message: { error: "This endpoint has been requested too many times. Try again later." } },
  }),
});
