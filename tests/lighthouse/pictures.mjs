// Takes a picture of every view in every size, light and dark: pictures.mjs FOLDER [a part of the names]
import path from 'node:path';

import { signIn, withBrowser } from './browser.mjs';

const [folder, wanted = ''] = process.argv.slice(2);
const sizes = {
  wide: { width: 1440, height: 900 },
  laptop: { width: 1366, height: 768 },
  phone: { width: 390, height: 844, deviceScaleFactor: 2, hasTouch: true, isMobile: true },
  across: { width: 844, height: 390, deviceScaleFactor: 2, hasTouch: true, isMobile: true },
};

async function take(page, [name, url]) {
  for (const [size, viewport] of Object.entries(sizes)) {
    for (const theme of ['light', 'dark']) {
      const file = `${name}-${size}-${theme}.png`;
      if (!file.includes(wanted)) continue;
      await page.setViewport(viewport);
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
      await page.goto(url, { waitUntil: 'domcontentloaded' });
      // Loaded, and a chart drawn.
      await page.waitForFunction(() => document.querySelector('h1') && !document.querySelector('.skeleton') && [...document.querySelectorAll('.chart')].every((chart) => chart.querySelector('canvas')));
      await page.screenshot({ path: path.join(folder, file) });
      console.log(file);
    }
  }
}

await withBrowser(async (browser, views) => {
  const page = await browser.newPage();
  for (const view of views) await take(page, view);
  const context = await browser.createBrowserContext();
  await take(await context.newPage(), signIn);
});
