import { createHash } from 'node:crypto';
import express, { Router } from 'express';
import type { Request } from 'express';
import type { Logger } from 'pino';
import type { KubeClient } from '../../kube/client.ts';
import { indexLogChunk } from '../../store/log-chunk.ts';
import type { Store } from '../../store/store.ts';
import { STREAM_NAMES } from '../../store/task-streams.ts';
import type { StreamId } from '../../store/task-streams.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import { ApiError } from '../errors.ts';
import { methodNotAllowed } from '../method-not-allowed.ts';
import { sendJson, write } from '../send.ts';
import { blobOwner } from '../tasks/command-blob.ts';
import type { TaskReader } from '../tasks/task-reader.ts';
import type { AgentUsers } from './agent-identity.ts';
import { assignedTask, authenticate, callerOf } from './assigned-task.ts';
import { readCredential } from './read-credential.ts';
import { readSyncCredential } from './read-sync-credential.ts';
import { parseSyncLogs } from './take-sync-logs.ts';
import { sendTaskFile } from './send-task-file.ts';

export interface InternalRoutesParts {
  readonly client: KubeClient;
  readonly store: Store;
  readonly reader: TaskReader;
  readonly authenticator: Authenticator;
  readonly agentUsers: AgentUsers;
  readonly logger: Logger;
}

const MAX_CHUNK_BYTES = 1024 * 1024;

/** Of 500 lines of 4,096 characters, most of them short. */
const MAX_SYNC_LOG_BYTES = 16 * 1024 * 1024;

/** What agents ask the API for, under `/internal`: their tasks' long commands, credentials and files, and a place for output. */
export function internalRoutes(parts: InternalRoutesParts): Router {
  const { store } = parts;
  const router = Router();
  router.use(authenticate(parts.authenticator, parts.agentUsers));

  router
    .route('/tasks/:uid/command')
    .get(async (req, res) => {
      const { spec, metadata } = await assignedTask(parts.reader, req);
      const id = spec.commandFrom?.blob.id;
      const blob = id === undefined ? undefined : await store.blobs.stat(id);
      // Whoever can create tasks may name any blob: only the task's own is served.
      if (blob?.owner !== blobOwner({ namespace: metadata.namespace ?? '', name: metadata.name }))
        throw new ApiError('BlobNotFound');
      res.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': blob.bytes });
      for await (const part of store.blobs.read(blob.id)) await write(res, part);
      res.end();
    })
    .all(methodNotAllowed('GET'));

  router
    .route('/tasks/:uid/secret')
    .get(async (req, res) => {
      const task = await assignedTask(parts.reader, req);
      const { ref, epoch } = req.query;
      const caller = callerOf(res);
      const asked = { ref: textOf(ref), caller, epoch: epoch === undefined ? undefined : integer(epoch) };
      const credential = await readCredential(parts.client, task, asked);
      parts.logger.info({ task: task.metadata.uid, secret: ref, user: caller.user }, 'credential read');
      res.setHeader('Cache-Control', 'no-store');
      sendJson(res, 200, credential);
    })
    .all(methodNotAllowed('GET'));

  router
    .route('/sync-logs')
    .put(express.json({ type: () => true, limit: MAX_SYNC_LOG_BYTES }), async (req, res) => {
      const { sender, lines } = parseSyncLogs(req.body, callerOf(res).user);
      await store.syncLogs.append(sender, lines);
      sendJson(res, 200, {});
    })
    .all(methodNotAllowed('PUT'));

  router
    .route('/syncs/:uid/secret')
    .get(async (req, res) => {
      const { namespace, name, ref, epoch } = req.query;
      const [uid, secret] = [req.params.uid, textOf(ref)];
      const caller = callerOf(res);
      const which = { uid, namespace: textOf(namespace), name: textOf(name), ref: secret };
      const asked = { ...which, epoch: epoch === undefined ? undefined : integer(epoch) };
      const credential = await readSyncCredential(parts.client, caller, asked);
      parts.logger.info({ sync: uid, secret, user: caller.user }, 'credential read');
      res.setHeader('Cache-Control', 'no-store');
      sendJson(res, 200, credential);
    })
    .all(methodNotAllowed('GET'));

  router
    .route('/tasks/:uid/file')
    .get((req, res) => sendTaskFile(req, res, parts.reader, store.files))
    .all(methodNotAllowed('GET'));

  router
    .route('/tasks/:uid/:epoch/:stream')
    .get(async (req, res) => {
      const { next, complete, bytes } = await store.streams.state(await assignedStream(parts, req));
      sendJson(res, 200, { next, complete, bytes });
    })
    .all(methodNotAllowed('GET'));

  router
    .route('/tasks/:uid/:epoch/:stream/:n')
    .put(express.raw({ type: () => true, limit: MAX_CHUNK_BYTES, inflate: false }), async (req, res) => {
      const id = await assignedStream(parts, req);
      const n = integer(req.params['n']);
      // No body at all is parsed to nothing: the final chunk of an empty stream.
      const bytes = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
      if (createHash('sha256').update(bytes).digest('hex') !== req.get('X-Content-SHA256'))
        throw new ApiError('ChunkCorrupt');
      const final = req.get('X-Final') === 'true';
      const lines = id.name === 'log' ? indexLogChunk(bytes) : undefined;
      const { next } = await store.streams.append(id, n, { bytes, final, lines });
      sendJson(res, 200, { next });
    })
    .all(methodNotAllowed('PUT'));
  return router;
}

async function assignedStream(parts: InternalRoutesParts, req: Request): Promise<StreamId> {
  const name = STREAM_NAMES.find((known) => known === req.params['stream']);
  if (name === undefined) throw new ApiError('RouteNotFound');
  const epoch = integer(req.params['epoch']);
  const { metadata } = await assignedTask(parts.reader, req, epoch);
  return { uid: metadata.uid ?? '', epoch, name };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

function integer(text: unknown): number {
  const value = typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(value)) throw new ApiError('RouteNotFound');
  return value;
}
