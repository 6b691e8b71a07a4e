'use strict';
// Starts the real binary, and tells a story's test what became of it.
//
//   const t = await tailspan.start(config)      a JavaScript object; JSON is YAML
//   …
//   await t.stop()                              SIGTERM; must end well, and without a complaint of a sanitizer
//
// Each process has a directory of its own under the system's temporary one, and ports that were free
// a moment ago.

const { spawn, spawnSync } = require('node:child_process');
const { after } = require('node:test');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const assert = require('node:assert/strict');
const client = require('./client.js');

const repository = path.resolve(__dirname, '../../..');
const binary = process.env.TAILSPAN || path.join(repository, 'build/release/tailspan');

// Under a sanitizer memory figures say nothing about the product.
const sanitized = process.env.TAILSPAN_SANITIZED === '1';

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
// A story that failed leaves sockets open; they must not keep the process from telling so.
after(() => setTimeout(() => process.exit(), 3000).unref());

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Asks `question` until its answer is truthy. The limit is there to end a test that has failed, and
// is generous because a sanitizer's build on a busy machine is slow.
async function until(what, question, limitMs = 60000) {
  const end = Date.now() + limitMs;
  let last;
  do {
    try {
      const answer = await question();
      if (answer) return answer;
      last = undefined;
    } catch (e) {
      last = e;
    }
    await sleep(20);
  } while (Date.now() < end);
  throw new Error(`waited ${limitMs / 1000} s for ${what}${last ? `; last: ${last.message}` : ''}`);
}

// False when somebody else does.
const listens = (server, port, host) =>
  new Promise((resolve, reject) => {
    server.on('error', (e) => (e.code === 'EADDRINUSE' ? resolve(false) : reject(e)));
    server.listen(port, host, () => resolve(true));
  });

async function isFree(port, host) {
  const server = net.createServer();
  const free = await listens(server, port, host);
  if (free) await new Promise((resolve) => server.close(resolve));
  return free;
}

// Below the range that the kernel gives to clients, so that nobody takes one by chance before the binary
// does; and never the same one twice. Each process has a slice of its own: it listens on the slice's first
// port as long as it runs.
const FIRST = 10000;
const SLICE = 200;
const SLICES = 110;
async function* slices() {
  for (;;) {
    const first = FIRST + SLICE * Math.floor(Math.random() * SLICES);
    const own = await listens(net.createServer().unref(), first, '127.0.0.1');
    for (let port = first + 1; own && port < first + SLICE; port++) yield port;
  }
}
const ownPorts = slices();
async function freePort(host = '127.0.0.1') {
  for (;;) {
    const { value: port } = await ownPorts.next();
    if (await isFree(port, host)) return port;
  }
}

async function freePorts(...names) {
  const ports = {};
  for (const name of names) ports[name] = await freePort();
  return ports;
}

const directories = [];
function directory() {
  const d = fs.mkdtempSync(path.join(os.tmpdir(), 'tailspan-e2e-'));
  directories.push(d);
  return d;
}
process.on('exit', () => directories.forEach((d) => fs.rmSync(d, { recursive: true, force: true })));

// Runs a command to its end: `tailspan(['--version'])`.
function run(args, { env = {}, cwd } = {}) {
  const r = spawnSync(binary, args, { encoding: 'utf8', env: { ...process.env, ...env }, cwd, timeout: 60000 });
  if (r.error) throw r.error;
  return r;
}

// What every story's configuration needs beside its own: health and telemetry on free ports.
function complete(config, ports) {
  const service = config.service || {};
  return {
    ...config,
    extensions: { health_check: { endpoint: `127.0.0.1:${ports.health}` }, ...config.extensions },
    service: {
      ...service,
      extensions: ['health_check', ...(service.extensions || [])],
      telemetry: {
        metrics: {
          readers: [{ pull: { exporter: { prometheus: { host: '127.0.0.1', port: ports.telemetry } } } }],
        },
        ...service.telemetry,
      },
    },
  };
}

class Tailspan {
  constructor(ports, dir, child, readyPath) {
    this.ports = ports;
    this.readyPath = readyPath;
    this.directory = dir;
    this.child = child;
    this.stderr = '';
    this.stdout = '';
    this.exit = new Promise((resolve) => {
      child.on('close', (code, signal) => {
        running.delete(child);
        this.exited = { code, signal };
        resolve(this.exited);
      });
    });
    child.stderr.setEncoding('utf8').on('data', (s) => (this.stderr += s));
    child.stdout.setEncoding('utf8').on('data', (s) => (this.stdout += s));
  }

  // The log, line by line; what is not JSON is left out.
  get log() {
    return this.stderr.split('\n').flatMap((line) => {
      try {
        return [JSON.parse(line)];
      } catch {
        return [];
      }
    });
  }

  async ready() {
    await until('readiness', async () => {
      if (this.exited) return true;
      return (await client.get(this.ports.health, this.readyPath)).status === 200;
    });
    if (this.exited) throw new Error(`tailspan ended with ${JSON.stringify(this.exited)}:\n${this.stderr}`);
  }

  // One figure of /metrics, summed over the series whose labels match; 0 when there is none.
  async metric(name, labels = {}) {
    const { body } = await client.get(this.ports.telemetry, '/metrics');
    let sum = 0;
    for (const line of body.toString().split('\n')) {
      const m = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
      if (!m || m[1] !== name) continue;
      const has = Object.fromEntries([...(m[2] || '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map((x) => [x[1], x[2]]));
      if (Object.entries(labels).every(([k, v]) => has[k] === v)) sum += Number(m[3]);
    }
    return sum;
  }

  // Bytes, from the kernel: 'VmRSS' now, 'VmHWM' at its highest.
  memory(what = 'VmRSS') {
    const status = fs.readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(new RegExp(`${what}:\\s+(\\d+)`).exec(status)[1]) * 1024;
  }

  signal(name) {
    this.child.kill(name);
  }

  async stop() {
    this.signal('SIGTERM');
    await this.ended();
  }

  // A second signal would end it at once, so a story that has sent one waits with this.
  async ended() {
    const late = setTimeout(() => this.signal('SIGKILL'), 90000);
    const { code, signal } = await this.exit;
    clearTimeout(late);
    assert.equal(code, 0, `ended with ${code}, signal ${signal}:\n${this.stderr}`);
    assert.doesNotMatch(this.stderr, /Sanitizer|runtime error:/);
  }

  async kill() {
    this.signal('SIGKILL');
    await this.exit;
  }
}

// `config`: an object, completed as above, or null when --config is among `args` or there is none.
// `program`: another program with the same command line, such as the Collector.
async function start(config, { args = [], env = {}, dir = directory(), ports, wait = true, program } = {}) {
  ports = { ...(await freePorts('health', 'telemetry')), ...ports };
  const argv = [...args];
  if (config) {
    const file = path.join(dir, 'config.yaml');
    fs.writeFileSync(file, JSON.stringify(complete(config, ports), null, 2));
    argv.push('--config', file);
  }
  if (!program) argv.push('--data-directory', path.join(dir, 'data'));
  const child = spawn(program || binary, argv, { env: { ...process.env, ...env }, cwd: dir });
  running.add(child);
  const t = new Tailspan(ports, dir, child, program ? '/' : '/health/ready');
  if (wait) await t.ready();
  return t;
}

module.exports = { start, run, until, sleep, isFree, freePort, freePorts, directory, complete, binary, repository, sanitized };
