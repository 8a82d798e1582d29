/** Moments that the API is given: ISO 8601 with a zone. */
export { readMoment as timeOf } from '../core/moment.ts';
