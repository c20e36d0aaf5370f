/** Characters of the text of a pull request or a comment. Source: GitHub's answer to a longer one. */
const BODY_CHARS_MAX = 65_536;

/** To a body that is longer than GitHub takes. @param text of the request */
export function lengthRefusal(text: string): Response | undefined {
  const body: unknown = text === "" ? undefined : (JSON.parse(text) as { body?: unknown }).body;
  if (typeof body !== "string" || body.length <= BODY_CHARS_MAX) return undefined;
  return invalid(`body is too long (maximum is ${BODY_CHARS_MAX} characters)`, "body");
}

/** As GitHub refuses what it cannot take. */
export function invalid(text: string, field?: string): Response {
  const error = {
    resource: "PullRequest",
    code: field === undefined ? "custom" : "invalid",
    ...(field === undefined ? {} : { field }),
    message: text,
  };
  return Response.json(
    {
      message: "Validation Failed",
      errors: [error],
      documentation_url: "https://docs.github.com/rest",
      status: "422",
    },
    { status: 422 },
  );
}
