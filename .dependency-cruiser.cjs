// The import table of docs/architecture.md, "Folders". A folder that is not listed may import nothing of ours.
const may = {
  kube: [],
  store: [],
  operator: ['kube'],
  api: ['kube', 'store'],
  agent: ['kube'],
  standalone: ['kube', 'store', 'operator', 'api', 'agent'],
  scripts: ['kube', 'api', 'agent', 'images'],
  images: [],
};
const folders = [...Object.keys(may), 'bench', 'test'];

// Suites that several implementations share, and what tests need, stand beside the code in folders of these names.
const test = '\\.test\\.ts$|/(conformance|testing)/';

const tableRules = Object.entries(may).map(([folder, allowed]) => ({
  name: `imports-of-${folder}`,
  severity: 'error',
  comment: `${folder}/ may import ${allowed.length === 0 ? 'nothing of ours' : allowed.join(', ')} only.`,
  from: { path: `^${folder}/`, pathNot: test },
  to: { path: `^(${folders.filter((name) => name !== folder && !allowed.includes(name)).join('|')})/` },
}));

const testRules = Object.entries(may).map(([folder, allowed]) => ({
  name: `imports-of-${folder}-tests`,
  severity: 'error',
  comment: `Tests in ${folder}/ may import test/ beside what ${folder}/ may.`,
  from: { path: `^${folder}/.*(${test})` },
  to: {
    path: `^(${folders.filter((name) => name !== folder && name !== 'test' && !allowed.includes(name)).join('|')})/`,
  },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...tableRules,
    ...testRules,
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'Cycles of types alone do nothing at run time.',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-import-of-tests',
      severity: 'error',
      comment: 'What several tests need stands in a file of its own.',
      from: {},
      to: { path: '\\.test\\.ts$' },
    },
    {
      name: 'no-dev-dependencies-in-programs',
      severity: 'error',
      from: {
        path: `^(${['kube', 'store', 'operator', 'api', 'agent', 'standalone'].join('|')})/`,
        pathNot: test,
      },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: 'node_modules/@types/' },
    },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: ['(^|/)\\.[^/]+$', '\\.d\\.ts$', '^[^/]+\\.config\\.[jt]s$'] },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage|\\.tiangong)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] },
  },
};
