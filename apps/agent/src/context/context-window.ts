import { LLM_CONTEXT_TOKENS_MIN } from "@windshift/contract/limits.ts";

const UNREFUSED = { tokens: Number.POSITIVE_INFINITY, weight: Number.POSITIVE_INFINITY };

/** Tokens the model takes: as the setting says, as the server tells in its header, and as learned from what it refused. */
export class ContextWindow {
  private inHeader: number | undefined;
  /** What refusals taught: as they named it, and in weight, which holds whatever the ratio turns out to be. */
  private refused = UNREFUSED;
  private hasIgnored = false;
  constructor(private setting: number) {}

  /** The window as it was told, whatever was refused. */
  get told(): number {
    return this.setting;
  }
  get isDoubted(): boolean {
    return this.refused !== UNREFUSED;
  }

  /** @param perWeight tokens per weight */
  tokens(perWeight: number): number {
    return Math.min(this.setting, this.refused.tokens, this.refused.weight * perWeight);
  }

  /** Takes the figure of a header. @returns what people should be told of it, once */
  learn(told: number | undefined): string | undefined {
    if (told === undefined || told === this.inHeader) return undefined;
    if (told < LLM_CONTEXT_TOKENS_MIN) return this.ignore(told);
    // Another figure is another model or setting: what the refusals taught was about the one before.
    if (this.inHeader !== undefined) this.refused = UNREFUSED;
    this.inHeader = told;
    this.setting = told;
    return undefined;
  }

  /**
   * @param named the window the refusal named
   * @param weight that is believed to fit
   */
  learnRefusal(named: number | undefined, weight: number): void {
    const isWindow = named !== undefined && named >= LLM_CONTEXT_TOKENS_MIN;
    this.refused = {
      tokens: Math.min(this.refused.tokens, isWindow ? named : Number.POSITIVE_INFINITY),
      weight: Math.min(this.refused.weight, weight),
    };
  }

  private ignore(told: number): string | undefined {
    if (this.hasIgnored) return undefined;
    this.hasIgnored = true;
    return `The server told of a context window of ${told} tokens. Below ${LLM_CONTEXT_TOKENS_MIN} there is no room to work in, so ${this.setting} is used as before: check the context window of the LLM connection.`;
  }
}
