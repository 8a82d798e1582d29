/**
 * Who may do what. Each endpoint of /v1 declares the role it needs in its `config`. One without a
 * role needs `admin` and makes a test fail. Each role may do everything that the roles before it
 * may.
 */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `anyone`: without any token. */
    role?: Role | 'anyone';
    /** The action's name in the audit: each request to the endpoint leaves a row. */
    action?: Action;
  }
}

export type Action =
  | 'acknowledge'
  | 'activate'
  | 'dead_letter_discard'
  | 'dead_letter_retry'
  | 'hangup'
  | 'next'
  | 'refer'
  | 'reload'
  | 'schedule_override'
  | 'sign_in'
  | 'sign_out'
  | 'switch'
  | 'target_rest';

/** May read everything. */
export const VIEWER = { role: 'viewer' } as const;
/** May act on calls, schedules, switches, targets and the outbox. */
export const OPERATOR = { role: 'operator' } as const;
/** May change the route set that the server runs. */
export const ADMIN = { role: 'admin' } as const;
export const ANYONE = { role: 'anyone' } as const;

export function mayDo(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}
