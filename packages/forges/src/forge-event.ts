/** Names of headers in small letters. */
export type WebhookHeaders = Readonly<Record<string, string | undefined>>;

/** What a webhook is about, or why it is not believed. */
export type ForgeEvent =
  | {
      kind: "pull_request" | "comment" | "review";
      /** The forge's id of this delivery; the same when it is sent again. */
      deliveryId: string;
      owner: string;
      name: string;
      /** Of the pull request. */
      number: number;
    }
  | { kind: "push"; deliveryId: string; owner: string; name: string }
  /** `other`: believed, but of no interest here. */
  | { kind: "ping" | "other"; deliveryId: string }
  /** A sentence for the log; it says nothing of the secret. */
  | { kind: "refused"; message: string };
