import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "@windshift/testing/eventually.ts";
import { ensurePackages, findProgram, program } from "../../scripts/setup/ensure-packages.ts";

/** A machine that does much else starts it late, ms. */
const START_MS_MAX = 30_000;

/** How long nginx leaves a server alone that did not answer, ms; as docs/many-servers.md has it. */
export const FAIL_TIMEOUT_MS = 2_000;

/** Answered by nginx itself: a question that went to the servers, which do not listen yet, would mark them all as down. */
const OWN_PATH = "/balancer-listens";

/** Debian's nginx as a plain load balancer: each request goes to the next server, whoever asks. Nothing is sticky. */
export class Balancer {
  private constructor(
    readonly port: number,
    private readonly child: Bun.Subprocess,
  ) {}

  /** @param dir folder for its files @param servers ports on this machine */
  static async start(dir: string, port: number, servers: readonly number[]): Promise<Balancer> {
    const packages = await ensurePackages([program("nginx", "nginx-light")], say);
    const nginx = findProgram("nginx");
    if (packages.kind === "missing" || nginx === undefined) throw new Error("there is no nginx");
    mkdirSync(dir, { recursive: true });
    const config = join(dir, "nginx.conf");
    writeFileSync(config, configOf(dir, port, servers));
    const child = Bun.spawn([nginx, "-c", config, "-e", join(dir, "error.log")], {
      stdout: "ignore",
      stderr: "ignore",
    });
    const balancer = new Balancer(port, child);
    await eventually(
      "nginx listens",
      () =>
        fetch(`http://127.0.0.1:${port}${OWN_PATH}`).then(
          () => true,
          () => false,
        ),
      START_MS_MAX,
    );
    return balancer;
  }

  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    await this.child.exited;
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** As docs/many-servers.md has it. A test holds the page to the same directives. */
export function proxyDirectives(): string[] {
  return [
    "proxy_http_version 1.1;",
    'proxy_set_header Connection "";',
    "proxy_set_header Host $http_host;",
    "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
    "proxy_buffering off;",
    "proxy_request_buffering off;",
    "proxy_connect_timeout 2s;",
    "proxy_read_timeout 1h;",
    "client_max_body_size 2g;",
  ];
}

function configOf(dir: string, port: number, servers: readonly number[]): string {
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${join(dir, name)};`,
  );
  const upstream = servers.map(
    (one) => `server 127.0.0.1:${one} max_fails=1 fail_timeout=${FAIL_TIMEOUT_MS / 1_000}s;`,
  );
  return `daemon off; worker_processes 1; pid ${join(dir, "pid")};
events { worker_connections 1024; }
http {
  access_log off; ${paths.join(" ")}
  upstream windshift { zone windshift 64k; ${upstream.join(" ")} }
  server {
    listen 127.0.0.1:${port};
    location = ${OWN_PATH} { return 204; }
    location / {
      proxy_pass http://windshift;
      ${proxyDirectives().join("\n      ")}
    }
  }
}
`;
}
