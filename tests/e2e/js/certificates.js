'use strict';
// Certificates for a story, made by openssl: an authority, a server's for localhost and a client's
// signed by it, and a stranger's signed by another authority.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });

function authority(dir, name) {
  const cert = path.join(dir, `${name}.pem`);
  const key = path.join(dir, `${name}-key.pem`);
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', `/CN=${name}`, '-keyout', key, '-out', cert);
  return { cert, key };
}

function signed(dir, name, by) {
  const [cert, key, request, extensions] = ['.pem', '-key.pem', '.csr', '.ext'].map((s) => path.join(dir, name + s));
  fs.writeFileSync(extensions, 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n');
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`,
    '-keyout', key, '-out', request);
  openssl('x509', '-req', '-in', request, '-CA', by.cert, '-CAkey', by.key, '-CAcreateserial', '-days', '2',
    '-extfile', extensions, '-out', cert);
  return { cert, key };
}

function make(dir) {
  const ca = authority(dir, 'ca');
  const other = authority(dir, 'other-ca');
  return {
    ca: ca.cert,
    server: signed(dir, 'server', ca),
    client: signed(dir, 'client', ca),
    stranger: { ...signed(dir, 'stranger', other), ca: other.cert },
  };
}

module.exports = { make };
