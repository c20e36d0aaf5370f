/** What went wrong between the broker and the host of a repository. `credential_echo` is an alarm. */
export type UpstreamFailureKind =
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "too_large"
  | "rate_limited"
  | "unavailable"
  | "redirected"
  | "strange"
  | "credential_echo"
  | "push_refused";

/** For the record of the run: a kind for programs and one sentence for people, printable and without a credential. */
export interface UpstreamFailure {
  kind: UpstreamFailureKind;
  /** Of the host's answer; undefined when there was none. */
  status: number | undefined;
  sentence: string;
}

/** Where the failing request went. */
export interface UpstreamPlace {
  /** Host and port of the forge. */
  host: string;
  /** `owner/name`. */
  repository: string;
}

/**
 * What an answer other than 200 means for the person who waits.
 * @param said the host's own words, already printable; empty when it had none
 */
export function failureOfStatus(place: UpstreamPlace, status: number, said: string): UpstreamFailure {
  const [kind, meaning] = meaningOf(place, status);
  const quoted = said === "" ? "" : ` It said: "${said}"`;
  return { kind, status, sentence: `${meaning} (${place.host}, HTTP ${status}).${quoted}` };
}

function meaningOf({ repository }: UpstreamPlace, status: number): [UpstreamFailureKind, string] {
  if (status >= 300 && status < 400)
    return [
      "redirected",
      `The host sends requests for ${repository} elsewhere, and that is not followed: the repository may have moved`,
    ];
  switch (status) {
    case 401:
      return [
        "unauthorized",
        "The stored credential was not accepted: it is wrong, revoked or expired, and an administrator can replace it on the connection",
      ];
    case 403:
      return [
        "forbidden",
        `The stored credential may not do this on ${repository}: it lacks a permission, or the repository is archived`,
      ];
    case 404:
      return ["not_found", `The host has no repository ${repository} that the stored credential can see`];
    case 413:
      return ["too_large", `The host takes no push of this size to ${repository}`];
    case 429:
      return ["rate_limited", "The host has had too many requests for now; try again later"];
    default:
      return status >= 500
        ? ["unavailable", "The repository's host failed; try again later"]
        : ["strange", "The repository's host did not answer as a git host does"];
  }
}
