import { buildVersion } from "@windshift/base/build-version.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { RotateReply, WhoamiReply } from "@windshift/contract/runner.ts";
import type { JobLog } from "@windshift/execution/job-log.ts";
import { pathsOf, type RunnerSettings } from "./config.ts";
import { changeCredential, obtainCredential } from "./credential.ts";
import { ServerClient } from "./server-client.ts";

/** For an operator: another credential in the place of the one that is kept. */
export async function rotateKeptCredential(settings: RunnerSettings, log: JobLog): Promise<void> {
  if (settings.credential !== undefined)
    throw new AppError(
      "invalid_input",
      "WSRUNNER_CREDENTIAL is set: this runner keeps no credential that could be changed",
    );
  const file = pathsOf(settings).credential;
  const unregistered = { given: undefined, registrationToken: undefined, name: settings.name };
  let held: string | undefined;
  const client = new ServerClient({ apiUrl: settings.apiUrl, version: buildVersion, credential: () => held });
  held = await obtainCredential({ ...unregistered, file, client, log });
  held = await changeCredential(
    file,
    async () => (await client.post("/runner/credential", {}, RotateReply)).credential,
  );
  // Once it was used, nobody gets another with the former one, and it is not void for having lain about for a day.
  await client.get("/runner/whoami", WhoamiReply).catch((error: unknown) => {
    log.warn("the new credential is kept, but could not be tried; doctor tells whether it works", { error });
  });
}
