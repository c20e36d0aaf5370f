import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "@windshift/testing/eventually.ts";
import { freePort } from "../../scripts/setup/free-port.ts";
import type { Way } from "./load.ts";

/** A proxy that does nothing but pass on, as the floor: one worker, no buffering, connections kept. Undefined without nginx. */
export async function startNginx(
  dir: string,
  upstreamPort: number,
  request: Way["request"],
): Promise<(Way & { stop(): Promise<void> }) | undefined> {
  const program = Bun.which("nginx", { PATH: `${process.env.PATH}:/usr/sbin` });
  if (program === null) return undefined;
  const port = await freePort();
  mkdirSync(join(dir, "nginx"), { recursive: true });
  const config = join(dir, "nginx", "nginx.conf");
  writeFileSync(config, configOf(join(dir, "nginx"), port, upstreamPort));
  const child = Bun.spawn([program, "-c", config, "-e", join(dir, "nginx", "error.log")], {
    stdout: "ignore",
    stderr: "ignore",
  });
  const pid = child.pid;
  const stop = async () => {
    child.kill("SIGTERM");
    await child.exited;
  };
  await eventually(
    "nginx listens",
    async () => (await fetch(`http://127.0.0.1:${port}`).catch(() => undefined))?.ok,
  );
  return { name: "nginx without buffering", port, pid, request, stop };
}

function configOf(dir: string, port: number, upstreamPort: number): string {
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${join(dir, name)};`,
  );
  return `daemon off; worker_processes 1; pid ${join(dir, "pid")};
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 10000000; client_max_body_size 16m; client_body_buffer_size 1m; ${paths.join(" ")}
  upstream provider { server 127.0.0.1:${upstreamPort}; keepalive 256; keepalive_requests 10000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_request_buffering off;
    }
  }
}
`;
}
