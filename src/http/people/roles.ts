/**
 * Who may do what. Each endpoint of /v1 declares the role it needs in its `config`; one that
 * declares none needs `admin`, and a test fails. Each role may do what those before it may.
 */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `anyone`: without any token. */
    role?: Role | 'anyone';
    /** What is done there, as the audit calls it: each request for it leaves a row. */
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

/** Reads. */
export const VIEWER = { role: 'viewer' } as const;
/** Acts on calls, schedules, switches and what waits to be sent. */
export const OPERATOR = { role: 'operator' } as const;
/** Changes what the server runs. */
export const ADMIN = { role: 'admin' } as const;
export const ANYONE = { role: 'anyone' } as const;

export function mayDo(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}
