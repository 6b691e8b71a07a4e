'use strict';
// examples/quickstart/python with the real SDK: its trace is found.

const { execFileSync } = require('node:child_process');
const path = require('node:path');
const quickstart = require('./quickstart.js');

const venv = path.join(process.env.INTEROP_WORK, 'venv');
const app = path.join(quickstart.folder, 'python');
try {
  execFileSync('python3', ['-m', 'venv', venv]);
} catch (e) {
  console.log('skipped: python3 and its venv module are not installed');
  process.exit(77);
}
execFileSync(path.join(venv, 'bin/pip'), ['install', '--quiet', '-r', path.join(app, 'requirements.txt')], { stdio: 'inherit' });

quickstart.test('python', (endpoint) => ({
  command: [path.join(venv, 'bin/python'), path.join(app, 'app.py')],
  endpoint: endpoint.http,
}));
