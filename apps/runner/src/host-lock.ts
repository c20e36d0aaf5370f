import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError } from "@windshift/contract/app-error.ts";

/** Exit code with which flock says that somebody else has the lock. */
const TAKEN = 1;

/** Held until it is disposed of, or this process ends. */
export type HostLock = Disposable;

/**
 * Makes this process the only runner that works with a cache root: two would take each other's live spools for leftovers, and
 * sweep each other's containers. The lock is the kernel's and lies on an open file of this process alone, so it goes with the
 * process, however that ends.
 * @param path PATH on which flock is found
 * @throws AppError that says who has it and what to do
 */
export async function lockHost(cacheRoot: string, path: string): Promise<HostLock> {
  const lock = { setting: "WSRUNNER_CACHE_ROOT", of: cacheRoot, file: join(cacheRoot, "lock") };
  const fd = await openLock(lock).catch((cause: NodeJS.ErrnoException) => {
    throw new AppError(
      "invalid_input",
      `${lock.setting}: ${lock.file} cannot be opened (${cause.code}); give this user the folder, or set another`,
      { cause },
    );
  });
  return heldLock(fd, lock, path);
}

/**
 * The same for a credential that is kept outside of the cache root: the newer of two runners with it would end all that the older is
 * at. A folder that cannot be written to is told by whoever keeps the credential there, and is nobody's to lock.
 * @throws AppError that says who has it and what to do
 */
export async function lockCredential(credentialFile: string, path: string): Promise<HostLock> {
  const lock = { setting: "WSRUNNER_CREDENTIAL_FILE", of: credentialFile, file: `${credentialFile}.lock` };
  const fd = await openLock(lock).catch(() => undefined);
  return fd === undefined ? { [Symbol.dispose]: () => undefined } : heldLock(fd, lock, path);
}

interface LockPlace {
  /** Setting that names it. */
  setting: string;
  /** What nobody else may use meanwhile. */
  of: string;
  file: string;
}

async function openLock({ file }: LockPlace): Promise<number> {
  await mkdir(dirname(file), { recursive: true, mode: 0o711 });
  return openSync(file, "a", 0o600);
}

async function heldLock(fd: number, lock: LockPlace, path: string): Promise<HostLock> {
  try {
    await takeLock(fd, lock, path);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { [Symbol.dispose]: () => closeSync(fd) };
}

/** flock locks the open file it is given, which is ours, and ends; the lock stays with us. */
async function takeLock(fd: number, { setting, of, file }: LockPlace, path: string): Promise<void> {
  const exit = await flock(fd, path).catch((cause: unknown) => {
    throw new AppError("invalid_input", "flock cannot be started; install util-linux on this host", {
      cause,
    });
  });
  if (exit === 0) return writeFileSync(file, `${process.pid}\n`);
  if (exit === TAKEN)
    throw new AppError(
      "invalid_input",
      `another windshift-runner${holderOf(file)} is at work with ${of}. Stop it, or give each runner of this host a WSRUNNER_CACHE_ROOT and a registration of its own`,
    );
  throw new AppError("invalid_input", `${setting}: ${file} cannot be locked (flock ends with ${exit})`);
}

async function flock(fd: number, path: string): Promise<number> {
  const child = Bun.spawn(["flock", "--exclusive", "--nonblock", "0"], {
    env: { PATH: path, LC_ALL: "C" },
    stdin: fd,
    stdout: "ignore",
    stderr: "ignore",
  });
  return await child.exited;
}

function holderOf(file: string): string {
  const pid = readFileSync(file, "utf8").trim();
  return /^\d+$/.test(pid) ? ` (process ${pid})` : "";
}
