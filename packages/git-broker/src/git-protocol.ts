/**
 * The value of `Git-Protocol` if it is one we pass on. Everything else git might put there is dropped: the upstream then
 * speaks protocol 0, which every client understands.
 */
export function gitProtocol(request: Request): string | undefined {
  const value = request.headers.get("git-protocol");
  return value !== null && /^version=[012]$/.test(value) ? value : undefined;
}
