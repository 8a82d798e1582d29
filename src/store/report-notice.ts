/** Logs what a store noticed and already dealt with. */
import type { Log } from '../log/log.ts';
import type { StoreNotice } from './store.ts';

export function reportNotice(log: Log, notice: StoreNotice): void {
  switch (notice.kind) {
    case 'clock_stepped':
      log.emit('clock.stepped', {
        clock: notice.clock,
        step_secs: Math.round(notice.stepMs / 100) / 10,
        off_secs: Math.round(notice.offMs / 100) / 10,
      });
      return;
    case 'log_saved':
      log.emit('store.log_saved', { detail: notice.words });
      return;
    default:
      notice satisfies never;
  }
}
