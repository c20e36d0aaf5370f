/** Wait between two questions, ms. */
const PAUSE_MS = 50;
/** How long one answer may take, ms: longer than a server waits for a connection to its database. */
const ANSWER_MS_MAX = 20_000;
/** What nginx says itself when no server is there. */
const FROM_NGINX: ReadonlySet<number> = new Set([502, 504]);

/** Asks through the balancer without a pause what needs the database, and notes the answers. */
export class AnswerProbe {
  readonly statuses = new Map<number, number>();
  readonly wrong: string[] = [];
  private readonly loop: Promise<void>;
  private readonly ending = new AbortController();

  constructor(
    private readonly url: string,
    private readonly token: string,
  ) {
    this.loop = this.ask();
  }

  async end(): Promise<void> {
    this.ending.abort();
    await this.loop;
  }

  count(status: number): number {
    return this.statuses.get(status) ?? 0;
  }

  private async ask(): Promise<void> {
    while (!this.ending.signal.aborted) {
      const response = await fetch(this.url, {
        headers: { authorization: `Bearer ${this.token}` },
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
      }).catch((error: Error) => error);
      if (response instanceof Error) this.wrong.push(`no answer: ${response.message}`);
      else await this.note(response);
      await Bun.sleep(PAUSE_MS);
    }
  }

  private async note(response: Response): Promise<void> {
    const { status } = response;
    const text = await response.text();
    this.statuses.set(status, this.count(status) + 1);
    if (status === 200 || FROM_NGINX.has(status)) return;
    if (status !== 503) this.wrong.push(`${status}: ${text.slice(0, 200)}`);
    else if (response.headers.get("retry-after") === null) this.wrong.push("503 without Retry-After");
  }
}
