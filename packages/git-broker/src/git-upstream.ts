/** The two services of git's smart HTTP protocol. */
export type GitService = "git-upload-pack" | "git-receive-pack";

/** What an upstream answered. `body` is read once and may be canceled. */
export interface UpstreamReply {
  /** 200, or what went wrong; anything but 200 is never shown to the client as it is. */
  status: number;
  contentType: string;
  /** Of an answer other than 200: what it means, for the client. Printable, without a credential. */
  sentence?: string;
  body: ReadableStream<Uint8Array>;
}

/**
 * The stored repository behind a grant: the only place a request can go, with its credential already inside. Nothing of
 * the client's request reaches it but the body and a checked protocol version. Real: local-upstream.ts,
 * remote-upstream.ts.
 */
export interface GitUpstream {
  /**
   * The advertisement in the form smart HTTP uses (with its `# service=` line where the protocol has one).
   * @param protocol a checked value of `Git-Protocol`, such as `version=2`
   */
  advertise(service: GitService, protocol: string | undefined, signal: AbortSignal): Promise<UpstreamReply>;
  /**
   * One stateless request. Reads `body` as fast as it can be taken in and no faster. Rejects with the error of `body`
   * when that fails before the answer began; the upstream then drops what it got.
   */
  rpc(
    service: GitService,
    body: ReadableStream<Uint8Array>,
    protocol: string | undefined,
    signal: AbortSignal,
  ): Promise<UpstreamReply>;
}

/** The content type of a service's answer, the upstream's and ours. */
export function resultType(service: GitService): string {
  return `application/x-${service}-result`;
}
