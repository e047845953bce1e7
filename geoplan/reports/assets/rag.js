"use strict";
(() => {
  const all = (selector, under = document) => [...under.querySelectorAll(selector)];
  const one = (id) => document.getElementById(id);
  const body = document.querySelector(".board tbody");
  const rows = all("tr", body);
  const heads = all(".board thead th");
  const firstCell = heads.findIndex((head) => head.dataset.category !== undefined);
  const worstFirst = "red amber unclear green hidden no-data not-judged".split(" ");
  const rank = (state) => worstFirst.indexOf(state);
  const state = (cell) => cell.classList[0].slice(2);
  const number = (cell) => {
    const value = cell.querySelector(".v");
    return value ? parseFloat(value.textContent.replace(/[^0-9.-]/g, "")) : NaN;
  };
  const cells = rows.map((row) => [...row.children]);
  const filters = all("[data-filter]");
  const [category, colour, find, sort, shown, map] = ["category", "colour", "find", "sort", "shown", "map"].map(one);
  const marks = map ? all("#marks > g") : [];
  const markOf = new Map(marks.map((mark) => [Number(mark.dataset.row), mark]));
  const shapes = {};
  all(".keys path").forEach((path) => { shapes[path.getAttribute("class").slice(2)] = path.getAttribute("d"); });
  shapes.hidden = shapes["no-data"];
  let visible = new Set(rows.keys());

  const columnShown = (at) => at < firstCell || !category || !category.value || heads[at].dataset.category === category.value;

  function choose() {
    const wanted = colour.value ? colour.value.split(" ") : null;
    const text = find.value.trim().toLowerCase();
    visible = new Set();
    rows.forEach((row, at) => {
      const own = cells[at];
      const inside = filters.every((filter) => !filter.value || row.dataset[`f${filter.dataset.filter}`] === filter.value);
      const coloured = !wanted || own.some((cell, i) => i >= firstCell && columnShown(i) && wanted.includes(state(cell)));
      const named = !text || own[0].textContent.toLowerCase().includes(text);
      row.hidden = !(inside && coloured && named);
      if (!row.hidden) visible.add(at);
    });
    heads.forEach((head, i) => {
      const show = columnShown(i);
      head.hidden = !show;
      if (i >= firstCell) cells.forEach((own) => { own[i].hidden = !show; });
    });
    all(".groups [data-category]").forEach((cell) => {
      cell.hidden = Boolean(category && category.value && cell.dataset.category !== category.value);
    });
    one("status").textContent = visible.size === rows.length ? `${rows.length.toLocaleString("en-GB")} schools.`
      : `${visible.size.toLocaleString("en-GB")} of ${rows.length.toLocaleString("en-GB")} schools chosen.`;
    paint();
  }

  function order() {
    const by = sort.value;
    const at = firstCell + Number(by);
    const key = [...rows.keys()];
    if (by === "reds") key.sort((a, b) => rows[b].dataset.reds - rows[a].dataset.reds || a - b);
    else if (by !== "name") {
      const rises = heads[at].dataset.worse === "higher";
      key.sort((a, b) => {
        const [one_, other] = [cells[a][at], cells[b][at]];
        const step = rank(state(one_)) - rank(state(other));
        const values = (number(other) - number(one_)) * (rises ? 1 : -1);
        return step || (Number.isNaN(values) ? 0 : values) || a - b;
      });
    }
    body.append(...key.map((i) => rows[i]));
    heads.forEach((head, i) => {
      if (by === "name" ? i === 0 : i === at && by !== "reds") head.setAttribute("aria-sort", by === "name" ? "ascending" : "other");
      else head.removeAttribute("aria-sort");
    });
  }

  function paint() {
    if (!map) return;
    const at = firstCell + Number(shown.value);
    const drawn = [];
    markOf.forEach((mark, row) => {
      const now = state(cells[row][at]);
      const path = mark.firstElementChild;
      path.setAttribute("class", `k-${now}`);
      path.setAttribute("d", shapes[now] || "");
      mark.toggleAttribute("hidden", !visible.has(row) || !shapes[now]);
      mark.style.display = !visible.has(row) || !shapes[now] ? "none" : "";
      if (mark.style.display === "") drawn.push([mark, rank(now)]);
    });
    drawn.sort((a, b) => b[1] - a[1]).forEach(([mark]) => mark.parentNode.append(mark)); // red lies on top
    window_(drawn.map(([mark]) => mark));
  }

  // the map goes to the schools chosen, and marks keep their size
  function window_(chosen) {
    const [, , wide, high] = map.dataset.home.split(" ").map(Number);
    let box = [0, 0, wide, high];
    if (chosen.length && visible.size < rows.length) {
      const at = chosen.map((mark) => mark.dataset.at.split(" ").map(Number));
      const [x, y] = [at.map((p) => p[0]), at.map((p) => p[1])];
      const [left, top] = [Math.min(...x), Math.min(...y)];
      const most = Math.max((Math.max(...x) - left) / wide, (Math.max(...y) - top) / high, 0.12) * 1.2;
      if (most < 0.9) {
        const [w, h] = [wide * most, high * most];
        box = [(left + Math.max(...x)) / 2 - w / 2, (top + Math.max(...y)) / 2 - h / 2, w, h];
      }
    }
    map.setAttribute("viewBox", box.map((v) => v.toFixed(1)).join(" "));
    const scale = box[2] / wide;
    marks.forEach((mark) => mark.setAttribute("transform", `translate(${mark.dataset.at}) scale(${(scale * map.dataset.size).toFixed(4)})`));
    all(".ruler", map).forEach((ruler) => { ruler.style.display = scale < 1 ? "none" : ""; });
  }

  if (map) {
    marks.forEach((mark) => { mark.dataset.at = mark.getAttribute("transform").match(/translate\(([^)]*)\)/)[1]; });
    const name = (mark) => cells[Number(mark.dataset.row)][0].querySelector(".name").textContent;
    one("marks").addEventListener("pointerover", (event) => {
      const mark = event.target.closest("g[data-row]");
      if (mark) {
        const cell = cells[Number(mark.dataset.row)][firstCell + Number(shown.value)];
        one("spot").textContent = `${name(mark)}: ${cell.textContent.trim()}`;
      }
    });
    one("marks").addEventListener("click", (event) => {
      const mark = event.target.closest("g[data-row]");
      if (!mark) return;
      rows.forEach((row) => row.classList.remove("found"));
      const row = rows[Number(mark.dataset.row)];
      row.classList.add("found");
      row.scrollIntoView({ block: "center" });
    });
    shown.addEventListener("change", paint);
  }
  [...filters, category, colour].filter(Boolean).forEach((control) => control.addEventListener("change", choose));
  if (category && shown) category.addEventListener("change", () => {
    const at = heads.findIndex((head) => head.dataset.category === category.value);
    if (at >= 0) { shown.value = String(at - firstCell); paint(); }
  });
  find.addEventListener("input", choose);
  sort.addEventListener("change", order);
  all("form").forEach((form) => form.addEventListener("submit", (event) => event.preventDefault()));
  document.querySelector("form").addEventListener("reset", () => setTimeout(() => { choose(); order(); }, 0));
  all(".live").forEach((part) => { part.hidden = false; });
  order();
  choose();
  document.documentElement.dataset.geoplan = "ready";
})();
