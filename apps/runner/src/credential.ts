import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError } from "@windshift/contract/app-error.ts";
import { RegisterReply, RunnerCredential } from "@windshift/contract/runner.ts";
import type { JobLog } from "@windshift/execution/job-log.ts";
import type { ServerClient } from "./server-client.ts";

export interface CredentialOptions {
  /** WSRUNNER_CREDENTIAL; used and never written down. */
  given: string | undefined;
  /** File of the credential, absolute. */
  file: string;
  registrationToken: string | undefined;
  /** Shown name of this runner. */
  name: string;
  client: ServerClient;
  log: JobLog;
  /** Shows the server a credential, which it may refuse; only where there is a registration token to get another with. */
  show?(credential: string): Promise<unknown>;
  /** Told the name that the server gave this host, before the credential is kept. */
  onRegistered?(instance: string): Promise<void>;
}

const OWNER_ONLY = 0o600;
/** More than a credential has, bytes: a disk that is full is found out, too. */
const PROBE_BYTES = 512;

/**
 * The credential of this host: the one that is given, else the one that is kept, else the one that the registration token is
 * exchanged for; that too in the place of one that the server does not know any more, as after a revocation. The token is not spent
 * before it is certain that the credential can be kept.
 * @throws AppError that names the variable or file to look at
 */
export async function obtainCredential(options: CredentialOptions): Promise<string> {
  const { given, file, registrationToken, log } = options;
  if (given !== undefined) return given;
  const kept = await readCredential(file, log);
  if (kept !== undefined) {
    if (registrationToken === undefined || !(await isUnknown(kept, options))) return kept;
    log.warn("the server does not take the credential that is kept; registering again", { file });
    return register(options, registrationToken).catch((cause: unknown) => {
      throw isRefused(cause) ? neitherTaken(file, cause) : cause;
    });
  }
  if (registrationToken === undefined)
    throw new AppError(
      "unauthenticated",
      `there is no credential in ${file} and WSRUNNER_REGISTRATION_TOKEN is not set. Mint a registration token for a pool and set it; if this runner was registered before, check that WSRUNNER_CREDENTIAL_FILE is on a disk that is kept`,
    );
  return register(options, registrationToken);
}

/** A server that cannot be asked says nothing about it. */
async function isUnknown(credential: string, { show }: CredentialOptions): Promise<boolean> {
  return show === undefined ? false : show(credential).then(() => false, isRefused);
}

function isRefused(error: unknown): error is AppError {
  return error instanceof AppError && error.code === "unauthenticated";
}

function neitherTaken(file: string, cause: AppError): AppError {
  return new AppError(
    "unauthenticated",
    `the server takes neither the credential in ${file} nor WSRUNNER_REGISTRATION_TOKEN: each is unknown, used, expired or revoked. To register this runner again, have a new registration token minted for its pool, set it and start again`,
    { cause },
  );
}

/**
 * Another credential in the place of the one that is kept. The server is asked for it only when it is certain that it can be kept.
 * @param rotate asks the server; the former credential works for an hour more
 * @returns the new one
 * @throws AppError that names the folder, and whether the server has changed the credential
 */
export async function changeCredential(file: string, rotate: () => Promise<string>): Promise<string> {
  await proveWritable(file, "the credential was not changed");
  const credential = await rotate();
  await keepCredential(file, credential).catch((cause: NodeJS.ErrnoException) => {
    throw new AppError(
      "invalid_input",
      `WSRUNNER_CREDENTIAL_FILE: the server has changed the credential, and ${file} could not be replaced (${cause.code}). The one in use works for an hour more: within it, see to it that the file can be replaced and run "windshift-runner rotate-credential" again, or register this runner anew`,
      { cause },
    );
  });
  return credential;
}

async function keepCredential(file: string, credential: string): Promise<void> {
  await writeOwnerOnly(file, `${credential}\n`);
}

/** The credential that is kept; undefined when there is none. @throws AppError that names the variable of the file */
export async function readCredential(file: string, log: JobLog): Promise<string | undefined> {
  const text = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw new AppError("invalid_input", `WSRUNNER_CREDENTIAL_FILE: cannot read ${file} (${cause.code})`, {
      cause,
    });
  });
  if (text === undefined || text.trim() === "") return undefined;
  const credential = RunnerCredential.safeParse(text.trim());
  if (!credential.success)
    throw new AppError(
      "invalid_input",
      `WSRUNNER_CREDENTIAL_FILE: ${file} holds no runner credential (wsrc_…); remove it and register again`,
    );
  const { mode } = await stat(file);
  if ((mode & 0o077) !== 0) {
    log.warn("the credential could be read by others; its mode was set to 0600", { file });
    await chmod(file, OWNER_ONLY);
  }
  return credential.data;
}

/** The nonce is kept beside the credential until that is there: a start that dies in between asks again for the same one. */
async function register(options: CredentialOptions, token: string): Promise<string> {
  const { client, file, name, log } = options;
  const nonceFile = `${file}.nonce`;
  await proveWritable(file, "the registration token was not used");
  const nonce = await keptNonce(nonceFile);
  const request = { registration_token: token, name, nonce };
  const reply = await client.post("/runner/register", request, RegisterReply);
  await options.onRegistered?.(reply.instance_id);
  await keepCredential(file, reply.credential);
  await rm(nonceFile, { force: true });
  log.info("registered; WSRUNNER_REGISTRATION_TOKEN is not needed any more", {
    file,
    instance: reply.instance_id,
    pool: reply.pool_id,
  });
  return reply.credential;
}

async function keptNonce(file: string): Promise<string> {
  const kept = (await readFile(file, "utf8").catch(() => "")).trim();
  if (/^[0-9a-f]{32}$/.test(kept)) return kept;
  const fresh = randomBytes(16).toString("hex");
  await writeOwnerOnly(file, `${fresh}\n`);
  return fresh;
}

/**
 * Writes what would take the file's place, and removes it again.
 * @param meanwhile what has not happened yet
 * @throws AppError when the folder cannot be written to
 */
async function proveWritable(file: string, meanwhile: string): Promise<void> {
  try {
    await rm(await writePart(file, "x".repeat(PROBE_BYTES)), { force: true });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new AppError(
      "invalid_input",
      `WSRUNNER_CREDENTIAL_FILE: ${dirname(file)} cannot be written to (${code}); ${meanwhile}. Give this user the folder, or set WSRUNNER_CREDENTIAL_FILE to another`,
      { cause },
    );
  }
}

async function writeOwnerOnly(file: string, text: string): Promise<void> {
  await rename(await writePart(file, text), file);
}

/** Durable beside the file. @returns its path */
async function writePart(file: string, text: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true, mode: 0o711 });
  const part = `${file}.${process.pid}.part`;
  const handle = await open(part, "w", OWNER_ONLY);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return part;
}
