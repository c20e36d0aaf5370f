/**
 * How many tokens a request has, from the provider's own figures as far as they go.
 *
 *   weight    what a text has by our rule (token-weight.ts); known for every message
 *   ratio     the provider's tokens per weight, from its last figure; 1 before the first
 *   counted   the part of the conversation the provider gave a figure for: its weight, pictures and tokens
 *
 * tokens = counted.tokens + what came since × ratio × margin. Text the provider has not counted may be denser than what it
 * has, so it is taken for more than it seems; the next figure puts that right.
 */

/** What text that was never counted is multiplied with. Our rule was never more than a fifth under the tokenizers it was held to. */
const UNCOUNTED_MARGIN = 1.25;
/** Tokens of one picture: what providers charge for the largest they do not scale down further. */
export const PICTURE_TOKENS = 1_600;
/** Figures further off our own are no count of this request (a mock's 1, a sum over calls, cached tokens left out). */
const RATIO_MIN = 0.5;
const RATIO_MAX = 4;
/** A longer request cannot have fewer tokens than a shorter one had; a little slack for a provider that rounds. */
const SHRUNK_SHARE = 0.98;

export interface Load {
  weight: number;
  pictures: number;
}

/** What a request takes in tokens, by what the provider counted before; without any figure, by the weight of its text. */
export class TokenEstimate {
  private ratio = 1;
  private doubted = false;
  private counted: (Load & { tokens: number }) | undefined;

  /** Takes the provider's figure for a request of this load that went out unchanged. Nonsense is left aside. */
  learn(tokens: number, load: Load): void {
    const text = tokens - load.pictures * PICTURE_TOKENS;
    const ratio = text / load.weight;
    const total = tokens / (load.weight + load.pictures * PICTURE_TOKENS);
    if (!(total >= RATIO_MIN && total <= RATIO_MAX)) return;
    const shrunk =
      this.counted !== undefined &&
      this.counted.weight <= load.weight &&
      tokens < this.counted.tokens * SHRUNK_SHARE;
    // Once it is this figure that is in doubt; twice in a row it was the one before.
    this.doubted = shrunk && !this.doubted;
    if (this.doubted) return;
    this.counted = { ...load, tokens };
    // Providers differ widely in what a picture costs; only text tells of text.
    if (load.pictures === 0) this.ratio = ratio;
  }

  /** Says that a part the provider had counted is gone from the conversation. */
  removed(load: Load): void {
    if (this.counted === undefined) return;
    const { weight, pictures, tokens } = this.counted;
    this.counted = {
      weight: weight - load.weight,
      pictures: pictures - load.pictures,
      // Less is taken off than it may have been: the margin works in this direction too.
      tokens: Math.max(0, tokens - this.countedPart(load.weight) - load.pictures * PICTURE_TOKENS),
    };
  }

  /** Nothing of what was counted stands any more. The ratio stays. */
  restarted(): void {
    this.counted = undefined;
  }

  tokens(load: Load): number {
    const counted = this.counted ?? { weight: 0, pictures: 0, tokens: 0 };
    return Math.ceil(
      counted.tokens +
        this.uncounted(Math.max(0, load.weight - counted.weight)) +
        Math.max(0, load.pictures - counted.pictures) * PICTURE_TOKENS,
    );
  }

  /** Tokens of text that was not counted. */
  uncounted(weight: number): number {
    return weight * this.ratio * UNCOUNTED_MARGIN;
  }

  /** Tokens of a part of what was counted, at least: to take it off the whole. */
  countedPart(weight: number): number {
    return (weight * this.ratio) / UNCOUNTED_MARGIN;
  }

  /** The provider's tokens per weight, for a limit that is known in weight. */
  perWeight(): number {
    return this.ratio;
  }
}
