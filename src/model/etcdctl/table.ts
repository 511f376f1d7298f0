/** Tables of text as etcdctl prints them with `-w table`. */

/** How many characters wide a text is; combining marks and wide characters count as one. */
function width(text: string): number {
  return [...text].length;
}

function centre(text: string, columns: number): string {
  const gap = columns - width(text);
  const left = Math.floor(gap / 2);
  return ' '.repeat(left) + text + ' '.repeat(gap - left);
}

/**
 * Lines of a table: headings in capitals and centred, cells to the right. Without rows: the heading alone.
 * @source olekukonko/tablewriter, as etcdctl 3.4.23 sets it (cells are not wrapped here)
 */
export function tableLines(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = headings.map((heading, column) =>
    Math.max(width(heading), ...rows.map((row) => width(row[column]))),
  );
  const rule = `+${widths.map((columns) => '-'.repeat(columns + 2)).join('+')}+`;
  const line = (cells: readonly string[]): string => `|${cells.map((cell) => ` ${cell} `).join('|')}|`;
  const head = line(headings.map((heading, column) => centre(heading.toUpperCase(), widths[column])));
  const body = rows.map((row) =>
    line(row.map((cell, column) => ' '.repeat(widths[column] - width(cell)) + cell)),
  );
  return [rule, head, rule, ...body, rule];
}
