import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Oid } from "@windshift/contract/ids.ts";
import { startFixture } from "@windshift/git-broker/process-fixture.ts";
import { writeSyntheticProject } from "../main-job/synthetic-project.ts";
import { gitOrFail } from "./git-client.ts";
import { startNginx } from "./nginx.ts";

/** One way to the same repository. */
export interface Way {
  name: "direct" | "nginx" | "ours";
  /** With the credential for it inside. */
  url: string;
  /** The one branch that pushes of this way go to. */
  ref: string;
  /** Of the proxy; undefined where there is none. */
  pid: number | undefined;
  /** What the working copy's last push of this way was, or the commit all ways start from. No way's pushes carry another's. */
  tip: string;
}

export interface Ways {
  ways: Way[];
  ours: Way;
  /** Ours, with another run's number. */
  urlOfRun(run: number): string;
  /** Ours again, by a broker that was just started; `ours` goes there from then on. */
  freshBroker(): Promise<Way>;
  /** The bare repository and a working copy of it. */
  repository: string;
  work: string;
  stop(): Promise<void>;
}

const PASSWORD = "forge-password-0123456789";
const TOKEN = "token-of-the-run";

/** A repository of 200 MB that does not compress. Source: PERFORMANCE, "Git broker". */
const SIZE = { files: 400, bytes: 666_667 };

/** The repository behind git's http-backend; in front of it nothing, nginx, or the broker with its pack checks. */
export async function openWays(dir: string, progress: (line: string) => void): Promise<Ways> {
  progress("making a repository of 200 MB");
  const work = join(dir, "work");
  const repository = join(dir, "forge", "repo.git");
  mkdirSync(join(dir, "forge"), { recursive: true });
  mkdirSync(join(dir, "quarantine"));
  await gitOrFail(dir, "init", "-q", "-b", "main", "work");
  await gitOrFail(work, "config", "core.compression", "0");
  writeSyntheticProject(work, SIZE);
  await gitOrFail(work, "add", "-A");
  await gitOrFail(work, "commit", "-q", "-m", "first");
  await gitOrFail(dir, "clone", "-q", "--bare", "--no-hardlinks", work, repository);
  await gitOrFail(repository, "repack", "-q", "-a", "-d");
  const base = Oid.parse(await gitOrFail(work, "rev-parse", "HEAD"));
  const forge = await startFixture("forge", dir, PASSWORD);
  const nginx = await startNginx(
    join(dir, "nginx"),
    forge.address,
    `Basic ${btoa(`forge-user:${PASSWORD}`)}`,
  );
  if (nginx === undefined) progress("nginx is not installed: no second floor");
  const inspected = [repository, base, join(dir, "quarantine")];
  const broker = await startFixture("broker", forge.address, PASSWORD, TOKEN, ...inspected);
  const withPassword = (address: string, user: string) => address.replace("http://", `http://${user}@`);
  const ours: Way = {
    name: "ours",
    url: withPassword(broker.address, `x:${TOKEN}`),
    ref: "refs/heads/agent-runs/run-1",
    pid: broker.pid,
    tip: base,
  };
  const ways: Way[] = [
    {
      name: "direct",
      url: withPassword(`${forge.address}/forge/repo.git`, `forge-user:${PASSWORD}`),
      ref: "refs/heads/direct",
      pid: undefined,
      tip: base,
    },
    ...(nginx === undefined
      ? []
      : [
          {
            name: "nginx",
            url: `${nginx.address}/forge/repo.git`,
            ref: "refs/heads/nginx",
            pid: nginx.pid,
            tip: base as string,
          } as const,
        ]),
    ours,
  ];
  const more: { stop(): Promise<void> }[] = [];
  const freshBroker = async () => {
    const fresh = await startFixture("broker", forge.address, PASSWORD, TOKEN, ...inspected);
    more.push(fresh);
    return Object.assign(ours, { url: withPassword(fresh.address, `x:${TOKEN}`), pid: fresh.pid });
  };
  const stop = async () => {
    for (const one of [broker, ...more]) await one.stop();
    await nginx?.stop();
    await forge.stop();
  };
  const urlOfRun = (run: number) => ours.url.replace("/api/git-proxy/1/", `/api/git-proxy/${run}/`);
  return { ways, ours, urlOfRun, freshBroker, repository, work, stop };
}
