/** The part of a pino logger that is used here. */
export interface Log {
  /** Lets those who log often not even gather what nobody writes. */
  isLevelEnabled?(level: "debug"): boolean;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
