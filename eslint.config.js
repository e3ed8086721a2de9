import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  { ignores: ['node_modules/', 'dist/', 'coverage/', '.tiangong/', 'kube/types/', 'test/kubernetes/bin/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      eqeqeq: 'error',
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'no-console': 'error',
      'no-constant-binary-expression': 'error',
      'no-else-return': ['error', { allowElseIf: false }],
      'no-empty': ['error', { allowEmptyCatch: false }],
      'no-fallthrough': 'error',
      'no-param-reassign': 'error',
      'no-template-curly-in-string': 'error',
      // `for (const _ in object) return false` asks whether an object is empty without listing it.
      'no-unreachable-loop': ['error', { ignore: ['ForInStatement'] }],
      'no-useless-rename': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Export by name.' },
        { selector: 'ExportAllDeclaration', message: 'No barrel files: import from where it is defined.' },
      ],

      // Rules of the preset that are off, each for its reason.
      // The compiler asks for brackets there (index signatures may be missing), which this rule would take away.
      '@typescript-eslint/dot-notation': 'off',
      // Numbers in templates are how messages are written; anything else stays refused.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `return send(404)` and `return await this.#settle()` end a function with its last call; the compiler sees misuse.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Objects from a server may lack what their type promises: the checks that this calls needless are wanted there.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // Interfaces ask for promises also where an implementation has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // `<T>(path) => Promise<T>` says what the caller expects of an answer; the alternative is a cast at every call.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // Signals and events name their handlers' arguments; a leading underscore says that one is not used.
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' },
      ],
      // It refuses `Promise.withResolvers<void>()`, which has no other spelling.
      '@typescript-eslint/no-invalid-void-type': 'off',
      // A cast that a discriminant has settled is no assignment of something unknown.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // Objects of a Kubernetes API are maps from JSON; pruning takes keys out of them.
      '@typescript-eslint/no-dynamic-delete': 'off',
      // `.catch(() => {})` says that a failure is of no interest here.
      '@typescript-eslint/no-empty-function': ['error', { allow: ['arrowFunctions'] }],
    },
  },
  {
    files: ['**/*.test.ts', 'test/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 500, skipBlankLines: true, skipComments: true }],
      // Tests look into answers whose shape is what they test.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      // Shell commands have their own use of it.
      'no-template-curly-in-string': 'off',
    },
  },
  {
    files: ['scripts/**/*.ts', 'bench/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    // What vitest reads is a default export.
    files: ['**/vitest.config.ts', 'test/{kubernetes,services,e2e}/global-setup.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
);
