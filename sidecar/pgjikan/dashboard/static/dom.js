// Building and updating what is shown. Text only ever becomes text: titles are foreign input.

export const $ = (id) => document.getElementById(id);

/** An element with properties and children; strings become text nodes. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Make a table's body say `rows`, keeping the rows that stay (and with them focus and selection).
 * `columns` make a cell each: `fill(cell, row)` writes what changes; `className`, `header` are fixed.
 */
export function fillTable(table, rows, keyOf, columns) {
  const body = table.tBodies[0];
  const known = new Map();
  for (const line of [...body.rows]) {
    if (known.has(line.dataset.key)) line.remove(); // two rows of one key: the first stays
    else known.set(line.dataset.key, line);
  }
  let place = body.firstElementChild;
  for (const row of rows) {
    const key = String(keyOf(row));
    let line = known.get(key);
    known.delete(key);
    if (!line) {
      line = element("tr");
      line.dataset.key = key;
      for (const column of columns) {
        const cell = element(column.header ? "th" : "td", { className: column.className ?? "" });
        if (column.header) cell.scope = "row";
        line.append(cell);
      }
    }
    if (line === place) place = line.nextElementSibling;
    else body.insertBefore(line, place);
    for (const [index, column] of columns.entries()) column.fill(line.cells[index], row, line);
  }
  for (const gone of known.values()) gone.remove();
  table.hidden = rows.length === 0;
}

/** A column of plain text. */
export const text = (of, className, header = false) => ({
  className,
  header,
  fill: (cell, row) => setText(cell, of(row)),
});

/** Parts of a whole, side by side; `label` says it in words. */
export function fillBar(cell, parts, label) {
  let bar = cell.firstElementChild;
  if (!bar) {
    bar = element("div", { className: "bar", role: "img" });
    bar.append(...parts.map(([name]) => element("i", { className: name })));
    cell.append(bar);
  }
  bar.setAttribute("aria-label", label);
  const total = parts.reduce((sum, [, count]) => sum + count, 0) || 1;
  parts.forEach(([, count], index) => {
    bar.children[index].style.flexGrow = count / total;
  });
}
