import { serveGit, tokenOf } from "@windshift/testing/forges/git-http.ts";

/**
 * `forge-process.fixture.ts ROOT PASSWORD`: the bare repositories below ROOT behind git's http-backend, as a process of its own, so
 * that what it takes is not counted as the broker's. Prints its address.
 */
const [root = "", password = ""] = process.argv.slice(2);
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  maxRequestBodySize: 4 * 1024 ** 3,
  fetch: (request) =>
    tokenOf(request) === password
      ? serveGit(request, root, "forge-user")
      : new Response("no\n", { status: 401, headers: { "www-authenticate": 'Basic realm="git"' } }),
});
process.stdout.write(`http://127.0.0.1:${server.port}\n`);
