/**
 * Where the process is between start and end. Compose moves it, HTTP reads it:
 * starting: nothing is taken; running; draining: not ready any more, webhooks are still taken until the
 * balancer has noticed (DRAIN_DELAY_SECS); stopping: webhooks get 503, Telnyx delivers again elsewhere.
 */
export type LifecyclePhase = 'starting' | 'running' | 'draining' | 'stopping';

export interface Lifecycle {
  phase: LifecyclePhase;
}

export function takesWebhooks(lifecycle: Lifecycle): boolean {
  return lifecycle.phase === 'running' || lifecycle.phase === 'draining';
}
