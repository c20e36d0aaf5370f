import { AppError } from "@windshift/contract/app-error.ts";
import { TryLimit } from "../http/try-limit.ts";

/**
 * Registrations of one address that are refused in a window: a token that fifty hosts were given by mistake is told to all of them; more
 * is somebody who guesses. What is registered counts nothing, so a fleet behind one address joins at once.
 */
const REFUSED_MAX = 100;
/** The window, ms: whoever was locked out by a neighbor is let in after a minute; a service manager starts a runner again until then. */
const REFUSED_WINDOW_MS = 60_000;

/** Keeps one address from trying registration tokens without end. One server's own count. */
export class RegistrationTries {
  private readonly refused: TryLimit;

  constructor(nowMs: () => number = () => performance.now()) {
    this.refused = new TryLimit({ tries: REFUSED_MAX, windowMs: REFUSED_WINDOW_MS }, nowMs);
  }

  /**
   * Does a registration for an address.
   * @throws AppError `rate_limited` when too many of that address were refused, without doing it; else what `register` throws
   */
  async try<T>(from: string | undefined, register: () => Promise<T>): Promise<T> {
    this.refused.requireOpen(from);
    try {
      return await register();
    } catch (error) {
      if (error instanceof AppError && error.code === "unauthenticated") this.refused.admits(from);
      throw error;
    }
  }
}
