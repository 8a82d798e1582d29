/**
 * The life of the process; compose.ts sets it and HTTP reads it. starting: nothing is accepted;
 * running; draining: not ready, but webhooks are accepted until the load balancer notices
 * (DRAIN_DELAY_SECS); stopping: webhooks get 503, and Telnyx delivers them elsewhere.
 */
export type LifecyclePhase = 'starting' | 'running' | 'draining' | 'stopping';

export interface Lifecycle {
  phase: LifecyclePhase;
}

export function takesWebhooks(lifecycle: Lifecycle): boolean {
  return lifecycle.phase === 'running' || lifecycle.phase === 'draining';
}
