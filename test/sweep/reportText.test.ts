/** What whoever opens a report in a spreadsheet or a browser would have run. */
import { describe, expect, it } from '@jest/globals';
import { csvCell, markdownCell } from '../../src/sweep/reportText.ts';

describe('a cell of a CSV file', () => {
  it.each([
    ['=1+1', `"'=1+1"`],
    ['+1', `"'+1"`],
    ['-1', `"'-1"`],
    ['@SUM(A1)', `"'@SUM(A1)"`],
    ['\tx', `"'\tx"`],
    ['\r=x', `"'\r=x"`],
    ['\uff1d1', `"'\uff1d1"`],
    ['a,b', '"a,b"'],
    ['say "x"', '"say ""x"""'],
    ['a\r\nb', '"a\r\nb"'],
    ['kv-shop', 'kv-shop'],
    ['2026-11-01', '2026-11-01'],
    [12, '12'],
    [undefined, ''],
  ])('is text whatever stands in it: %j', (cell, expected) => {
    expect(csvCell(cell)).toBe(expected);
  });
});

describe('a cell of a Markdown table', () => {
  it.each([
    ['a|b', 'a\\|b'],
    ['<script>', '&#60;script&#62;'],
    ['[x](https://e.example)', '\\[x\\]\\(https&#58;//e.example\\)'],
    ['![x](y)', '\\!\\[x\\]\\(y\\)'],
    ['`x`', '\\`x\\`'],
    ['@team', '&#64;team'],
    ['www.e.example', 'www&#46;e.example'],
    ['a\n| b |', 'a \\| b \\|'],
    ['kv-shop', 'kv-shop'],
    [undefined, ''],
  ])('is text whatever stands in it: %j', (cell, expected) => {
    expect(markdownCell(cell)).toBe(expected);
  });
});
