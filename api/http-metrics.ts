import type { RequestHandler } from 'express';
import { Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import type { Store } from '../store/store.ts';
import type { ReviewObserver } from './auth/reviews.ts';

/** A read is under a millisecond, a create a few; a synchronous create waits for its task, up to five minutes. */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Measures every request by route, never by path: ids would make a series each. */
export function measureRequests(registry: Registry): RequestHandler {
  const duration = new Histogram({
    name: 'tiangong_api_request_duration_seconds',
    help: 'How long requests took until their answer was sent.',
    labelNames: ['method', 'route', 'status'],
    buckets: DURATION_BUCKETS,
    registers: [registry],
  });
  return (req, res, next) => {
    const startedAt = performance.now();
    res.once('finish', () => {
      const route = (req.route as { path?: string } | undefined)?.path;
      const labels = {
        method: req.method,
        route: route === undefined ? 'none' : req.baseUrl + route,
        status: String(res.statusCode),
      };
      duration.observe(labels, (performance.now() - startedAt) / 1000);
    });
    next();
  };
}

/** Measures what callers' tokens and rights cost. */
export function measureReviews(registry: Registry): ReviewObserver {
  const duration = new Histogram({
    name: 'tiangong_api_review_duration_seconds',
    help: 'How long the Kubernetes API took to say who a caller is (TokenReview) or may (SubjectAccessReview).',
    labelNames: ['kind', 'outcome'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  return (kind, outcome, seconds) => duration.observe({ kind, outcome }, seconds);
}

export function measureStore(registry: Registry, store: Store): void {
  new Gauge({
    name: 'tiangong_store_used_bytes',
    help: 'Bytes of logs, results, blobs and files in the store, without those in an object store.',
    registers: [registry],
    collect() {
      this.set(store.usage.usedBytes);
    },
  });
  new Gauge({
    name: 'tiangong_store_max_bytes',
    help: 'How many bytes the store may hold.',
    registers: [registry],
    collect() {
      this.set(store.usage.maxBytes);
    },
  });
  new Gauge({
    name: 'tiangong_files',
    help: 'How many uploaded files there are.',
    registers: [registry],
    collect() {
      this.set(store.files.totals().count);
    },
  });
  new Gauge({
    name: 'tiangong_files_bytes',
    help: 'Bytes of the uploaded files, wherever they are.',
    registers: [registry],
    collect() {
      this.set(store.files.totals().bytes);
    },
  });
}
