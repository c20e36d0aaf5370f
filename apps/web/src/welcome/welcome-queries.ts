import { queryOptions } from "@tanstack/react-query";
import { CliLoginView } from "@windshift/contract/api/cli-login.ts";
import { InvitationView } from "@windshift/contract/api/invitation.ts";
import { PasswordLinkView, SetupState } from "@windshift/contract/api/user.ts";
import { callApi, getApi, sendApi } from "../api/api.ts";
import { queryClient } from "../api/query-client.ts";
import { readPaths } from "../api/read-paths.ts";

/** Whether there is an administrator yet, and which ways in there are. */
export const setupQuery = queryOptions({
  queryKey: ["setup"],
  queryFn: ({ signal }) => getApi(readPaths.setup, SetupState, signal),
});

/** For the first drawing; asked again by the page where it fails, which then says so. */
export function readSetup(): Promise<void> {
  return queryClient.prefetchQuery({ ...setupQuery, retry: false });
}

/** The secrets of links travel in bodies, so that no log of addresses has them. */
export function invitationQuery(token: string) {
  return queryOptions({
    queryKey: ["invitation", token],
    queryFn: ({ signal }) => callApi("POST", "/api/v1/invitations/view", InvitationView, { token }, signal),
    retry: false,
  });
}

/** Whom a link to choose a password is for. Not tried again: a link that was used or is too old stays so. */
export function passwordLinkQuery(token: string) {
  return queryOptions({
    queryKey: ["password-link", token],
    queryFn: ({ signal }) =>
      callApi("POST", "/api/v1/password-links/view", PasswordLinkView, { token }, signal),
    retry: false,
  });
}

/** What asks to sign in by that code, to be seen before it is approved. Not tried again: a wrong code stays wrong. */
export function cliLoginQuery(code: string) {
  return queryOptions({
    queryKey: ["cli-login", code],
    queryFn: ({ signal }) => getApi(`/api/v1/cli-logins/${encodeURIComponent(code)}`, CliLoginView, signal),
    retry: false,
  });
}

/** Signs in with a password; the session is a cookie of the server. */
export function signIn(person: { email: string; password: string }): Promise<void> {
  return sendApi("POST", "/api/auth/sign-in/email", person);
}
