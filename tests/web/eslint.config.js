// Lints the admin page and keeps its layers: lib below ui below features, features separate from each other, no cycles.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import js from '@eslint/js';
import importX from 'eslint-plugin-import-x';
import globals from 'globals';

const assets = resolve(import.meta.dirname, '../../assets');
const admin = resolve(assets, 'admin');
const features = ['account', 'audit', 'auth', 'inbox', 'lead', 'setup', 'stats', 'status'];

/** Maps the page's absolute imports to files, as the server does. */
const serverPaths = {
  interfaceVersion: 3,
  name: 'server-paths',
  resolve(source) {
    const name = source.replace(/^\/admin\/assets\//, '');
    const path = resolve(name.startsWith('vendor/') ? assets : admin, name);
    return name !== source && existsSync(path) ? { found: true, path } : { found: false };
  },
};

/** Files in `target` must not import from `from`, except from the folder `except` in it. */
const zone = (target, from, except = []) => ({ target: resolve(admin, target), from: resolve(admin, from), except });

export default [
  js.configs.recommended,
  {
    files: ['**/*.js'],
    plugins: { 'import-x': importX },
    languageOptions: { globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    settings: { 'import-x/resolver-next': [serverPaths] },
    rules: {
      'import-x/named': 'error',
      'import-x/default': 'error',
      'import-x/no-cycle': 'error',
      'import-x/no-duplicates': 'error',
      'import-x/no-restricted-paths': [
        'error',
        {
          zones: [
            zone('lib', 'ui'),
            zone('lib', 'features'),
            zone('ui', 'features'),
            ...['lib', 'ui', 'features'].map((layer) => zone(layer, 'app.js')),
            ...features.map((feature) => zone(`features/${feature}`, 'features', [`./${feature}`])),
          ],
        },
      ],
      'import-x/no-self-import': 'error',
      'import-x/no-unresolved': 'error',
      eqeqeq: 'error',
      // French puts non-breaking spaces before its punctuation.
      'no-irregular-whitespace': ['error', { skipTemplates: true }],
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
];
