'use strict';
// A client without manners: sends whatever bytes a story wants, over HTTP or gRPC, and returns what
// came back.

const http = require('node:http');
const https = require('node:https');
const grpc = require('@grpc/grpc-js');
const { Response, Status, RetryInfo } = require('./otlp.js');

function send(port, method, path, { host = '127.0.0.1', headers = {}, body, chunks, tls } = {}) {
  return new Promise((resolve, reject) => {
    const request = (tls ? https : http).request(
      { host, port, method, path, headers, agent: false, ...tls },
      (response) => {
        const parts = [];
        response.on('data', (d) => parts.push(d));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }),
        );
      },
    );
    request.on('error', reject);
    if (chunks) {
      // A server may answer and close before it has read everything; its answer is what counts.
      (async () => {
        for await (const c of chunks) {
          if (request.destroyed) return;
          if (!request.write(c)) await new Promise((r) => request.once('drain', r).once('close', r));
        }
        request.end();
      })().catch(reject);
    } else {
      request.end(body);
    }
  });
}

const get = (port, path, options) => send(port, 'GET', path, options);

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';

const post = (port, body, { type = PROTOBUF, path = '/v1/traces', headers = {}, ...rest } = {}) =>
  send(port, 'POST', path, { body, headers: { 'content-type': type, ...headers }, ...rest });

// The google.rpc.Status of an error's body, whatever its content type.
function statusOf(response) {
  if ((response.headers['content-type'] || '').startsWith(PROTOBUF)) return Status.decode(response.body);
  return JSON.parse(response.body.toString());
}

// One unary call with raw bytes: { code, message, response, retryAfterMs }.
const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const raw = (b) => b;
const statusDetails = (metadata) => {
  const bytes = metadata && metadata.get('grpc-status-details-bin')[0];
  return bytes ? Status.decode(bytes) : null;
};

class Grpc {
  constructor(address, credentials = grpc.credentials.createInsecure(), options = {}) {
    this.client = new grpc.Client(address, credentials, { 'grpc.use_local_subchannel_pool': 1, ...options });
  }

  call(bytes, { method = EXPORT, metadata = new grpc.Metadata(), deadline = Date.now() + 60000 } = {}) {
    return new Promise((resolve) => {
      this.client.makeUnaryRequest(method, raw, raw, bytes, metadata, { deadline }, (error, response) => {
        if (!error) return resolve({ code: 0, message: '', response: Response.decode(response) });
        const details = statusDetails(error.metadata);
        const info = details && details.details.find((d) => d.type_url.endsWith('google.rpc.RetryInfo'));
        let retryAfterMs = null;
        if (info) {
          const delay = RetryInfo.decode(info.value).retryDelay;
          retryAfterMs = delay ? Number(delay.seconds) * 1000 + delay.nanos / 1e6 : 0;
        }
        resolve({ code: error.code, message: error.details, retryAfterMs });
      });
    });
  }

  close() {
    this.client.close();
  }
}

module.exports = { send, get, post, statusOf, Grpc, grpc, PROTOBUF, JSON_TYPE };
