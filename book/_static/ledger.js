// The ledger: search, filter, sort and count the rows of its table; the state is in the address. The table is complete without it.
document.addEventListener("DOMContentLoaded", () => {
  const tools = document.querySelector(".ledger-tools");
  if (!tools) return;
  const table = tools.parentElement.querySelector("table.claims");
  const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  const search = tools.querySelector("input"), selects = [...tools.querySelectorAll("select")];
  const text = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const order = new Intl.Collator("en", { numeric: true }).compare;
  let column = -1, sign = 1;

  function apply() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      row.hidden = !words.every((word) => text.get(row).includes(word))
        || selects.some((select) => select.value && row.dataset[select.name] !== select.value);
    }
    count();
    heads.forEach((head, i) => head.setAttribute("aria-sort", i !== column ? "none" : sign > 0 ? "ascending" : "descending"));
    const key = (row) => row.cells[column].textContent;
    body.append(...(column < 0 ? rows : rows.slice().sort((a, b) => sign * order(key(a), key(b)))));
    const state = new URLSearchParams();
    if (search.value) state.set("q", search.value);
    selects.forEach((select) => select.value && state.set(select.name, select.value));
    if (column >= 0) state.set("sort", (sign < 0 ? "-" : "") + heads[column].textContent);
    history.replaceState(null, "", location.pathname + (String(state) && "?" + state) + location.hash);
  }

  function count(besides = "") {
    const shown = rows.filter((row) => !row.hidden).length;
    tools.querySelector("output").textContent = `${shown} of ${rows.length} claims${besides}`;
  }

  // An address of one claim shows its row, whatever the filters hide, and says so.
  function aim() {
    const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!rows.includes(row)) return;
    const filtered = row.hidden;
    row.hidden = false;
    if (filtered) count(", one of them because the address names it");
    row.querySelector("details").open = true;
    row.scrollIntoView({ block: "center" });
  }

  heads.forEach((head, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      // Up, down, and as in the book.
      if (column !== i) [column, sign] = [i, 1];
      else if (sign > 0) sign = -1;
      else [column, sign] = [-1, 1];
      apply();
    });
  });
  const state = new URLSearchParams(location.search), sorted = state.get("sort");
  search.value = state.get("q") ?? "";
  selects.forEach((select) => {
    select.value = state.get(select.name) ?? "";
    if (select.selectedIndex < 0) select.value = "";  // the address names what the ledger does not have
  });
  if (sorted) {
    column = heads.findIndex((head) => head.textContent === sorted.replace(/^-/, ""));
    sign = sorted.startsWith("-") ? -1 : 1;
  }
  search.addEventListener("input", apply);
  selects.forEach((select) => select.addEventListener("change", apply));
  tools.hidden = false;
  apply();
  addEventListener("hashchange", aim);
  aim();
});
