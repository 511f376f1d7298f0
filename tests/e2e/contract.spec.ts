/**
 * The contract of a lab, in a real browser with a real store: one worker for all, and a worker for each
 * member.
 */
import { labPortCases } from '../contract/lab-port.ts';
import { test } from './lab.ts';
import { labIn } from './lab-in-page.ts';

for (const layout of ['workers', 'one']) {
  for (const [number, { title, run: tell }] of labPortCases.entries()) {
    test(`layout ${layout}: ${title}`, async ({ page }) =>
      tell(labIn(page, `layout=${layout}`, layout), `case${number}`));
  }
}
