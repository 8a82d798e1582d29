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
  }
}

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
