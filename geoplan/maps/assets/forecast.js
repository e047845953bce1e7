"use strict";
// The map by year: a slider that recolours the areas and marks the year's column in the table beside it.
(function () {
  var block = document.getElementById("geoplan-years");
  var slider = document.getElementById("year");
  if (!block || !slider) { return; }
  var data = JSON.parse(block.textContent);
  var said = document.getElementById("year-said");
  var picked = document.querySelectorAll("input[name=intake]");
  var map = document.querySelector("svg.map");
  document.getElementById("year-controls").hidden = false;
  function show() {
    var at = Number(slider.value), intake = 0;
    picked.forEach(function (each, i) { if (each.checked) { intake = i; } });
    var shades = data.shades[intake][at];
    data.places.forEach(function (place, i) {
      map.querySelectorAll('[data-place="' + i + '"]').forEach(function (path) { path.setAttribute("fill", data.fills[shades[i]]); });
    });
    said.textContent = data.years[at];
    slider.setAttribute("aria-valuetext", data.years[at]);
    document.querySelectorAll("[data-intake]").forEach(function (table) {
      table.hidden = Number(table.getAttribute("data-intake")) !== intake;
    });
    document.querySelectorAll("[data-at]").forEach(function (cell) {
      cell.classList.toggle("is-now", Number(cell.getAttribute("data-at")) === at);
    });
  }
  slider.addEventListener("input", show);
  picked.forEach(function (each) { each.addEventListener("change", show); });
  show();
})();
