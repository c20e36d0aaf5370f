import { dirname, join } from "node:path";
import { serveGit, tokenOf } from "@windshift/testing/forges/git-http.ts";
import {
  authorization,
  type BrokerFixture,
  type ClientResult,
  forget,
  mustGit,
  type RunGrant,
  refOf,
  startBroker,
} from "./broker-fixture.ts";
import { pktLine } from "./pkt-line.ts";
import { type RemoteUpstreamOptions, remoteUpstream } from "./remote-upstream.ts";
import type { UpstreamFailure } from "./upstream-failure.ts";

export const PASSWORD = "forge-secret-0123456789";
const ZERO = "0".repeat(40);

/** A forge of one repository, git's own http-backend or what a test makes of it, and a broker before it. For tests only. */
export class RemoteForge {
  /** What the forge answers instead of git; undefined leaves it to git. */
  answer: ((request: Request) => Response | Promise<Response> | undefined) | undefined;
  /** Every request that reached the forge. */
  asked: { line: string; headers: Headers }[] = [];
  failures: UpstreamFailure[] = [];
  /** Requests that reached the other server. */
  strays = 0;
  run: RunGrant;
  private runs = 0;
  private readonly forge: Bun.Server<undefined>;
  private readonly elsewhere: Bun.Server<undefined>;

  private constructor(readonly broker: BrokerFixture) {
    this.forge = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      maxRequestBodySize: 4 * 1024 ** 3,
      fetch: (request) => this.serve(request),
    });
    this.elsewhere = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => {
        this.strays++;
        return new Response("caught");
      },
    });
    this.run = this.grant();
  }

  static async start(): Promise<RemoteForge> {
    return new RemoteForge(await startBroker());
  }

  /** `host:port` of a server that nobody should be sent to. */
  get elsewhereHost(): string {
    return `127.0.0.1:${this.elsewhere.port}`;
  }

  /** Forgets what happened and gives a new run. */
  reset(): void {
    this.answer = undefined;
    this.asked = [];
    this.failures = [];
    this.strays = 0;
    forget(this.broker);
    this.grant();
  }

  /** Makes `run` a new one, its way to the forge changed. */
  grant(change: Partial<RemoteUpstreamOptions> = {}): RunGrant {
    this.run = this.broker.grant(1 + this.runs++, { upstream: this.upstream(change) });
    return this.run;
  }

  upstream(change: Partial<RemoteUpstreamOptions> = {}) {
    return remoteUpstream({
      root: `http://127.0.0.1:${this.forge.port}`,
      owner: "acme/sub",
      name: "repo",
      credential: async () => ({ username: "forge-user", password: PASSWORD }),
      fetch: (url, init) => fetch(url, init),
      onFailure: async (failure) => void this.failures.push(failure),
      ...change,
    });
  }

  /** @returns the folder of a new clone */
  async cloned(): Promise<string> {
    const work = join(this.broker.dir, `remote-${this.runs}-${this.asked.length}`);
    await mustGit(this.broker, this.broker.dir, "clone", "-q", this.run.urlWithToken, work);
    return work;
  }

  async commit(work: string, content: string | Uint8Array): Promise<string> {
    await Bun.write(join(work, "change.bin"), content);
    await mustGit(this.broker, work, "add", "-A");
    await mustGit(this.broker, work, "commit", "-q", "-m", "change");
    return mustGit(this.broker, work, "rev-parse", "HEAD");
  }

  push(work: string): Promise<ClientResult> {
    return this.broker.client(work, ["push", this.run.urlWithToken, `HEAD:${this.run.ref}`]);
  }

  /** Asks for the list of refs, with headers that must not pass. */
  list(): Promise<Response> {
    const { url, token } = this.run;
    return fetch(`${url}/info/refs?service=git-upload-pack`, {
      headers: { authorization: authorization(token), cookie: "a=b", "x-forwarded-for": "10.0.0.1" },
    });
  }

  /** Asks for a commit that the run was shown. */
  async wantMain(): Promise<Uint8Array> {
    const oid = await refOf(this.broker, "refs/heads/main");
    return Buffer.concat([pktLine(`want ${oid}\n`), Buffer.from("0000"), pktLine("done\n")]);
  }

  /** A push of a commit that does not exist, with an empty pack. */
  smallPush(): Buffer {
    return Buffer.concat([
      pktLine(`${ZERO} ${"a".repeat(40)} ${this.run.ref}\0report-status`),
      Buffer.from("0000PACK\0\0\0\u0002\0\0\0\0", "latin1"),
      Buffer.from("029d08823bd8a8eab510ad6ac75c823cfd3ed31e", "hex"),
    ]);
  }

  /** The forge's own answer, whatever the request's token is. */
  served(request: Request): Promise<Response> {
    const url = request.url.replace("/acme/sub/repo.git", "/repo.git");
    return serveGit(new Request(url, request), dirname(this.broker.repository), "forge-user");
  }

  async stop(): Promise<void> {
    await this.forge.stop(true);
    await this.elsewhere.stop(true);
    await this.broker.stop();
  }

  private async serve(request: Request): Promise<Response> {
    this.asked.push({ line: `${request.method} ${new URL(request.url).pathname}`, headers: request.headers });
    const made = await this.answer?.(request);
    if (made !== undefined) return made;
    return tokenOf(request) === PASSWORD ? this.served(request) : new Response("no\n", { status: 401 });
  }
}
