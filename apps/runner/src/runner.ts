import { buildVersion } from "@windshift/base/build-version.ts";
import { openTracing } from "@windshift/base/tracing.ts";
import { WhoamiReply } from "@windshift/contract/runner.ts";
import { pathsOf, type RunnerSettings } from "./config.ts";
import { obtainCredential, readCredential } from "./credential.ts";
import { DEFAULT_PATH, requireFitEngine } from "./engine.ts";
import { createHost } from "./host.ts";
import { lockCredential, lockHost } from "./host-lock.ts";
import { obtainInstance, takeInstance } from "./instance.ts";
import type { RunnerOptions, RunnerSignals } from "./runner-options.ts";
import { ServerClient } from "./server-client.ts";

/**
 * Registers when needed, delivers what an earlier start left, and claims and runs jobs until it is told to drain, or has done
 * one with WSRUNNER_ONCE. Resolves when nothing runs any more.
 * @throws AppError when this host is not, or no longer, welcome, or its folders cannot be used
 */
export async function runRunner(options: RunnerOptions, signals: RunnerSignals): Promise<void> {
  const { settings } = options;
  await requireFitEngine(settings, options.env);
  const path = options.env.PATH ?? DEFAULT_PATH;
  const isKept = settings.credential === undefined && settings.credentialFile !== undefined;
  using _host = await lockHost(settings.cacheRoot, path);
  using _credential = isKept ? await lockCredential(pathsOf(settings).credential, path) : undefined;
  await runLocked(options, signals);
}

async function runLocked(options: RunnerOptions, signals: RunnerSignals): Promise<void> {
  const { settings, log } = options;
  const paths = pathsOf(settings);
  let credential: string | undefined;
  const client = new ServerClient({
    apiUrl: settings.apiUrl,
    version: buildVersion,
    credential: () => credential,
    reread: async () => {
      credential = settings.credential ?? (await readCredential(paths.credential, log)) ?? credential;
      return credential;
    },
  });
  credential = await obtainCredential({
    given: settings.credential,
    file: paths.credential,
    registrationToken: settings.registrationToken,
    name: settings.name,
    client,
    log,
    show: (kept) => show(settings, kept),
    onRegistered: (given) => takeInstance(paths.instance, given),
  });
  const instance = await obtainInstance({
    file: paths.instance,
    ask: async () => (await client.get("/runner/whoami", WhoamiReply)).instance_id,
    log,
  });
  const tracing = await openTracing({
    endpoint: settings.traceEndpoint,
    headers: settings.traceHeaders,
    service: "windshift-runner",
    version: buildVersion,
    instance,
    onProblem: (message) => log.warn(`traces: ${message}`),
  });
  const host = createHost(options, client, instance, tracing);
  const status = host.serveStatus();
  try {
    await host.settleThePast(signals.drain);
    await host.work(signals);
  } finally {
    await tracing?.close();
    await status?.stop();
  }
}

/** Asks with a credential that is not in use yet. */
function show({ apiUrl }: RunnerSettings, credential: string): Promise<unknown> {
  const client = new ServerClient({ apiUrl, version: buildVersion, credential: () => credential });
  return client.get("/runner/whoami", WhoamiReply);
}
