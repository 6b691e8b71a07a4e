'use strict';
// examples/quickstart/go with the real SDK: its trace is found.

const { execFileSync } = require('node:child_process');
const path = require('node:path');
const quickstart = require('./quickstart.js');

const program = path.join(process.env.INTEROP_WORK, 'quickstart');
try {
  execFileSync('go', ['version']);
} catch (e) {
  console.log('skipped: go is not installed');
  process.exit(77);
}
execFileSync('go', ['build', '-o', program, '.'], { cwd: path.join(quickstart.folder, 'go'), stdio: 'inherit' });

quickstart.test('go', (endpoint) => ({ command: [program], endpoint: endpoint.grpc }));
