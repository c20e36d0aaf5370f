/** What the program gives to its operations. */
export interface TriageContext {
  /** PATH of the git processes. */
  path: string;
  /** Where the token file is put for as long as it is needed. */
  tempRoot: string;
  /** Ends all git work. */
  signal: AbortSignal;
  /** One line for a person watching. */
  progress(line: string): void;
}
