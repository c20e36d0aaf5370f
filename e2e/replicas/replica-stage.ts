import { join } from "node:path";
import type { ServerProcess } from "@windshift/testing/server-process.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { freePort } from "../../scripts/setup/free-port.ts";
import { HERE, openStage, type Stage } from "../faults-harness/stage.ts";
import { Balancer } from "./balancer.ts";
import { DatabaseWire } from "./database-wire.ts";
import { PostgresCluster } from "./postgres-cluster.ts";

/** One server of several. */
export interface Replica {
  readonly port: number;
  readonly url: string;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Servers behind nginx on one PostgreSQL of their own, reached by a wire of ours; runner hosts; a model; a repository. */
export interface ReplicaStage {
  readonly stage: Stage;
  readonly replicas: readonly Replica[];
  readonly wire: DatabaseWire;
  readonly cluster: PostgresCluster;
  /** Clusters that were started beside the first are ended with the rest. */
  adopt(cluster: PostgresCluster): void;
  close(keep: boolean): Promise<void>;
}

export interface ReplicaStageOptions {
  servers: number;
  hosts: number;
  capacity: number;
  /** What the model waits before its replies, ms, turn by turn. */
  thinkMs: readonly number[];
  /** So much room for the database, MB; root makes such a disk. Default: that of the machine. */
  databaseDiskMb?: number | undefined;
}

/**
 * Starts PostgreSQL behind a wire that can be cut, servers behind a balancer, and hosts; all is stopped again when a part does not
 * start.
 */
export async function openReplicaStage(options: ReplicaStageOptions): Promise<ReplicaStage> {
  const stops: (() => Promise<void> | void)[] = [];
  const closeAll = async () => {
    for (const stop of stops.reverse()) await stop();
  };
  try {
    const cluster = await PostgresCluster.start(options.databaseDiskMb);
    const clusters = [cluster];
    stops.push(async () => {
      for (const one of clusters) await one.stop();
      await cluster.remove();
    });
    const wire = await DatabaseWire.open(cluster.port);
    stops.push(() => wire.close());
    const ports = await Promise.all(Array.from({ length: options.servers }, () => freePort()));
    const dir = tempDir();
    stops.push(() => dir.remove());
    const balancer = await Balancer.start(join(dir.path, "nginx"), await freePort(), ports);
    stops.push(() => balancer.stop());
    const [server = 0, ...others] = ports;
    const stage = await openStage({
      env: { WINDSHIFT_TEST_DATABASE: "postgres", WINDSHIFT_TEST_DATABASE_URL: cluster.url(wire.port) },
      hosts: Array.from({ length: options.hosts }, () => HERE),
      capacity: options.capacity,
      poolMax: options.hosts * options.capacity,
      thinkMs: options.thinkMs,
      ports: { server, front: balancer.port },
    });
    let keep = false;
    stops.push(() => stage.close(keep));
    const replicas: Replica[] = [firstOf(stage, server)];
    for (const port of others) {
      const replica = await anotherOf(stage, port);
      stops.push(() => replica.stop());
      replicas.push(replica);
    }
    return {
      stage,
      replicas,
      wire,
      cluster,
      adopt: (one) => void clusters.push(one),
      close: (kept) => {
        keep = kept;
        return closeAll();
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

function firstOf(stage: Stage, port: number): Replica {
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    stop: () => stage.stopServer(),
    start: () => stage.startServer(),
  };
}

async function anotherOf(stage: Stage, port: number): Promise<Replica> {
  let wanted: ServerProcess | undefined;
  const start = async () => {
    const server = await stage.startReplica(port);
    wanted = server;
    void server.exited.then((code) => {
      if (wanted === server)
        stage.deaths.push(`the server of port ${port} ended by itself with code ${code}`);
    });
  };
  await start();
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    start,
    stop: async () => {
      const server = wanted;
      wanted = undefined;
      await server?.stop();
    },
  };
}
