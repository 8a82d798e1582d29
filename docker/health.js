// The image's health check, for Node, which the image has anyway: exits with 0 if the service
// answers 200, otherwise with 1. "node docker/health.js" asks whether webhooks would be stored,
// "node docker/health.js live" whether the server runs.
const what = process.argv[2] ?? 'ready';
// `docker run --env-file` keeps quotation marks around a value; the service leaves them out too.
const setting = (name, otherwise) =>
  process.env[name]?.trim().replace(/^(["'])(.*)\1$/, '$2') || otherwise;
const HOST = setting('HOST', '0.0.0.0');
const PORT = setting('PORT', '3000');
const everywhere = ['', '0.0.0.0', '::'].includes(HOST);
const host = everywhere ? '127.0.0.1' : HOST.includes(':') ? `[${HOST}]` : HOST;

try {
  const response = await fetch(`http://${host}:${PORT}/health/${what}`, {
    signal: AbortSignal.timeout(2_000),
  });
  // Docker keeps what is printed with the result: docker inspect shows why.
  console.log(`${response.status} ${await response.text()}`);
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  console.log(`no answer from ${host}:${PORT}: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
}
