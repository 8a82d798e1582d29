/**
 * The life of the process; compose.ts sets it and HTTP reads it. starting: nothing is accepted;
 * warming: not ready, because its code is being compiled, but webhooks are accepted; running;
 * draining: not ready, but webhooks are accepted until the load balancer notices
 * (DRAIN_DELAY_SECS); stopping: webhooks get 503, and Telnyx delivers them elsewhere.
 */
export type LifecyclePhase = 'starting' | 'warming' | 'running' | 'draining' | 'stopping';

export interface Lifecycle {
  phase: LifecyclePhase;
}

export function takesWebhooks({ phase }: Lifecycle): boolean {
  return phase === 'warming' || phase === 'running' || phase === 'draining';
}
