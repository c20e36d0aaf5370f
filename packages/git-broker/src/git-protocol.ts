/**
 * The value of `Git-Protocol` if it is the one we pass on, protocol 2. Everything else git might put there is dropped: the
 * upstream then speaks protocol 0, which every client understands.
 */
export function gitProtocol(request: Request): string | undefined {
  const value = request.headers.get("git-protocol");
  return value === "version=2" ? value : undefined;
}
