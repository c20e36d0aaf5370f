/** All pages of the area, as one file for browsers: cut into a file each, they share dozens of small ones. */
export { CliPage } from "./cli-page.tsx";
export { InvitePage, Spent } from "./invite-page.tsx";
export { LoginPage, OidcProblemText } from "./login-page.tsx";
export { ResetPage } from "./reset-page.tsx";
export { SetUpPage } from "./set-up-page.tsx";
export { readSetup } from "./welcome-queries.ts";
