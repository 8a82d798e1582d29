/**
 * Runs in its own thread. Receives a batch of signatures and answers with one byte for each: 1 if
 * it is genuine.
 */
import { parentPort } from 'node:worker_threads';
import { loadSodium } from './sodium.ts';
import { unpackSigned } from './verify-thread.ts';

const verifySync = loadSodium();
if (verifySync === null) throw new Error('sodium-native was there a moment ago');

parentPort?.on('message', (bytes: ArrayBuffer) => {
  const answers: number[] = [];
  for (const { signature, message, publicKey } of unpackSigned(bytes)) {
    answers.push(verifySync(signature, message, publicKey) ? 1 : 0);
  }
  parentPort?.postMessage(Uint8Array.from(answers));
});
parentPort?.postMessage('ready');
