/**
 * A server that only refuses: the least that a flood can cost whoever is sent it. It listens beside the server that is measured, on the
 * same cores, and prints its address.
 */
const REFUSAL = { error: { code: "rate_limited", message: "this runner sends too many requests" } };

const bystander = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: () => Response.json(REFUSAL, { status: 429, headers: { "retry-after": "1" } }),
});
process.stdout.write(`http://127.0.0.1:${bystander.port}\n`);

export {};
