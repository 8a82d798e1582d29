/** The bare minimum: node:http and node:crypto, one signature check, JSON.parse, 200. No store. */
import { createPublicKey, verify } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const raw = Buffer.from(process.env.TELNYX_PUBLIC_KEY ?? '', 'base64');
const key = createPublicKey({
  key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') },
  format: 'jwk',
});

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    const signed = Buffer.concat([Buffer.from(`${request.headers['telnyx-timestamp']}|`), body]);
    const signature = Buffer.from(String(request.headers['telnyx-signature-ed25519']), 'base64');
    verify(null, signed, key, signature, (_error, genuine) => {
      if (genuine) JSON.parse(body.toString());
      response.writeHead(genuine ? 200 : 401, { 'content-type': 'application/json' });
      response.end('{}');
    });
  });
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
});
