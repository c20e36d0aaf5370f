import { GIT_GUARDS, gitEnv } from "@windshift/base/git.ts";

/**
 * Answers a request of git's smart HTTP from the bare repositories under `root`, through git's own `http-backend`.
 * @param user who was authenticated; undefined may only read
 */
export async function serveGit(request: Request, root: string, user: string | undefined): Promise<Response> {
  const url = new URL(request.url);
  const coding = request.headers.get("content-encoding");
  const protocol = request.headers.get("git-protocol");
  const child = Bun.spawn(["git", ...GIT_GUARDS, "http-backend"], {
    env: gitEnv({
      extraEnv: {
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: "1",
        REQUEST_METHOD: request.method,
        PATH_INFO: decodeURIComponent(url.pathname),
        QUERY_STRING: url.search.slice(1),
        CONTENT_TYPE: request.headers.get("content-type") ?? "",
        ...(coding === null ? {} : { HTTP_CONTENT_ENCODING: coding }),
        ...(protocol === null ? {} : { GIT_PROTOCOL: protocol }),
        ...(user === undefined ? {} : { REMOTE_USER: user }),
      },
    }),
    stdin: request.body ?? "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  return cgiResponse(child.stdout);
}

/** The token of HTTP basic authentication, or of the API's headers; undefined when there is none. */
export function tokenOf(request: Request): string | undefined {
  const direct = request.headers.get("private-token");
  if (direct !== null) return direct;
  const [scheme = "", value = ""] = (request.headers.get("authorization") ?? "").split(" ");
  if (/^basic$/i.test(scheme)) return Buffer.from(value, "base64").toString().split(":").slice(1).join(":");
  return /^(token|bearer)$/i.test(scheme) ? value : undefined;
}

/** Whether a path is one of smart HTTP: `/acme/shop.git/info/refs`. */
export function gitRepositoryOf(pathname: string): string | undefined {
  return /^\/(.+)\.git\/(info\/refs|git-upload-pack|git-receive-pack)$/.exec(
    decodeURIComponent(pathname),
  )?.[1];
}

/** The 401 that makes git send its credential, which it keeps back at first. */
export function askForPassword(): Response {
  return new Response("Authentication required\n", {
    status: 401,
    headers: { "www-authenticate": 'Basic realm="git"' },
  });
}

/** A CGI program writes its headers, an empty line, and the body, which is passed on as it comes. */
async function cgiResponse(output: ReadableStream<Uint8Array>): Promise<Response> {
  const reader = output.getReader();
  let head = Buffer.alloc(0);
  let end = -1;
  while (end < 0) {
    const { done, value } = await reader.read();
    if (done) return new Response("http-backend said nothing", { status: 500 });
    head = Buffer.concat([head, value]);
    end = head.indexOf("\r\n\r\n");
  }
  const headers = new Headers();
  for (const line of head.toString("latin1", 0, end).split("\r\n"))
    headers.append(line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim());
  const status = Number.parseInt(headers.get("status") ?? "200", 10);
  headers.delete("status");
  const rest = head.subarray(end + 4);
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      if (rest.length > 0) controller.enqueue(new Uint8Array(rest));
    },
    pull: async (controller) => {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return new Response(body, { status, headers });
}
