import { TaskFailure } from '../task-failure.ts';

/** Why a file cannot be used: one CamelCase word, the reason of the task that fails for it. */
export type FileReason =
  /** No place that was looked at has it. */
  | 'FileNotFound'
  /** It is there, but is not what it should be: damaged, no text, no archive. */
  | 'FileInvalid'
  /** Its bytes are not those that the API has a digest of. */
  | 'FileCorrupt'
  /** It, or what is packed in it, is larger than the agent takes. */
  | 'FileTooLarge'
  /** The agent's settings do not let tasks use it. */
  | 'FileDenied'
  /** Somebody has to be asked for it who does not answer, or the agent's disk is full. */
  | 'FileUnavailable';

/** A task's file cannot be had. The message is meant for the task's author. */
export class FileUnavailable extends TaskFailure {
  override readonly name = 'FileUnavailable';
  declare readonly reason: FileReason;

  constructor(reason: FileReason, message: string, options: ErrorOptions = {}) {
    super(reason, message, options);
  }
}
