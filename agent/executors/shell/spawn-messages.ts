/** What the agent asks its spawner process to start. */
export interface SpawnRequest {
  readonly id: number;
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** What the program reads; nothing unless set. */
  readonly stdin?: string;
  /** Where the program's outputs are to be connected to; each connection begins with a line that names it. */
  readonly socket: string;
  readonly stdoutToken: string;
  readonly stderrToken: string;
}

/** What the spawner process tells of a request: its pid or why there is none, then its end. */
export type SpawnEvent =
  | { readonly id: number; readonly pid: number }
  | { readonly id: number; readonly error: string }
  | { readonly id: number; readonly code: number | null; readonly signal: NodeJS.Signals | null };
