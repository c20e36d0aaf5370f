/** What a call to the model is made from. */
export interface RequestSource {
  /** The whole request; good until the conversation changes. */
  requestBody(model: string, stream: boolean): Uint8Array<ArrayBuffer>;
  /** Takes the provider's own figures: tokens of the request just sent, and the window's size. @returns what people should be told */
  learn(inputTokens: number | undefined, window: number | undefined): string | undefined;
  /** Tokens of the request, estimated. */
  tokens(): number;
  tokensOf(text: string): number;
}
