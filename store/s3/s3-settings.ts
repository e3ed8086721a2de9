/**
 * Where an object store is. Credentials come from the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
 * `AWS_SESSION_TOKEN`) or the files that AWS's own tools read, never from here.
 */
export interface S3Settings {
  readonly bucket: string;
  /** Put before every key, such as `tiangong/files/`. Two stores must not have the same bucket and prefix. */
  readonly prefix: string;
  readonly region: string;
  /** The address of a server other than AWS's. */
  readonly endpoint: string | undefined;
  /** Whether the bucket stands in the path of an address instead of its host name. */
  readonly pathStyle: boolean;
}
