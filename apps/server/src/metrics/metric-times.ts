import { type Labels, labelText, titleLines } from "./metric-values.ts";

interface Counts {
  labels: string;
  /** Per bound, and those above all of them at the end. */
  buckets: number[];
  sum: number;
  count: number;
}

/**
 * A histogram of times in the text format of Prometheus. It is told of each answer of the server, so labels are looked up by
 * one short text and written once.
 */
export class MetricTimes {
  private readonly counts = new Map<string, Counts>();

  /** @param bounds of the buckets, s, the least first */
  constructor(
    private readonly name: string,
    private readonly help: string,
    private readonly bounds: readonly number[],
  ) {}

  /**
   * @param key one for each set of labels
   * @param labels asked for once a key
   */
  count(key: string, labels: () => Labels, seconds: number): void {
    const counts = this.counts.get(key) ?? this.add(key, labels());
    let at = 0;
    while (seconds > (this.bounds[at] ?? Number.POSITIVE_INFINITY)) at++;
    counts.buckets[at] = (counts.buckets[at] ?? 0) + 1;
    counts.sum += seconds;
    counts.count++;
  }

  lines(): string[] {
    const lines = [...this.counts.values()].flatMap((counts) => this.linesOf(counts));
    return [...titleLines(this.name, this.help, "histogram"), ...lines];
  }

  private add(key: string, labels: Labels): Counts {
    const buckets = Array<number>(this.bounds.length + 1).fill(0);
    const counts = { labels: labelText(labels), buckets, sum: 0, count: 0 };
    this.counts.set(key, counts);
    return counts;
  }

  private linesOf({ labels, buckets, sum, count }: Counts): string[] {
    let below = 0;
    const lines = buckets.map((bucket, at) => {
      below += bucket;
      const bound = `le="${this.bounds[at] ?? "+Inf"}"`;
      return `${this.name}_bucket{${labels === "" ? bound : `${bound},${labels}`}} ${below}`;
    });
    const braced = labels && `{${labels}}`;
    return [...lines, `${this.name}_sum${braced} ${sum}`, `${this.name}_count${braced} ${count}`];
  }
}
