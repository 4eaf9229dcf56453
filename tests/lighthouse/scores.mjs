// scores.mjs PERFORMANCE: prints Lighthouse's scores of every view on a phone with a slow network, and fails where one is below its
// limit. A busy machine makes a page look slow, so a performance below the limit is measured again, up to three times.
import lighthouse from 'lighthouse';

import { signIn, withBrowser } from './browser.mjs';

const limits = { performance: Number(process.argv[2]), accessibility: 100 };
const attempts = 3;
const failures = [];

/** Each measurement has a page of its own. One that fails, as on a busy machine, has the score 0. */
async function measure(context, url) {
  const page = await context.newPage();
  const { lhr } = await lighthouse(url, { onlyCategories: Object.keys(limits), logLevel: 'error' }, undefined, page);
  await page.close();
  if (lhr.runtimeError) console.error(`${url}: ${lhr.runtimeError.message}`);
  const score = (category) => Math.round((lhr.categories[category]?.score ?? 0) * 100);
  const time = (audit) => lhr.audits[audit]?.displayValue?.replace('\u00a0', ' ') ?? '';
  const faults = Object.values(lhr.audits).filter((audit) => audit.score === 0 && lhr.categories.accessibility?.auditRefs.some((ref) => ref.id === audit.id));
  return {
    performance: score('performance'),
    accessibility: score('accessibility'),
    paint: time('first-contentful-paint'),
    largest: time('largest-contentful-paint'),
    blocked: time('total-blocking-time'),
    shift: time('cumulative-layout-shift'),
    faults: faults.map((audit) => audit.id),
  };
}

async function check(context, [name, url]) {
  let best = await measure(context, url);
  for (let attempt = 1; attempt < attempts && best.performance < limits.performance; attempt += 1) {
    const again = await measure(context, url);
    if (again.performance > best.performance) best = again;
  }
  const { faults, ...row } = best;
  console.log([name.padEnd(8), ...Object.entries(row).map(([key, value]) => `${key} ${value}`)].join('  '));
  for (const [category, limit] of Object.entries(limits)) {
    if (best[category] < limit) failures.push(`${name}: ${category} ${best[category]} < ${limit} ${faults.join(', ')}`);
  }
}

await withBrowser(async (browser, views) => {
  for (const view of views) await check(browser, view);
  await check(await browser.createBrowserContext(), signIn);
});
if (failures.length > 0) {
  console.error(failures.join('\n'));
  process.exit(1);
}
