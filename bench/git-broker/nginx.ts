import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "@windshift/testing/eventually.ts";
import { freePort } from "../../scripts/setup/free-port.ts";

/** A proxy that does nothing but add the credential and pass on: one worker, no buffering. Undefined without nginx. */
export async function startNginx(
  dir: string,
  upstream: string,
  authorization: string,
): Promise<{ address: string; pid: number; stop(): Promise<void> } | undefined> {
  const program = Bun.which("nginx", { PATH: `${process.env.PATH}:/usr/sbin` });
  if (program === null) return undefined;
  const port = await freePort();
  mkdirSync(dir, { recursive: true });
  const config = join(dir, "nginx.conf");
  writeFileSync(config, configOf(dir, port, upstream, authorization));
  const child = Bun.spawn([program, "-c", config, "-e", join(dir, "error.log")], {
    stdout: "ignore",
    stderr: "ignore",
  });
  const address = `http://127.0.0.1:${port}`;
  await eventually("nginx listens", async () => (await fetch(address).catch(() => undefined)) !== undefined);
  const stop = async () => {
    child.kill("SIGTERM");
    await child.exited;
  };
  return { address, pid: child.pid, stop };
}

function configOf(dir: string, port: number, upstream: string, authorization: string): string {
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${join(dir, name)};`,
  );
  return `daemon off; worker_processes 1; pid ${join(dir, "pid")};
events { worker_connections 1024; }
http {
  access_log off; client_max_body_size 0; proxy_read_timeout 600s; ${paths.join(" ")}
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass ${upstream}; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Authorization "${authorization}";
      proxy_buffering off; proxy_request_buffering off;
    }
  }
}
`;
}
