import { type Load, TokenEstimate } from "./token-estimate.ts";

/** The provider's figure for a request that held so many entries. */
interface Figure {
  tokens: number;
  entries: number;
}

interface Measured extends Load {
  readonly bytes: number;
}

/**
 * How much is in the conversation. Bytes are known at once; weights, and with them tokens, are found when they are first asked
 * for, as most runs never come near their window: until then entries and figures wait in their order.
 */
export class ContextMeter {
  bytes = 0;
  /** Of these, of messages with pictures. */
  pictureBytes = 0;
  private waiting: (Load | Figure)[];
  private readonly load: Load = { weight: 0, pictures: 0 };
  private readonly estimate = new TokenEstimate();
  private countedEntries = 0;

  /** @param fixed what is in every request beside the entries */
  constructor(fixed: Measured) {
    this.bytes = fixed.bytes;
    this.waiting = [fixed];
  }

  add(entry: Measured): void {
    this.waiting.push(entry);
    this.addBytes(entry, 1);
  }

  /** Takes the provider's figure for a request with the first `entries`, which are all there are. */
  learn(tokens: number, entries: number): void {
    this.waiting.push({ tokens, entries });
  }

  replace(index: number, old: Measured, entry: Measured): void {
    this.settle();
    if (this.isCounted(index))
      this.estimate.removed({ weight: old.weight - entry.weight, pictures: old.pictures - entry.pictures });
    this.take(old, -1);
    this.addBytes(old, -1);
    this.take(entry, 1);
    this.addBytes(entry, 1);
  }

  /** These are gone, and nothing the provider counted stands any more. */
  restart(gone: readonly Measured[]): void {
    this.settle();
    for (const entry of gone) {
      this.take(entry, -1);
      this.addBytes(entry, -1);
    }
    this.countedEntries = 0;
    this.estimate.restarted();
  }

  isCounted(index: number): boolean {
    this.settle();
    return index < this.countedEntries;
  }

  /** Tokens of all of it, estimated. */
  tokens(): number {
    this.settle();
    return this.estimate.tokens(this.load);
  }

  /** Tokens of text that was not counted. */
  uncounted(weight: number): number {
    this.settle();
    return this.estimate.uncounted(weight);
  }

  /** Tokens of a part of what was counted, at least. */
  countedPart(weight: number): number {
    this.settle();
    return this.estimate.countedPart(weight);
  }

  perWeight(): number {
    this.settle();
    return this.estimate.perWeight();
  }

  /** What is text, and pictures beside it. */
  total(): Readonly<Load> {
    this.settle();
    return this.load;
  }

  private settle(): void {
    if (this.waiting.length === 0) return;
    const waiting = this.waiting;
    this.waiting = [];
    for (const item of waiting) {
      if ("weight" in item) this.take(item, 1);
      else {
        this.estimate.learn(item.tokens, this.load);
        this.countedEntries = item.entries;
      }
    }
  }

  private take({ weight, pictures }: Load, sign: 1 | -1): void {
    this.load.weight += sign * weight;
    this.load.pictures += sign * pictures;
  }

  private addBytes({ bytes, pictures }: Measured, sign: 1 | -1): void {
    this.bytes += sign * bytes;
    if (pictures > 0) this.pictureBytes += sign * bytes;
  }
}
