/** Small charts: uPlot for time, a strip of rectangles for shares. */
import { html, nothing, svg } from '/assets/lit-html/lit-html.js';
import { tone } from './states.js';

const HEIGHT = 150;
const drawn = new WeakMap();
const dark = matchMedia('(prefers-color-scheme: dark)');

/**
 * Attempts by minute: the failed ones in front of the total, so that the rest is the completed
 * ones.
 */
export function drawMinutes(box, stats) {
  if (box === null || globalThis.uPlot === undefined) return;
  const known = drawn.get(box);
  if (known?.stats === stats && known.dark === dark.matches && known.width === box.clientWidth)
    return;
  const data = columnsOf(stats);
  if (known !== undefined && known.dark === dark.matches) {
    known.plot.setData(data);
    if (known.width !== box.clientWidth)
      known.plot.setSize({ width: box.clientWidth, height: HEIGHT });
    drawn.set(box, { ...known, stats, width: box.clientWidth });
    return;
  }
  known?.plot.destroy();
  const plot = new globalThis.uPlot(options(box), data, box);
  drawn.set(box, { plot, stats, dark: dark.matches, width: box.clientWidth });
}

function columnsOf({ since, now, minutes }) {
  const byMinute = new Map(minutes.map((minute) => [Date.parse(minute.at), minute]));
  const times = [];
  const all = [];
  const failed = [];
  const first = Math.floor(Date.parse(since) / 60_000) * 60_000;
  for (let at = first; at <= Date.parse(now); at += 60_000) {
    const minute = byMinute.get(at);
    times.push(at / 1_000);
    all.push((minute?.completed ?? 0) + (minute?.failed ?? 0));
    failed.push(minute?.failed ?? 0);
  }
  return [times, all, failed];
}

function options(box) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const bars = globalThis.uPlot.paths.bars({ size: [0.8, 24] });
  const axis = {
    stroke: colour('--faint'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  };
  return {
    width: box.clientWidth,
    height: HEIGHT,
    padding: [8, 20, 0, 0],
    cursor: { show: false },
    legend: { show: false },
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(4, Math.ceil(high * 1.1))] } },
    series: [
      {},
      { paths: bars, fill: colour('--good'), width: 0, points: { show: false } },
      { paths: bars, fill: colour('--bad'), width: 0, points: { show: false } },
    ],
    axes: [
      { ...axis, values: (_plot, times) => times.map(hourAndMinute), space: 60, size: 26 },
      { ...axis, size: roomFor, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] },
    ],
  };
}

/** The width of the axis labels: a busy minute has five digits. */
function roomFor(_plot, labels) {
  const longest = Math.max(0, ...(labels ?? []).map((label) => String(label).length));
  return Math.max(34, 14 + longest * 8);
}

const HOUR = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});

function hourAndMinute(seconds) {
  return HOUR.format(new Date(seconds * 1_000));
}

/** Parts of a whole; if `whole` is null, the parts fill the strip. */
export function share(parts, whole = null, words = null) {
  const total = whole ?? parts.reduce((sum, { count }) => sum + count, 0);
  let x = 0;
  const rects = parts.map(({ name, count }) => {
    const width = total === 0 ? 0 : (count / total) * 100;
    const rect = svg`<rect x=${`${x}%`} y="0" width=${`${width}%`} height="100%" class=${`fill-${tone(name)}`}></rect>`;
    x += width;
    return rect;
  });
  return html`<svg class="share" role=${words === null ? nothing : 'img'} aria-label=${words ?? nothing}
    aria-hidden=${words === null ? 'true' : nothing}>${rects}${
      words === null ? nothing : svg`<title>${words}</title>`
    }</svg>`;
}
