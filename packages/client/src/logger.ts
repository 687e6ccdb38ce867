/** Where the library reports what it cannot return: pass `console`, a pino or winston logger, or your own. */
export interface Logger {
  debug(message: string, context?: Readonly<Record<string, unknown>>): void;
  info(message: string, context?: Readonly<Record<string, unknown>>): void;
  warn(message: string, context?: Readonly<Record<string, unknown>>): void;
  error(message: string, context?: Readonly<Record<string, unknown>>): void;
}

const ignore = (): void => undefined;

/** The default: warnings and errors go to the console, the rest is dropped. */
export const consoleLogger: Logger = {
  debug: ignore,
  info: ignore,
  warn: (message) => console.warn(`[ktables] ${message}`),
  error: (message) => console.error(`[ktables] ${message}`),
};

/** Drops everything. */
export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
