// Echo: says back what it hears, word by word. A2A 0.3 in plain Node.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { randomUUID } = require('node:crypto');
const { setTimeout: sleep } = require('node:timers/promises');

const HOST = process.env.HOST || '127.0.0.1';
const PORT = Number(process.env.PORT || 8000);
const MAX_BODY = 4 * 1024 * 1024;
const MAX_TASKS = 1000;
const CARD_PATHS = ['/.well-known/agent-card.json', '/.well-known/agent.json', '/agent-card.json'];

const card = JSON.parse(fs.readFileSync(path.join(__dirname, 'AgentCard.json'), 'utf8'));
const tasks = new Map();

class RpcError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const server = http.createServer(async (request, response) => {
  const pathname = new URL(request.url, 'http://agent').pathname;
  if (request.method === 'GET') {
    if (CARD_PATHS.includes(pathname)) {
      return answer(response, 200, { ...card, url: `http://${request.headers.host}/` });
    }
    return pathname === '/health' ? answer(response, 200, { status: 'ok' }) : answer(response, 404, { error: 'not found' });
  }
  if (request.method !== 'POST') return answer(response, 405, { error: 'method not allowed' });
  let id = null;
  try {
    const call = await read(request);
    id = call.id ?? null;
    const method = methods[call.method];
    if (!method) throw new RpcError(-32601, 'Method not found');
    await method(response, id, call.params ?? {});
  } catch (error) {
    if (response.headersSent) return response.end();
    const { code = -32603, message } = error instanceof RpcError ? error : { message: 'Internal error' };
    answer(response, 200, { jsonrpc: '2.0', id, error: { code, message } });
  }
});

const methods = {
  async 'message/send'(response, id, params) {
    const { task, text } = begin(params);
    finish(task, text);
    answer(response, 200, success(id, task));
  },

  async 'message/stream'(response, id, params) {
    const { task, text } = begin(params);
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    const send = (result) => response.write(`data: ${JSON.stringify(success(id, result))}\n\n`);
    const ids = { taskId: task.id, contextId: task.contextId };
    send(task);
    const words = text.split(' ');
    for (const [index, word] of words.entries()) {
      if (response.destroyed || task.status.state === 'canceled') break;
      send({
        kind: 'artifact-update',
        ...ids,
        artifact: artifact(index ? ` ${word}` : word),
        append: index > 0,
        lastChunk: index === words.length - 1,
      });
      await sleep(4);
    }
    if (task.status.state === 'working') finish(task, text);
    send({ kind: 'status-update', ...ids, status: task.status, final: true });
    response.end();
  },

  async 'tasks/get'(response, id, params) {
    answer(response, 200, success(id, known(params)));
  },

  async 'tasks/cancel'(response, id, params) {
    const task = known(params);
    if (task.status.state !== 'working') throw new RpcError(-32002, 'Task cannot be canceled');
    task.status = { state: 'canceled' };
    answer(response, 200, success(id, task));
  },
};

function begin({ message }) {
  if (!Array.isArray(message?.parts)) throw new RpcError(-32602, 'Invalid params: message.parts is missing');
  const heard = message.parts.map((part) => part.text ?? '').join('');
  const task = { kind: 'task', id: randomUUID(), contextId: message.contextId || randomUUID(), status: { state: 'working' } };
  tasks.set(task.id, task);
  if (tasks.size > MAX_TASKS) tasks.delete(tasks.keys().next().value);
  return { task, text: `Echo: ${heard}` };
}

function finish(task, text) {
  task.status = { state: 'completed' };
  task.artifacts = [artifact(text)];
}

function artifact(text) {
  return { artifactId: 'echo', name: 'echo', parts: [{ kind: 'text', text }] };
}

function known({ id }) {
  const task = tasks.get(id);
  if (!task) throw new RpcError(-32001, 'Task not found');
  return task;
}

function success(id, result) {
  return { jsonrpc: '2.0', id, result };
}

function answer(response, status, value) {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(value));
}

async function read(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) throw new RpcError(-32600, 'The body is too large');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) ?? {};
  } catch {
    throw new RpcError(-32700, 'Invalid JSON payload');
  }
}

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}

server.listen(PORT, HOST, () => console.log(`echo-node listens on http://${HOST}:${server.address().port}`));
