// __NAME__: an A2A agent in plain Node. Change `answer`; the rest speaks the protocol.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { randomUUID } = require('node:crypto');

// What the agent says to `text`. The same `conversation` comes with every message of a conversation.
async function answer(text, conversation) {
  return `You said: ${text}`;
}

const HOST = process.env.HOST || '127.0.0.1';
const PORT = Number(process.env.PORT || 8000);
const MAX_BODY = 4 * 1024 * 1024;
const card = JSON.parse(fs.readFileSync(path.join(__dirname, 'AgentCard.json'), 'utf8'));

const server = http.createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://agent');
  if (request.method === 'GET') {
    if (['/.well-known/agent-card.json', '/.well-known/agent.json'].includes(pathname)) {
      return reply(response, 200, { ...card, url: `http://${request.headers.host}/` });
    }
    return pathname === '/health' ? reply(response, 200, { status: 'ok' }) : reply(response, 404, { error: 'not found' });
  }
  let call = {};
  try {
    call = JSON.parse(await read(request));
    if (call.method !== 'message/send') return fail(response, call.id, -32601, 'Method not found');
    const message = call.params?.message ?? {};
    const text = (message.parts ?? []).map((part) => part.text ?? '').join('\n');
    const conversation = message.contextId || randomUUID();
    const said = await answer(text, conversation);
    reply(response, 200, {
      jsonrpc: '2.0',
      id: call.id,
      result: {
        kind: 'message',
        role: 'agent',
        messageId: randomUUID(),
        contextId: conversation,
        parts: [{ kind: 'text', text: said }],
      },
    });
  } catch (error) {
    console.error(error);
    fail(response, call.id ?? null, error instanceof SyntaxError ? -32700 : -32603, 'The call could not be answered');
  }
});

async function read(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Error('the body is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function fail(response, id, code, message) {
  reply(response, 200, { jsonrpc: '2.0', id, error: { code, message } });
}

function reply(response, status, document) {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(document));
}

process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
server.listen(PORT, HOST, () => console.log(`listening on ${HOST}:${PORT}`));
