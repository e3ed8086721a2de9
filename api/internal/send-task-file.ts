import type { Request, Response } from 'express';
import type { Files } from '../../store/files.ts';
import { ApiError } from '../errors.ts';
import { sendFile } from '../files/send-file.ts';
import type { TaskReader } from '../tasks/task-reader.ts';
import { assignedTask } from './assigned-task.ts';

/** The uploaded file that the caller's task names, and no other. */
export async function sendTaskFile(req: Request, res: Response, reader: TaskReader, files: Files): Promise<void> {
  const { spec } = await assignedTask(reader, req);
  const id = spec.fileId ?? '';
  const record = await files.get(id);
  if (record === undefined) throw new ApiError('FileNotFound', `file not found: ${id}`);
  res.setHeader('Content-Type', 'application/octet-stream');
  res.setHeader('X-File-Name', encodeURIComponent(record.name));
  await sendFile(req, res, files, record);
}
