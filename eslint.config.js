// Lint rules. The house rule is the import order: a folder imports only what stands below it in LAYERS (CONTRIBUTING.md).
import { readdirSync } from 'node:fs';
import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Folders and files of src/, top to bottom. Those in one inner list stand side by side and do not import each other. */
const LAYERS = [
  ['main'],
  ['commands'],
  ['app'],
  ['admin'],
  ['imports'],
  ['projects'],
  ['accounts'],
  ['audit'],
  ['web'],
  ['services'],
  ['application-settings', 'announced-changes', 'mail'],
  ['keys', 'seal', 'log'],
  ['log-output'],
  ['bitbucket', 'git', 'db'],
  ['config'],
  ['errors-page'],
  ['errors'],
  ['error-kinds'],
];

/** These know nothing of Gatehouse: the Bitbucket side could be a package of its own, the sandbox is a far end. */
const STAND_ALONE = ['bitbucket', 'git', 'sandbox'];

const found = readdirSync('src').map((name) => name.replace(/\.ts$/, ''));
const unknown = found.filter((name) => !LAYERS.flat().includes(name) && name !== 'sandbox');
if (unknown.length > 0) throw new Error(`src/${unknown[0]} has no place in LAYERS of eslint.config.js`);

const importOrder = LAYERS.flatMap((names, level) =>
  names.map((name) => {
    const forbidden = [...LAYERS.slice(0, level).flat(), ...names.filter((other) => other !== name), 'sandbox'];
    // Only the commands may start the sandbox; production code does not know that it exists.
    const allowed = level === 1 ? forbidden.filter((other) => other !== 'sandbox') : forbidden;
    return {
      files: [`src/${name}.ts`, `src/${name}/**/*.ts`],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            patterns: [
              {
                regex: `^\\.\\.?/(\\.\\./)*(${allowed.join('|')})(/|\\.ts$)`,
                message: `${name} stands below: see LAYERS in eslint.config.js`,
              },
            ],
          },
        ],
      },
    };
  }),
);

const standAlone = {
  files: STAND_ALONE.map((name) => `src/${name}/**/*.ts`),
  rules: {
    'no-restricted-imports': [
      'error',
      { patterns: [{ regex: '^\\.\\./', message: 'This folder stands alone and imports nothing of Gatehouse' }] },
    ],
  },
};

export default tseslint.config(
  { ignores: ['dist', 'data', 'coverage', 'node_modules'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      complexity: ['error', 10],
      'max-params': ['error', 4],
      'no-console': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/require-await': 'off',
      // Services are closures and values, passed around and taken apart; none of them relies on `this`.
      '@typescript-eslint/unbound-method': 'off',
      // Node-style callbacks hand over errors of unknown type; they are passed on as they are.
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'no-restricted-syntax': [
        'error',
        // Of our files; main.ts stands on top of that order, and packages have no place in it.
        {
          selector: 'ImportExpression:not([source.value=/^[^.]/])',
          message: 'A dynamic import would get around the import order',
        },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only src/config reads the environment; main.ts hands it over' },
      ],
    },
  },
  { files: ['src/config/**/*.ts', 'src/main.ts'], rules: { 'no-restricted-properties': 'off' } },
  { files: ['src/main.ts'], rules: { 'no-restricted-syntax': 'off' } },
  ...importOrder,
  standAlone,
  {
    files: ['**/*.js'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', document: 'readonly', window: 'readonly', URL: 'readonly' },
    },
  },
);
