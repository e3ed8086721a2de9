/** Why `tiangong up` cannot start, for the person at the terminal: what is wrong and what to do. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** Turns the failure to listen on a port into words; anything else is returned as it is. */
export function explainListen(err: unknown, what: string, port: number, setting: string): unknown {
  const code = (err as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE') {
    return new StartError(
      `port ${port} for the ${what} is in use; end what uses it or choose another with ${setting}`,
      {
        cause: err,
      },
    );
  }
  if (code === 'EACCES') {
    return new StartError(`port ${port} for the ${what} may not be used by this user; choose another with ${setting}`, {
      cause: err,
    });
  }
  return err;
}
