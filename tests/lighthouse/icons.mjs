// Draws the PNG icons of the manifest from assets/admin/icon.svg: icons.mjs
import { readFileSync } from 'node:fs';
import path from 'node:path';

import puppeteer from 'puppeteer-core';

const admin = path.resolve(import.meta.dirname, '../../assets/admin');
const svg = readFileSync(path.join(admin, 'icon.svg'), 'utf8');
const background = '#1b57c0'; // the icon's own

/** `share`: how much of the side the drawing takes; a system cuts up to a fifth off a maskable icon. */
const icons = [
  { name: 'icon-192', size: 192, share: 1 },
  { name: 'icon-512', size: 512, share: 1 },
  { name: 'maskable-512', size: 512, share: 0.75, filled: true },
  { name: 'apple-touch-180', size: 180, share: 0.85, filled: true },
];

const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
try {
  const page = await browser.newPage();
  for (const { name, size, share, filled = false } of icons) {
    await page.setViewport({ width: size, height: size });
    await page.setContent(`<style>body { margin: 0; height: 100vh; display: grid; place-items: center; background: ${filled ? background : 'none'} }
      svg { width: ${share * 100}vw; height: ${share * 100}vh }</style>${svg}`);
    await page.screenshot({ path: path.join(admin, 'icons', `${name}.png`), omitBackground: !filled });
  }
} finally {
  await browser.close();
}
