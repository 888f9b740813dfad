// Arguments: port, key, file with the body.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Fastify from 'fastify';
import rateLimit from '@fastify/rate-limit';

const [port, key, file] = process.argv.slice(2);
const digest = (text) => createHash('sha256').update(text).digest('base64');
const keys = new Map([[digest(key), { account: 1, scopes: ['read:tracks'] }]]);
const body = JSON.parse(readFileSync(file, 'utf8'));

const app = Fastify({ logger: false });
app.addHook('onRequest', async (request, reply) => {
  const sent = request.headers.authorization;
  request.key = sent?.startsWith('Bearer ') ? digest(sent.slice(7)) : '';
  const known = keys.get(request.key);
  if (!known) return reply.code(401).send({ error: 'Invalid API key' });
  if (!known.scopes.includes('read:tracks')) return reply.code(403).send({ error: 'Insufficient permissions' });
});
await app.register(rateLimit, { max: 1e9, timeWindow: 60_000, keyGenerator: (request) => request.key });
app.get('/tracks/:id', async () => body);
await app.listen({ port: Number(port), host: '127.0.0.1' });
