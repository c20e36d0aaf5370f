/** Where a job tells its operator what happens. Fields are for machines; an `error` keeps its cause here and nowhere else. */
export interface JobLog {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}
