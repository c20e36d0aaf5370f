import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "@windshift/testing/eventually.ts";
import { freePort } from "../../scripts/setup/free-port.ts";
import type { Way } from "../llm-broker/load.ts";
import { requestBytes } from "../llm-broker/load-client.ts";
import { type Listening, startListening } from "../llm-broker/upstream.ts";

/** A gateway of others, as its makers publish it, in front of a provider on this machine; run by Node, as they are. */
export interface Gateway {
  name: string;
  /** Whether it is one for models, and no plain proxy: what ours is held to. */
  isForModels: boolean;
  /** Whether its streams are measured. */
  streams: boolean;
  /** Pinned: what was measured must be what is measured again. Licenses: MIT. */
  packages: Record<string, string>;
  /** @param modules the folder the packages are in */
  start(modules: string, upstreamPort: number): Promise<Way & { stop(): Promise<void> }>;
}

const START_MS_MAX = 60_000;
const PATH = "/v1/chat/completions";

const portkey: Gateway = {
  name: "Portkey gateway 1.15.2",
  isForModels: true,
  // This version answers each stream with 500 on Node 20: it adds headers to an answer that may not be changed.
  streams: false,
  packages: { "@portkey-ai/gateway": "1.15.2" },
  async start(modules, upstreamPort) {
    const port = await freePort();
    const program = join(modules, "@portkey-ai/gateway/build/start-server.js");
    const child = Bun.spawn([node(), program, `--port=${port}`, "--headless"], {
      env: { PATH: process.env.PATH ?? "", NODE_ENV: "production" },
      stdout: "ignore",
      stderr: "ignore",
    });
    await eventually(
      "the gateway listens",
      () =>
        fetch(`http://127.0.0.1:${port}`).then(
          ({ ok }) => ok || undefined,
          () => undefined,
        ),
      START_MS_MAX,
    );
    const provider = [
      "x-portkey-provider: openai",
      `x-portkey-custom-host: http://127.0.0.1:${upstreamPort}/v1`,
    ];
    return {
      name: this.name,
      port,
      pid: child.pid,
      request: (body) => withHeaders(requestBytes(PATH, "sk-bench", body), provider),
      stop: async () => {
        child.kill("SIGTERM");
        await child.exited;
      },
    };
  },
};

/** It wants to know nothing of models: what a small proxy in front of a provider costs that is made of the usual parts. */
const fastify: Gateway = {
  name: "@fastify/http-proxy 11.6.3",
  isForModels: false,
  streams: true,
  packages: { "@fastify/http-proxy": "11.6.3", fastify: "5.12.8" },
  async start(modules, upstreamPort) {
    const program = join(modules, "../fastify-proxy.mjs");
    copyFileSync(join(import.meta.dir, "fastify-proxy.mjs"), program);
    const proxy: Listening = await startListening([node(), program, `http://127.0.0.1:${upstreamPort}`]);
    return { ...proxy, name: this.name, request: (body) => requestBytes(PATH, "sk-bench", body) };
  },
};

export const GATEWAYS: readonly Gateway[] = [portkey, fastify];

function node(): string {
  const program = Bun.which("node");
  if (program === null) throw new Error("there is no node, which the gateways of others run on");
  return program;
}

function withHeaders(request: Buffer, headers: readonly string[]): Buffer {
  const end = request.indexOf("\r\n\r\n");
  return Buffer.concat([
    request.subarray(0, end),
    Buffer.from(headers.map((line) => `\r\n${line}`).join("")),
    request.subarray(end),
  ]);
}
