import { type ConnectionCheck, ForgeError } from "./forge-client.ts";

/** The answer of a check that could not be made. What is not there is the API itself, so the address is wrong. */
export function failedCheck(forge: string, host: string): (error: unknown) => ConnectionCheck {
  return (error) => {
    if (!(error instanceof ForgeError)) throw error;
    if (error.kind === "not_found" && error.status === 404)
      return {
        ok: false,
        kind: "refused",
        message: `There is no ${forge} at ${host}; check the base address.`,
      };
    return { ok: false, kind: error.kind, message: error.message };
  };
}
