/**
 * Connections to Telnyx that send nothing more once they are closed. After an ordinary close the
 * system goes on sending for minutes what the other side has not acknowledged. So where the network
 * is away for longer than a command is waited for, Telnyx would execute the command when the
 * network is back, although the next one has been sent meanwhile. A reset drops what is left.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { buildConnector } from 'undici';

/** undici's connector; TCP and TLS may take `timeout` ms together. */
export function connector(timeout: number): buildConnector.connector {
  // The system refuses to reset what is being ended, and undici closes what the other side ends.
  const allowHalfOpen = true;
  const connect = buildConnector({ timeout, allowHalfOpen });
  return (options, callback) => {
    const port = Number(options.port || 443);
    const tcp =
      options.protocol === 'https:'
        ? // Ours, because Node resets no TLS socket that made its own.
          connectTcp({ host: options.hostname, port, allowHalfOpen }).on('error', () => {})
        : null;
    connect({ ...options, ...(tcp && { httpSocket: tcp }) }, (...result) => {
      const [error, socket] = result;
      if (error === null) resetWhenDestroyed(tcp ?? socket);
      else tcp?.destroy();
      callback(...result);
    });
  };
}

function resetWhenDestroyed(tcp: Socket): void {
  const destroy = tcp.destroy.bind(tcp);
  tcp.destroy = (error) => {
    // This calls `destroy` again, without the error.
    tcp.destroy = () => destroy(error);
    return tcp.resetAndDestroy();
  };
}
