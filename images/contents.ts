/**
 * What the container images hold. The build without Docker and the Dockerfile both take their layers from here; what a
 * Dockerfile must repeat (users, entry points, variables) is compared by a test.
 */

/** Of the image tiangong-agent-tools; read by build-tools.sh as well. */
export const KUBECTL_VERSION = '1.36.3';
/** Of the image tiangong-agent-tools; read by build-tools.sh as well. */
export const HELM_VERSION = '4.3.1';

/** The user and the group that the programs run as: `nonroot` by the custom of images without a distribution. */
export const USER_ID = 65_532;

/** A package of the Debian release that the build runs on. */
export interface DebianPackage {
  readonly name: string;
  /** Its files that are kept, and folders (which end in a slash); all but documentation unless given. */
  readonly keep?: readonly string[];
}

export interface Program {
  /** Folders of compiled code; those that the import table lets the program use. */
  readonly folders: readonly string[];
}

/** One layer: a folder tree that images share. */
export interface Layer {
  readonly packages?: readonly DebianPackage[];
  /** The Node.js that runs the build, at /usr/local/bin/node. */
  readonly node?: true;
  /** /etc/passwd and its like, and the folders that every container needs. */
  readonly accounts?: true;
  /** Compiled code and the npm packages that it imports, at /app. */
  readonly program?: Program;
  /** Applets of busybox as links in /bin. */
  readonly busybox?: true;
  /** kubectl and helm at /usr/local/bin. */
  readonly tools?: true;
  /** Empty folders where volumes are mounted. */
  readonly mountPoints?: readonly string[];
}

export interface Image {
  readonly name: string;
  readonly description: string;
  /** From the lowest up; names of `LAYERS`. */
  readonly layers: readonly (keyof typeof LAYERS)[];
  readonly entrypoint: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export const LAYERS = {
  base: {
    packages: [
      { name: 'libc6', keep: ['lib/', 'lib64/'] },
      { name: 'libgcc-s1' },
      { name: 'libstdc++6', keep: ['usr/lib/'] },
      { name: 'ca-certificates', keep: ['usr/share/ca-certificates/'] },
      { name: 'base-files', keep: ['usr/lib/os-release', 'etc/debian_version'] },
    ],
    node: true,
    accounts: true,
  },
  shell: {
    packages: [
      { name: 'busybox-static', keep: ['bin/'] },
      { name: 'tini', keep: ['usr/bin/tini'] },
      { name: 'tzdata' },
    ],
    busybox: true,
  },
  api: { program: { folders: ['api', 'kube', 'store'] }, mountPoints: ['/var/lib/tiangong'] },
  operator: { program: { folders: ['operator', 'kube'] } },
  agent: { program: { folders: ['agent', 'kube'] }, mountPoints: ['/var/lib/tiangong-agent'] },
  tools: { tools: true },
} as const satisfies Record<string, Layer>;

const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', NODE_ENV: 'production' };
// Shell tasks leave processes behind, which nobody but process 1 (or, on the host, a subreaper) can wait for.
const agentEntrypoint = ['tini', '-s', '--', 'node', '/app/agent/main.js'];

export const IMAGES: readonly Image[] = [
  {
    name: 'tiangong-api',
    description: "Tiangong's REST API",
    layers: ['base', 'api'],
    entrypoint: ['node', '/app/api/main.js'],
    env: { ...env, TIANGONG_DATA: '/var/lib/tiangong' },
  },
  {
    name: 'tiangong-operator',
    description: "Tiangong's operator",
    layers: ['base', 'operator'],
    entrypoint: ['node', '/app/operator/main.js'],
    env,
  },
  {
    name: 'tiangong-agent',
    description: "Tiangong's agent",
    layers: ['base', 'shell', 'agent'],
    entrypoint: agentEntrypoint,
    env,
  },
  {
    name: 'tiangong-agent-tools',
    description: "Tiangong's agent with kubectl and helm",
    layers: ['base', 'shell', 'agent', 'tools'],
    entrypoint: agentEntrypoint,
    env,
  },
];
