/** Rows of text in columns of one width each. */

/** Columns in `right` are set flush right; the last column is never padded. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  const cell = (text: string, column: number): string => (right.includes(column) ? text.padStart(widths[column]!) : text.padEnd(widths[column]!))
  return rows.map(row => `${row.map(cell).join('  ').trimEnd()}\n`).join('')
}

/** A number as reports show it: three digits. */
export function figure(value: number): string {
  return value === 0 ? '0' : Math.abs(value) >= 0.001 && Math.abs(value) < 1000 ? String(Number(value.toPrecision(3))) : value.toExponential(1)
}
