import { connect, createServer, type Server, type Socket } from "node:net";
import { type Acknowledged, Exchange, type Mischief, type Target } from "./exchange.ts";
import { Pipe } from "./pipe.ts";

export interface LinkOptions {
  /** Address the runner is given. */
  host: string;
  /** Port of the server on this machine. */
  serverPort: number;
  /** Of the runner's end; by default one that is free. */
  port?: number;
}

/** The wire between one runner and the server, ours to cut: every byte of the two goes over it, those of git and of models too. */
export class Link {
  readonly acknowledged: Acknowledged[] = [];
  /** Mischief that was done, for the record. */
  readonly done: string[] = [];
  private readonly planned: { target: Target; mischief: Mischief }[] = [];
  private readonly wires = new Set<Wire>();
  private isCut = false;
  private readonly held = { up: false, down: false };
  private delayMs = 0;
  private awaited: RegExp | undefined;

  private constructor(
    private readonly server: Server,
    private readonly options: LinkOptions,
  ) {}

  static open(options: LinkOptions): Promise<Link> {
    const server = createServer({ allowHalfOpen: true });
    const link = new Link(server, options);
    server.on("connection", (socket) => link.accept(socket));
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(options.port ?? 0, options.host, () => resolve(link));
    });
  }

  /** Host and port of the runner's end. */
  get address(): string {
    const address = this.server.address();
    if (address === null || typeof address === "string") throw new Error("the link is closed");
    return `${this.options.host}:${address.port}`;
  }

  /** Connections break, new ones are refused. */
  cut(): void {
    this.isCut = true;
    for (const wire of this.wires) wire.destroy();
  }

  /** Bytes in these directions go nowhere until the link heals; then they arrive, late. Nobody is told. */
  hold(directions: { up?: boolean; down?: boolean }): void {
    Object.assign(this.held, directions);
    this.apply();
  }

  /** Every piece takes so long, ms, in each direction. */
  delay(ms: number): void {
    this.delayMs = ms;
    this.apply();
  }

  heal(): void {
    this.awaited = undefined;
    this.isCut = false;
    this.held.up = this.held.down = false;
    this.delayMs = 0;
    this.apply();
  }

  /** From the next request on whose beginning is like this, nothing goes through, in either direction, until the link heals. */
  holdAt(request: RegExp): void {
    this.awaited = request;
  }

  /** Does this to the next exchange of its kind. */
  plan(target: Target, mischief: Mischief): void {
    this.planned.push({ target, mischief });
  }

  close(): Promise<void> {
    for (const wire of this.wires) wire.destroy();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  private accept(runner: Socket): void {
    if (this.isCut) return void runner.resetAndDestroy();
    const wire = new Wire(runner, this.options.serverPort, {
      onEnd: () => this.wires.delete(wire),
      exchange: new Exchange((one) => this.acknowledged.push(one)),
      onRequest: (chunk) => this.onRequest(chunk),
      isLost: (target, request, hasJob) => this.isLost(target, request, hasJob),
    });
    this.wires.add(wire);
    wire.set(this.held, this.delayMs);
  }

  /** Whether the awaited request has come. */
  get isHolding(): boolean {
    return this.held.up || this.held.down;
  }

  private onRequest(chunk: Buffer): void {
    if (this.awaited?.test(chunk.subarray(0, HEAD_BYTES).toString("latin1")))
      this.hold({ up: true, down: true });
  }

  private apply(): void {
    for (const wire of this.wires) wire.set(this.held, this.delayMs);
  }

  private isLost(target: Target, request: string, hasJob: boolean): boolean {
    if (target === "claim" && !hasJob) return false;
    const at = this.planned.findIndex((plan) => plan.target === target);
    if (at < 0) return false;
    const [plan] = this.planned.splice(at, 1);
    this.done.push(`${plan?.mischief} ${target}`);
    if (plan?.mischief === "lose") return true;
    for (let copy = 0; copy < COPIES; copy++) sendAgain(request, this.options.serverPort);
    return false;
  }
}

/** The first line of a request is shorter, bytes. */
const HEAD_BYTES = 300;
/** How often a repeated request is sent besides the first time. */
const COPIES = 2;

function sendAgain(request: string, port: number): void {
  const socket = connect(port, "127.0.0.1", () => socket.write(request, "latin1"));
  socket.once("data", () => socket.destroy());
  socket.on("error", () => socket.destroy());
}

interface WireOptions {
  exchange: Exchange;
  isLost(target: Target, request: string, hasJob: boolean): boolean;
  onRequest(chunk: Buffer): void;
  onEnd(): void;
}

/** One connection of the runner and its other half. */
class Wire {
  private readonly upstream: Socket;
  private readonly up: Pipe;
  private readonly down: Pipe;

  constructor(
    private readonly runner: Socket,
    port: number,
    private readonly options: WireOptions,
  ) {
    this.upstream = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.up = new Pipe(this.upstream);
    this.down = new Pipe(runner);
    runner.on("data", (chunk: Buffer) => {
      options.onRequest(chunk);
      options.exchange.takeRequest(chunk);
      this.up.push(chunk);
    });
    this.upstream.on("data", (chunk: Buffer) => this.takeReply(chunk));
    // An end travels like bytes: who is behind a silent link hears of it late.
    runner.on("close", () => this.up.end());
    runner.on("end", () => this.up.end());
    this.upstream.on("close", () => this.down.end());
    this.upstream.on("end", () => this.down.end());
    runner.on("error", () => this.up.end());
    this.upstream.on("error", () => this.down.end());
  }

  set(held: { up: boolean; down: boolean }, delayMs: number): void {
    this.up.set(held.up, delayMs);
    this.down.set(held.down, delayMs);
    if (this.runner.destroyed && this.upstream.destroyed) this.options.onEnd();
  }

  destroy(): void {
    this.runner.resetAndDestroy();
    this.upstream.resetAndDestroy();
    this.options.onEnd();
  }

  private takeReply(chunk: Buffer): void {
    const head = this.options.exchange.takeReply(chunk);
    if (head?.target !== undefined && this.options.isLost(head.target, head.request, head.hasJob))
      this.destroy();
    else this.down.push(chunk);
  }
}
