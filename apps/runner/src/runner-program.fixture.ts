import { AppError, errorBody } from "@windshift/contract/app-error.ts";
import { programCommand } from "@windshift/testing/program-command.ts";

/** The real program, with the settings every runner needs and a folder that is its own. */
export function startRunnerProgram(options: {
  args?: readonly string[];
  /** Folder of all it keeps. */
  root: string;
  apiUrl: string;
  env?: Record<string, string>;
}) {
  const child = Bun.spawn([...programCommand("windshift-runner"), ...(options.args ?? [])], {
    env: {
      PATH: process.env.PATH ?? "",
      HOME: process.env.HOME ?? "",
      WS_API_URL: options.apiUrl,
      WSRUNNER_IMAGE: "windshift/agent:local",
      WSRUNNER_CACHE_ROOT: options.root,
      ...options.env,
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const said = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return {
    child,
    /** When it has ended: its exit code, and all it wrote. */
    ended: async () => ({ exit: await child.exited, said: (await said).join("") }),
  };
}

/** A request as a server saw it. */
export interface SeenRequest {
  path: string;
  authorization: string | null;
  /** The fields of its body, none when it is no JSON. */
  body: Record<string, unknown>;
}

export async function seenRequest(request: Request): Promise<SeenRequest> {
  const { pathname } = new URL(request.url);
  const authorization = request.headers.get("authorization");
  const body = Object(await request.json().catch(() => ({})));
  return { path: pathname, authorization, body };
}

/** What a server says to a runner it does not know: the program ends. */
export function unknownRunner(): Response {
  const error = new AppError("unauthenticated", "register this runner again");
  return Response.json(errorBody(error), { status: error.status });
}

export const REGISTRATION_TOKEN = `wsrt_${"r".repeat(43)}`;
export const credentialOf = (letter: string) => `wsrc_${letter.repeat(43)}`;

export function registered(credential: string): Response {
  return Response.json({ credential, instance_id: "0123456789ab", pool_id: 1 });
}
