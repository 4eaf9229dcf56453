// A Chromium that FASTCORE_DEMO_LINK has signed in to a demo, and the views of the page.
import puppeteer from 'puppeteer-core';

const link = process.env.FASTCORE_DEMO_LINK;
const { origin } = new URL(link);

/**
 * Calls back with a browser that is signed in, and closes it in any case.
 * @param {(browser: import('puppeteer-core').Browser, views: [name: string, url: string][]) => Promise<void>} use
 */
export async function withBrowser(use) {
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--no-first-run', '--accept-lang=fr-FR'],
  });
  try {
    const page = await browser.newPage();
    await page.goto(link, { waitUntil: 'domcontentloaded' });
    const read = (path) => page.evaluate((path) => fetch(path).then((response) => response.json()), path);
    const { leads: [lead] } = await read('/admin/api/leads?limit=1');
    const { rows: [refusal] } = await read('/admin/api/refused');
    await page.close();
    const paths = { inbox: '', lead: `/leads/${lead.id}`, refused: '/refused', refusal: `/refused/${refusal.id}`, stats: '/stats', audit: '/audit', status: '/status', account: '/account' };
    await use(browser, Object.entries(paths).map(([name, path]) => [name, `${origin}/admin${path}`]));
  } finally {
    await browser.close();
  }
}

/** The view for somebody who is not signed in: it needs a context without the cookie. */
export const signIn = ['sign-in', `${origin}/admin/sign-in`];
