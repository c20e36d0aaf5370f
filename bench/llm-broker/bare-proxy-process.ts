/**
 * What the runtime's own server and client cost, as a program of its own: `bun bare-proxy-process.ts PROVIDER`. It reads each
 * request whole and sends it on with a credential, as the broker does, and looks at nothing. Its first line of output is its port.
 */
const provider = `${process.argv[2]}/v1/chat/completions`;
const headers = { "Content-Type": "application/json", Authorization: "Bearer sk-bench" };

const proxy = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  async fetch(request) {
    const reply = await fetch(provider, { method: "POST", headers, body: await request.text() });
    const type = reply.headers.get("content-type") ?? "";
    const body = type.startsWith("text/event-stream") ? reply.body : await reply.text();
    return new Response(body, { headers: { "Content-Type": type } });
  },
});
process.stdout.write(`${proxy.port}\n`);
