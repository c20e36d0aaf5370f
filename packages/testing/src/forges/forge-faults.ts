/** What goes wrong with the next request that matches, once. */
export interface ForgeFault {
  method: string;
  /** Matched against the path of the API, without its root. */
  path: RegExp;
  what: /** The request is done, and the connection breaks before its reply is read. */
    | { kind: "lose_reply" }
    /** This is answered and nothing is done. */
    | { kind: "answer"; status: number; headers?: Record<string, string>; body?: unknown };
}

export interface LoggedRequest {
  method: string;
  path: string;
  status: number;
}

/** Faults in waiting and the requests that came, of one test server. */
export interface ForgeFaults {
  add(fault: ForgeFault): void;
  /** Requests of the API so far. */
  readonly log: readonly LoggedRequest[];
  /** Answers one request of the API through the faults. */
  around(request: Request, path: string, answer: () => Promise<Response>): Promise<Response>;
}

/** Nothing goes wrong until a fault is added; of several that match, the one added first comes first. */
export function createForgeFaults(): ForgeFaults {
  const waiting: ForgeFault[] = [];
  const log: LoggedRequest[] = [];
  return {
    add: (fault) => void waiting.push(fault),
    log,
    around: async (request, path, answer) => {
      const { method } = request;
      const at = waiting.findIndex((fault) => fault.method === method && fault.path.test(path));
      const what = at < 0 ? undefined : waiting.splice(at, 1)[0]?.what;
      const response = what?.kind === "answer" ? answered(what) : await answer();
      log.push({ method, path, status: response.status });
      return what?.kind === "lose_reply" ? broken(response) : response;
    },
  };
}

function answered(what: { status: number; headers?: Record<string, string>; body?: unknown }): Response {
  return Response.json(what.body ?? { message: "a fault" }, {
    status: what.status,
    headers: what.headers ?? {},
  });
}

/** Its headers come, its body does not. */
function broken(response: Response): Response {
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(new Error("the connection broke")),
  });
  return new Response(body, { status: response.status, headers: { "content-type": "application/json" } });
}
