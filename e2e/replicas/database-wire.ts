import { connect, createServer, type Server, type Socket } from "node:net";
import { Pipe } from "../faults-harness/pipe.ts";

/** The wire between servers and their database, ours to slow down, cut, and lead to another one. */
export class DatabaseWire {
  private readonly wires = new Set<{ sockets: Socket[]; pipes: Pipe[] }>();
  private delayMs = 0;

  private constructor(
    private readonly server: Server,
    private target: number,
  ) {}

  static open(target: number): Promise<DatabaseWire> {
    const server = createServer({ allowHalfOpen: true });
    const wire = new DatabaseWire(server, target);
    server.on("connection", (socket) => wire.accept(socket));
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", () => resolve(wire));
    });
  }

  get port(): number {
    const address = this.server.address();
    if (address === null || typeof address === "string") throw new Error("the wire is closed");
    return address.port;
  }

  /** Every answer of the database takes so much longer, ms. */
  slow(ms: number): void {
    this.delayMs = ms;
    for (const { pipes } of this.wires) pipes[1]?.set(false, ms);
  }

  /** New connections go there; those that stand are cut. */
  lead(target: number): void {
    this.target = target;
    this.cut();
  }

  cut(): void {
    for (const { sockets } of this.wires) for (const socket of sockets) socket.destroy();
  }

  close(): Promise<void> {
    this.cut();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  private accept(near: Socket): void {
    const far = connect({ port: this.target, host: "127.0.0.1", allowHalfOpen: true });
    const up = new Pipe(far);
    const down = new Pipe(near);
    down.set(false, this.delayMs);
    const wire = { sockets: [near, far], pipes: [up, down] };
    this.wires.add(wire);
    for (const [from, pipe, other] of [
      [near, up, far],
      [far, down, near],
    ] as const) {
      from.setNoDelay(true);
      from.on("data", (chunk: Buffer) => pipe.push(chunk));
      from.on("end", () => pipe.end());
      from.on("error", () => other.destroy());
      from.on("close", () => {
        other.destroy();
        this.wires.delete(wire);
      });
    }
  }
}
