/*
 * The script of a geoplan map page. No build step; needs Leaflet 1.9.
 *
 * Rules kept here: data comes from data blocks in the page only; text goes in as text (textContent), never as
 * HTML; nothing is fetched; a number is printed exactly as the block gives it, so that the map, the
 * card and the table can never disagree.
 *
 *   1 elements   2 data blocks   3 shapes   4 canvas   5 areas, outlines, schools   6 cards   7 page
 */
var geoplan = (function () {
  "use strict";

  const HIDDEN = -1, MISSING = -2;
  const WORLD = 2 * Math.PI * 6378137;
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  // ---- 1 elements -------------------------------------------------------------------------------

  /** An element with attributes and children; a child that is not an element becomes text. */
  function el(tag, attributes, ...children) {
    const node = document.createElement(tag);
    return fill(node, attributes, children);
  }

  function svg(tag, attributes, ...children) {
    return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
  }

  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
    for (const child of children.flat()) node.append(child instanceof Node ? child : String(child));
    return node;
  }

  // ---- 2 data blocks ----------------------------------------------------------------------------

  const blocks = new Map();

  /** The value of a data block, read once however many layers use it. */
  function readBlock(id, make) {
    if (!blocks.has(id)) blocks.set(id, unpack(document.getElementById(id)).then(make || (value => value)));
    return blocks.get(id);
  }

  async function unpack(node) {
    if (node.dataset.packing !== "gzip") return JSON.parse(node.textContent);
    if (typeof DecompressionStream === "undefined") throw new Error("This browser is too old to draw the map.");
    const bytes = Uint8Array.from(atob(node.textContent), char => char.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  // ---- 3 shapes: whole-number steps to a world that is 1 wide and 1 high, as Leaflet has it -----------

  const worldX = metres => 0.5 + metres / WORLD;
  const worldY = metres => 0.5 - metres / WORLD;

  function decodeShapes(block) {
    const count = block.codes.length, vertices = block.dx.length;
    const x = new Float64Array(vertices), y = new Float64Array(vertices);
    let gx = 0, gy = 0;
    for (let i = 0; i < vertices; i++) {
      gx += block.dx[i];
      gy += block.dy[i];
      x[i] = worldX(block.origin[0] + gx * block.step);
      y[i] = worldY(block.origin[1] + gy * block.step);
    }
    const start = new Uint32Array(block.lengths.length + 1);
    block.lengths.forEach((length, ring) => { start[ring + 1] = start[ring] + length; });
    const first = new Uint32Array(count + 1);
    block.rings.forEach((rings, area) => { first[area + 1] = first[area] + rings; });
    const box = new Float64Array(4 * count), all = [1, 1, 0, 0];
    for (let area = 0; area < count; area++) {
      let w = 1, n = 1, e = 0, s = 0;
      for (let i = start[first[area]]; i < start[first[area + 1]]; i++) {
        if (x[i] < w) w = x[i];
        if (x[i] > e) e = x[i];
        if (y[i] < n) n = y[i];
        if (y[i] > s) s = y[i];
      }
      box.set([w, n, e, s], 4 * area);
      if (e >= w) {
        all[0] = Math.min(all[0], w); all[1] = Math.min(all[1], n);
        all[2] = Math.max(all[2], e); all[3] = Math.max(all[3], s);
      }
    }
    const centres = block.cx ? block.cx.map((cx, i) => [worldX(cx), worldY(block.cy[i])]) : null;
    return { count, codes: block.codes, names: block.names, x, y, start, first, box, all, centres };
  }

  /** Number of the area at a point of the world, or -1. */
  function areaAt(shapes, px, py) {
    const { box, first, start, x, y } = shapes;
    for (let area = 0; area < shapes.count; area++) {
      const b = 4 * area;
      if (px < box[b] || px > box[b + 2] || py < box[b + 1] || py > box[b + 3]) continue;
      let inside = false;
      for (let ring = first[area]; ring < first[area + 1]; ring++) {
        for (let i = start[ring], j = start[ring + 1] - 1; i < start[ring + 1]; j = i++) {
          if (y[i] > py !== y[j] > py && px < (x[j] - x[i]) * (py - y[i]) / (y[j] - y[i]) + x[i]) inside = !inside;
        }
      }
      if (inside) return area;
    }
    return -1;
  }

  const toLatLng = (map, x, y) => map.unproject([x * 256, y * 256], 0);
  const toBounds = (map, all) => L.latLngBounds(toLatLng(map, all[0], all[3]), toLatLng(map, all[2], all[1]));

  // ---- 4 canvas: one picture for each layer, drawn again after each move ---------------------------------

  const Picture = L.Renderer.extend({
    options: { padding: 0.2, pane: "overlayPane" },

    initialize(options) {
      L.Renderer.prototype.initialize.call(this, options);
      this.shapes = null;
    },

    onAdd() {
      const map = this._map;
      if (!map.getPane(this.options.pane)) map.createPane(this.options.pane).style.zIndex = this.options.zIndex;
      L.Renderer.prototype.onAdd.call(this);
      if (this.options.alone) map.on("click", this._card, this);
    },

    onRemove() {
      this._map.off("click", this._card, this);
      L.Renderer.prototype.onRemove.call(this);
    },

    _card() {},
    _updatePaths() {},

    _initContainer() {
      this._container = el("canvas", { "aria-hidden": "true" });
      this._container.style.pointerEvents = "none";
      this._container.style.position = "absolute";
      this._ctx = this._container.getContext("2d");
    },

    _destroyContainer() {
      this._container.remove();
      delete this._container;
    },

    _update() {
      if (this._map._animatingZoom && this._bounds) return;
      L.Renderer.prototype._update.call(this);
      const size = this._bounds.getSize(), printing = document.documentElement.classList.contains("printing");
      const ratio = printing ? 3 : Math.min(window.devicePixelRatio || 1, 3);
      L.DomUtil.setPosition(this._container, this._bounds.min);
      this._container.style.width = size.x + "px";
      this._container.style.height = size.y + "px";
      this._ratio = ratio;
      this.redraw();
    },

    redraw() {
      if (!this._map || !this._container) return;
      const ctx = this._ctx, size = this._bounds.getSize(), origin = this._map.getPixelOrigin();
      // A new size clears the canvas.
      this._container.width = Math.round(this._ratio * size.x);
      this._container.height = Math.round(this._ratio * size.y);
      ctx.setTransform(this._ratio, 0, 0, this._ratio, 0, 0);
      const scale = 256 * Math.pow(2, this._map.getZoom());
      const left = origin.x + this._bounds.min.x, top = origin.y + this._bounds.min.y;
      const view = { scale, left, top, width: size.x, height: size.y };
      this.draw(ctx, view);
      this._map.fire("geoplan:drawn");
    },

    getBounds() {
      return this.shapes && this._map ? toBounds(this._map, this.shapes.all) : null;
    },
  });

  /** The rings of an area as a path; vertices closer than about half a pixel to the last are left out. */
  function trace(ctx, shapes, area, view) {
    const { x, y, start, first, box } = shapes, { scale, left, top } = view, b = 4 * area;
    if ((box[b + 2] - box[b]) * scale < 1.5 && (box[b + 3] - box[b + 1]) * scale < 1.5) {
      ctx.rect(box[b] * scale - left, box[b + 1] * scale - top, 1.3, 1.3);
      return;
    }
    for (let ring = first[area]; ring < first[area + 1]; ring++) {
      const end = start[ring + 1];
      let px = x[start[ring]] * scale - left, py = y[start[ring]] * scale - top;
      ctx.moveTo(px, py);
      for (let i = start[ring] + 1; i < end; i++) {
        const qx = x[i] * scale - left, qy = y[i] * scale - top;
        if (Math.abs(qx - px) + Math.abs(qy - py) < 0.7) continue;
        ctx.lineTo(px = qx, py = qy);
      }
      ctx.closePath();
    }
  }

  function inView(shapes, area, view) {
    const b = 4 * area, { box } = shapes, { scale, left, top } = view;
    return box[b + 2] * scale > left && box[b] * scale < left + view.width &&
      box[b + 3] * scale > top && box[b + 1] * scale < top + view.height;
  }

  /** Hatching for hidden (grey, lines) and dots for missing (white), the same as in the legend. */
  function pattern(ctx, style, ratio) {
    const tile = el("canvas", { width: 8 * ratio, height: 8 * ratio }), t = tile.getContext("2d");
    t.scale(ratio, ratio);
    t.fillStyle = style.fill;
    t.fillRect(0, 0, 8, 8);
    t.strokeStyle = t.fillStyle = style.hatch;
    if (style.dots) {
      t.beginPath();
      t.arc(2, 2, 0.9, 0, 7);
      t.arc(6, 6, 0.9, 0, 7);
      t.fill();
    } else {
      t.lineWidth = 1;
      t.beginPath();
      for (const from of [-8, 0, 8]) { t.moveTo(from - 1, 9); t.lineTo(from + 9, -1); }
      t.stroke();
    }
    const made = ctx.createPattern(tile, "repeat");
    made.setTransform(new DOMMatrix().scale(1 / ratio));
    return made;
  }

  const meet = (a, b) => a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1];

  /** Text with a pale edge, a little higher or lower if needed, unless it would lie on something taken. What is centred
      on a point in sight stays in sight. */
  function label(ctx, text, x, at0, taken, font, shifts, sight) {
    ctx.font = font;
    const width = ctx.measureText(text).width, seen = sight && x > sight[0] && x < sight[1];
    const at = !shifts ? x : seen ? Math.max(sight[0] + 4, Math.min(x - width / 2, sight[1] - width - 4)) : x - width / 2;
    const boxAt = shift => [at - 3, at0 + shift - 9, at + width + 3, at0 + shift + 9];
    const shift = (shifts || [0]).find(s => !taken.some(other => meet(boxAt(s), other)));
    if (shift === undefined) return;
    const y = at0 + shift;
    taken.push(boxAt(shift));
    ctx.textBaseline = "middle";
    ctx.lineJoin = "round";
    ctx.lineWidth = 4;
    ctx.strokeStyle = "rgba(255,255,255,.92)";
    ctx.strokeText(text, at, y);
    ctx.fillStyle = "#0b0c0c";
    ctx.fillText(text, at, y);
  }

  // ---- 5 the three kinds of layer ---------------------------------------------------------------

  const Areas = Picture.extend({
    options: { pane: "geoplan-areas", zIndex: 390 },

    initialize(options) {
      Picture.prototype.initialize.call(this, options);
      this.selected = -1;
      this.ready = Promise.all([readBlock(options.shapes, decodeShapes), readBlock(options.data)])
        .then(([shapes, data]) => {
          this.shapes = shapes;
          this.data = data;
          this.redraw();
          return this;
        });
    },

    draw(ctx, view) {
      if (!this.shapes) return;
      const { shapes, data } = this, byClass = new Map();
      let shown = 0;
      for (let area = 0; area < shapes.count; area++) {
        if (!inView(shapes, area, view)) continue;
        shown++;
        if (!byClass.has(data.classes[area])) byClass.set(data.classes[area], []);
        byClass.get(data.classes[area]).push(area);
      }
      const roomy = view.width * view.height / Math.max(shown, 1) > 60;
      for (const [number, members] of byClass) {
        const flat = number >= 0 ? data.colours[number] : null;
        const paint = flat || pattern(ctx, number === HIDDEN ? data.hidden : data.missing, this._ratio);
        ctx.fillStyle = paint;
        ctx.strokeStyle = paint;
        ctx.lineWidth = 0.6;
        for (let at = 0; at < members.length; at += 200) {  // smaller paths fill faster
          ctx.beginPath();
          for (const area of members.slice(at, at + 200)) trace(ctx, shapes, area, view);
          ctx.fill();
          if (flat) ctx.stroke();
        }
      }
      if (roomy) this._lines(ctx, view, [...byClass.values()].flat(), data.outline, shown > 400 ? 0.5 : 0.8);
      if (this.selected >= 0) {
        this._lines(ctx, view, [this.selected], "#ffffff", 6);
        this._lines(ctx, view, [this.selected], "#0b0c0c", 3);
      }
    },

    _lines(ctx, view, members, colour, width) {
      ctx.strokeStyle = colour;
      ctx.lineWidth = width;
      ctx.lineJoin = "round";
      for (let at = 0; at < members.length; at += 200) {
        ctx.beginPath();
        for (const area of members.slice(at, at + 200)) trace(ctx, this.shapes, area, view);
        ctx.stroke();
      }
    },

    at(latlng) {
      if (!this.shapes || !this._map) return -1;
      const point = this._map.project(latlng, 0);
      return areaAt(this.shapes, point.x / 256, point.y / 256);
    },

    select(area) {
      this.selected = area;
      this.redraw();
    },

    boundsOf(area) {
      return toBounds(this._map, this.shapes.box.slice(4 * area, 4 * area + 4));
    },

    _card(event) {
      const area = this.at(event.latlng);
      if (area >= 0) L.popup().setLatLng(event.latlng).setContent(areaCard(this, area)).openOn(this._map);
    },
  });

  const Outlines = Picture.extend({
    options: { pane: "geoplan-outlines", zIndex: 410 },

    initialize(options) {
      Picture.prototype.initialize.call(this, options);
      this.ready = readBlock(options.shapes, decodeShapes).then(shapes => {
        this.shapes = shapes;
        this.redraw();
        return this;
      });
    },

    getEvents() {
      const keepClear = event => {
        if (this.options.names && String(event.boxes) !== String(this.taken)) { this.taken = event.boxes; this.redraw(); }
      };
      return { ...Picture.prototype.getEvents.call(this), "geoplan:taken": keepClear };
    },

    draw(ctx, view) {
      const { shapes } = this;
      if (!shapes) return;
      const members = [...Array(shapes.count).keys()].filter(area => inView(shapes, area, view));
      // borders with names stand out from what is coloured; without names they are only there to find one's way
      const strokes = this.options.names ? [["rgba(255,255,255,.8)", 3.5], ["#0b0c0c", 1.3]] : [["#7d8589", 0.8]];
      for (const [colour, width] of strokes) {
        ctx.strokeStyle = colour;
        ctx.lineWidth = width;
        ctx.lineJoin = "round";
        ctx.beginPath();
        for (const area of members) trace(ctx, shapes, area, view);
        ctx.stroke();
      }
      if (!this.options.names || !shapes.centres) return;
      const taken = [...(this.taken || [])], across = this._map.getSize().x, small = across < 500;
      const west = this._map.containerPointToLayerPoint([0, 0]).x - this._bounds.min.x;
      for (const area of members) {
        const [x, y] = shapes.centres[area];
        label(ctx, shapes.names[area], x * view.scale - view.left, y * view.scale - view.top, taken,
          "600 " + (small ? 11 : 13) + "px system-ui, Arial, sans-serif", small ? [0, -11, 11, -20, 20] : [0, -14, 14, -26, 26],
          [west, west + across]);
      }
    },
  });

  const Schools = Picture.extend({
    options: { pane: "geoplan-schools", zIndex: 450 },

    initialize(options) {
      Picture.prototype.initialize.call(this, options);
      this.selected = -1;
      this.ready = readBlock(options.data).then(data => {
        this.data = data;
        this.sites = sites(data);
        this.redraw();
        return this;
      });
    },

    radius() {
      return Math.min(8, Math.max(4, 4 + (this._map.getZoom() - 8) * 0.9));
    },

    /** Where each school is drawn: those on one site stand round it, so that none hides another. */
    place(school, view) {
      const { x, y, turn, of } = this.sites[school], apart = of > 1 ? this.radius() * 1.25 / Math.sin(Math.PI / of) : 0;
      return [x * view.scale - view.left + apart * Math.sin(turn), y * view.scale - view.top - apart * Math.cos(turn)];
    },

    draw(ctx, view) {
      if (!this.data) return;
      const { data } = this, radius = this.radius(), special = new Set(data.highlight), taken = [], named = [];
      const marks = [];
      const order = [...data.codes.keys()].filter(school => this.sites[school]);
      order.sort((a, b) => (a === this.selected) - (b === this.selected) || special.has(a) - special.has(b));
      for (const school of order) {
        const [px, py] = this.place(school, view), chosen = school === this.selected;
        if (px < -20 || py < -20 || px > view.width + 20 || py > view.height + 20) continue;
        const r = special.has(school) || chosen ? radius + 4 : radius;
        mark(ctx, data.marks[school], px, py, r + 2, "#ffffff");
        mark(ctx, data.marks[school], px, py, r, chosen ? "#0b0c0c" : data.colour);
        if (special.has(school) && !chosen) mark(ctx, data.marks[school], px, py, r - 4, data.spot);
        if (chosen) mark(ctx, data.marks[school], px, py, r - 4, "#ffdd00");
        named.unshift([school, px + r + 5, py, special.has(school) || chosen]);
        marks.push([px - r, py - r, px + r, py + r]);
      }
      for (const [school, px, py, always] of named) {
        if (always || this._map.getZoom() >= 13.5) {
          label(ctx, data.names[school], px, py, taken, (always ? "700" : "400") + " 13px system-ui, Arial, sans-serif");
        }
      }
      this._map.fire("geoplan:taken", { boxes: taken.concat(marks) });
    },

    /** Schools within a finger's width of a point, nearest first. */
    near(latlng) {
      if (!this.data || !this._map) return [];
      const zoom = this._map.getZoom(), point = this._map.project(latlng, zoom);
      const view = { scale: 256 * Math.pow(2, zoom), left: point.x, top: point.y }, reach = Math.max(13, this.radius() + 5);
      const found = [];
      for (const school of this.data.codes.keys()) {
        if (!this.sites[school]) continue;
        const gap = Math.hypot(...this.place(school, view));
        if (gap <= reach) found.push([gap, school]);
      }
      return found.sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(pair => pair[1]);
    },

    select(school) {
      this.selected = school;
      this.redraw();
    },

    latLng(school) {
      const site = this.sites[school];
      return site ? toLatLng(this._map, site.x, site.y) : null;
    },

    _card(event) {
      const found = this.near(event.latlng);
      if (!found.length) return;
      const cards = found.map(school => schoolCard(this, school));
      L.popup().setLatLng(event.latlng).setContent(el("div", {}, cards)).openOn(this._map);
    },
  });

  function sites(data) {
    const groups = new Map();
    data.codes.forEach((code, school) => {
      if (data.x[school] === null) return;
      const key = Math.round(data.x[school] / 30) + " " + Math.round(data.y[school] / 30);
      groups.set(key, [...(groups.get(key) || []), school]);
    });
    const places = [];
    for (const members of groups.values()) {
      members.forEach((school, at) => {
        places[school] = {
          x: worldX(data.x[members[0]]), y: worldY(data.y[members[0]]),
          turn: Math.PI / 2 + 2 * Math.PI * at / members.length, of: members.length,
        };
      });
    }
    return places;
  }

  function mark(ctx, kind, x, y, r, colour) {
    ctx.beginPath();
    if (kind === "square") ctx.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8);
    else if (kind === "triangle") {
      ctx.moveTo(x, y - r * 1.2); ctx.lineTo(x + r * 1.15, y + r * 0.85); ctx.lineTo(x - r * 1.15, y + r * 0.85);
    } else if (kind === "diamond") {
      ctx.moveTo(x, y - r * 1.25); ctx.lineTo(x + r * 1.25, y); ctx.lineTo(x, y + r * 1.25); ctx.lineTo(x - r * 1.25, y);
    } else ctx.arc(x, y, r, 0, 7);
    ctx.closePath();
    ctx.fillStyle = colour;
    ctx.fill();
  }

  // ---- 6 cards: what is known of one area or school ----------------------------------------------------

  function facts(pairs) {
    return el("dl", { class: "facts" }, pairs.map(([name, text, number]) => [
      el("dt", {}, name),
      el("dd", {}, text, number && text === "c" ? el("small", {}, " hidden: a small number") : ""),
    ]).flat());
  }

  function areaCard(layer, area) {
    const { shapes, data } = layer;
    return el("div", { class: "card" },
      el("h3", {}, shapes.names[area] || shapes.codes[area]),
      el("p", { class: "code" }, shapes.codes[area]),
      facts(data.columns.map(column => [column.label, column.texts[area], !column.words])),
      data.note ? el("p", { class: "note" }, data.note) : "");
  }

  function schoolCard(layer, school) {
    const { data } = layer;
    return el("div", { class: "card" },
      el("h3", {}, data.names[school]),
      el("p", { class: "code" }, data.codeName + " " + data.codes[school],
        data.x[school] === null ? " (no position known: not on the map)" : ""),
      data.columns.length ? facts(data.columns.map(column => [column.label, column.texts[school]])) : "",
      data.details[school].map(detail));
  }

  function detail(block) {
    if (block.kind === "text") return el("p", {}, block.text);
    return el("div", { class: "detail" }, el("h4", {}, block.title),
      block.kind === "bars" ? barTable(block) : sideways(block.title, plainTable(block)),
      block.note ? el("p", { class: "note" }, block.note) : "");
  }

  const numberColumns = (columns, first) => columns.map((c, at) => (c.words ? "" : " n" + (first + at))).join("");

  function plainTable(block) {
    return el("table", { class: "plain" + numberColumns(block.columns, 1) },
      el("thead", {}, el("tr", {}, block.columns.map(c => el("th", { scope: "col" }, c.label)))),
      el("tbody", {}, block.columns[0].texts.map((_, row) => el("tr", {}, block.columns.map(c => el("td", {}, c.texts[row]))))));
  }

  /** A table too wide for its place scrolls in a region of its own, which the keyboard reaches. */
  function sideways(title, table) {
    return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Table: " + title }, table);
  }

  /** Bars as a table: a screen reader reads the numbers, the picture is drawn beside them. */
  function barTable(block) {
    const heads = block.heads.map((head, at) =>
      el("th", { scope: "col", role: "columnheader", class: at === 4 ? "range" : "" }, head));
    const rows = block.rows.map(row => el("tr", { role: "row" },
      el("th", { scope: "row", role: "rowheader" }, row.label),
      el("td", { role: "cell", class: "picture" }, barPicture(row)),
      row.texts.map((text, at) => el("td", { role: "cell", class: at === 2 ? "number range" : "number" }, text))));
    return el("table", { class: "bars", role: "table" }, el("caption", {}, block.key),
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, heads)), el("tbody", { role: "rowgroup" }, rows));
  }

  function barPicture(row) {
    const picture = svg("svg", { viewBox: "0 0 200 22", preserveAspectRatio: "none", "aria-hidden": "true", class: "bar" });
    picture.append(...row.parts.map(part => svg("rect", part)));
    return picture;
  }

  // ---- 7 the page ------------------------------------------------------------------------------

  /** Ties the controls of the page to the map. `layers` has lists of areas, outlines and schools. */
  function page(map, layers) {
    const $ = selector => document.querySelector(selector);
    const $$ = selector => [...document.querySelectorAll(selector)];
    const card = $("#geoplan-card"), status = $("#geoplan-status"), hover = $("#geoplan-hover");
    const frame = map.getContainer();
    const state = { areas: layers.areas[0] || null, home: null, tables: [] };
    const narrow = window.matchMedia("(max-width: 860px)");
    const everything = [...layers.areas, ...layers.outlines, ...layers.schools];

    if (calm) map._zoomAnimated = false;
    map.scrollWheelZoom.disable();  // so that a wheel scrolls the page, until the map is in use
    frame.addEventListener("focus", () => map.scrollWheelZoom.enable());
    frame.addEventListener("blur", () => map.scrollWheelZoom.disable());
    frame.setAttribute("role", "application");
    frame.setAttribute("aria-label", "Map. Arrow keys move it, plus and minus zoom, Enter reads the place at the centre.");
    frame.setAttribute("aria-describedby", "geoplan-map-title");

    function say(text) { status.textContent = text; }

    function wholeArea() {
      const known = everything.map(layer => layer.shapes).filter(Boolean).map(shapes => shapes.all);
      for (const layer of layers.schools) {
        for (const site of known.length ? [] : layer.sites.filter(Boolean)) known.push([site.x, site.y, site.x, site.y]);
      }
      if (!known.length) return null;
      const low = at => Math.min(...known.map(all => all[at])), high = at => Math.max(...known.map(all => all[at]));
      return toBounds(map, [low(0), low(1), high(2), high(3)]);
    }

    function goHome(animate) {
      state.home = wholeArea();
      if (state.home) map.fitBounds(state.home, { padding: [12, 12], animate: animate && !calm });
    }

    function clear() {
      for (const layer of [...layers.areas, ...layers.schools]) if (layer.selected !== -1) layer.select(-1);
    }

    function showArea(area) {
      clear();
      for (const layer of layers.areas) if (layer.options.shapes === state.areas.options.shapes) layer.selected = area;
      state.areas.redraw();
      card.replaceChildren(areaCard(state.areas, area));
      reveal();
    }

    function showSchool(layer, school) {
      clear();
      layer.select(school);
      card.replaceChildren(schoolCard(layer, school));
      reveal();
    }

    /** Where the card stands under the map, it comes into view: no further than it must, so that the map stays. */
    function reveal() {
      if (narrow.matches) card.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
    }

    /** Several schools under one finger: a button for each, and one for the area they stand in. */
    function offer(found, area) {
      clear();
      const choice = (text, act) => {
        const button = el("button", { type: "button" }, text);
        button.addEventListener("click", act);
        return el("li", {}, button);
      };
      card.replaceChildren(el("div", { class: "card" },
        el("h3", {}, found.length + " schools are here"),
        el("ul", { class: "choices" },
          found.map(([layer, school]) => choice(layer.data.names[school], () => showSchool(layer, school))),
          area >= 0 ? choice("The area: " + state.areas.shapes.names[area], () => showArea(area)) : "")));
      reveal();
    }

    function schoolsAt(latlng) {
      return layers.schools.filter(layer => map.hasLayer(layer))
        .flatMap(layer => layer.near(latlng).map(school => [layer, school]));
    }

    function choose(latlng) {
      const found = schoolsAt(latlng), clearly = found.length > 1 && onlyOneUnder(found, latlng);
      if (found.length === 1 || clearly) return showSchool(...found[0]);
      const area = state.areas ? state.areas.at(latlng) : -1;
      if (found.length > 1) return offer(found, area);
      if (area >= 0) showArea(area);
    }

    /** True when the nearest of several schools is plainly the one meant: the pointer is on it alone. */
    function onlyOneUnder(found, latlng) {
      const gaps = found.map(([layer, school]) => {
        const zoom = map.getZoom(), point = map.project(latlng, zoom);
        return Math.hypot(...layer.place(school, { scale: 256 * Math.pow(2, zoom), left: point.x, top: point.y }));
      });
      return gaps[0] < 8 && gaps[1] - gaps[0] > 6;
    }

    function textAt(latlng) {
      const found = schoolsAt(latlng);
      if (found.length > 2) return found.length + " schools";
      if (found.length) return found.map(([layer, school]) => layer.data.names[school]).join("; ");
      const shown = state.right && map.latLngToContainerPoint(latlng).x > cut() ? state.right : state.areas;
      const area = shown ? shown.at(latlng) : -1;
      if (area < 0) return "";
      const { shapes, data } = shown;
      return (shapes.names[area] || shapes.codes[area]) + ": " + data.columns[0].texts[area];
    }

    function showHover(text, point) {
      hover.hidden = !text;
      if (!text) return;
      hover.textContent = text;
      const right = point.x > map.getSize().x / 2;
      hover.style.left = right ? "auto" : point.x + 14 + "px";
      hover.style.right = right ? map.getSize().x - point.x + 14 + "px" : "auto";
      hover.style.top = Math.max(2, point.y - 34) + "px";
    }

    map.on("mousemove", event => {
      const text = textAt(event.latlng);
      frame.style.cursor = text ? "pointer" : "";
      showHover(text, event.containerPoint);
    });
    map.on("mouseout movestart", () => showHover("", null));
    map.on("click", event => {
      showHover(textAt(event.latlng), event.containerPoint);
      choose(event.latlng);
    });
    frame.addEventListener("keydown", event => {
      if (event.key === "Enter") choose(map.getCenter());
      if (event.key === "Escape") showHover("", null);
    });
    map.on("moveend", () => {
      if (document.activeElement !== frame || !document.documentElement.classList.contains("keys")) return;
      const text = textAt(map.getCenter());
      say(text);
      showHover(text, map.getSize().divideBy(2));
    });

    // The ring and the cross at the centre are for the keyboard: a tap also gives the map the focus.
    const keys = used => () => document.documentElement.classList.toggle("keys", used);
    document.addEventListener("keydown", keys(true), true);
    document.addEventListener("pointerdown", keys(false), true);

    // Swipe: a second layer of areas on the right of a line; each layer's outlines go with it.
    const swipe = { on: $("#geoplan-swipe-on"), left: $("#geoplan-swipe-left"), right: $("#geoplan-swipe-right"),
      at: $("#geoplan-swipe-at"), line: $("#geoplan-swipe-line") };
    const cut = () => map.getSize().x * Number(swipe.at.value) / 100;

    function linesOf(number) {
      const input = $("input[name=geoplan-areas][value='" + number + "']");
      return input && input.dataset.lines ? layers.outlines[Number(input.dataset.lines)] : null;
    }

    /** Cuts the pictures at the line: what is of the left map ends there, what is of the right begins. */
    function clip() {
      if (!swipe.on) return;
      const x = cut();
      for (const layer of [...layers.areas, ...layers.outlines]) {
        const canvas = layer._container;
        if (!canvas || !map.hasLayer(layer)) continue;
        const side = state.right ? layer.side : "", at = x - map.layerPointToContainerPoint(layer._bounds.min).x;
        canvas.style.clipPath = side === "left" ? "inset(0 calc(100% - " + at + "px) 0 0)"
          : side === "right" ? "inset(0 0 0 " + at + "px)" : "";
      }
      swipe.line.hidden = !state.right;
      swipe.line.style.left = x + frame.offsetLeft + frame.clientLeft + "px";
    }

    function swipeTo(left, right) {
      state.right = null;
      swipe.on.checked = right >= 0;
      $$("#geoplan-swipe .sides, #geoplan-swipe-slider").forEach(node => { node.hidden = right < 0; });
      if (right < 0) return clip();
      $("input[name=geoplan-areas][value='" + left + "']").checked = true;
      switchTo(left);
      state.right = layers.areas[right];
      for (const [number, side] of [[left, "left"], [right, "right"]]) {
        for (const layer of [layers.areas[number], linesOf(number)].filter(Boolean)) {
          layer.side = left === right ? "" : side;
          map.addLayer(layer);
          layer.redraw();
        }
      }
      $("[data-legend='" + right + "']").hidden = false;
      const [a, b] = [swipe.left, swipe.right].map(choice => choice.selectedOptions[0].textContent);
      $("#geoplan-map-title").textContent = "Left: " + a + ". Right: " + b + ".";
      where();
      clip();
    }

    /** The slider says where the line is in words. */
    function where() {
      swipe.at.setAttribute("aria-valuetext", swipe.at.value + "% of the map shows " + swipe.left.selectedOptions[0].textContent);
    }

    /** The line itself is dragged by mouse, pen or finger; the slider below does the same for everybody else. */
    function dragLine() {
      const moves = event => {
        const corner = frame.getBoundingClientRect(), share = (event.clientX - corner.left - frame.clientLeft) / size().x;
        swipe.at.value = Math.round(100 * Math.max(0, Math.min(1, share)));
        where();
        clip();
      };
      swipe.line.addEventListener("pointerdown", event => {
        event.preventDefault();
        swipe.line.setPointerCapture(event.pointerId);
        swipe.line.addEventListener("pointermove", moves);
      });
      for (const end of ["pointerup", "pointercancel"]) {
        swipe.line.addEventListener(end, () => {
          swipe.line.removeEventListener("pointermove", moves);
          say(swipe.at.getAttribute("aria-valuetext"));
        });
      }
    }

    function readySwipe() {
      if (!swipe.on) return;
      swipe.right.selectedIndex = 1;
      const again = () => swipeTo(swipe.on.checked ? Number(swipe.left.value) : -1, swipe.on.checked ? Number(swipe.right.value) : -1);
      swipe.on.addEventListener("change", () => {
        again();
        if (!swipe.on.checked) switchTo(Number($("input[name=geoplan-areas]:checked").value));
        say(swipe.on.checked ? $("#geoplan-map-title").textContent : "One map");
      });
      const chosen = () => { again(); say($("#geoplan-map-title").textContent); };
      swipe.left.addEventListener("change", chosen);
      swipe.right.addEventListener("change", chosen);
      swipe.at.addEventListener("input", () => { where(); clip(); });
      swipe.at.addEventListener("keydown", event => {
        const by = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5 }[event.key];
        if (!by) return;
        event.preventDefault();
        swipe.at.value = Number(swipe.at.value) + by;
        where();
        clip();
      });
      $$("[data-swipe]").forEach(button => button.addEventListener("click", () => {
        swipe.at.value = button.dataset.swipe;
        where();
        clip();
        say(swipe.at.getAttribute("aria-valuetext"));
      }));
      dragLine();
      map.on("move zoom resize geoplan:drawn", clip);
      swipeTo(-1, -1);
    }

    // Layers: one of areas at a time; outlines and schools on or off.
    function switchTo(number) {
      if (swipe.on) {
        const own = linesOf(number);
        state.right = null;
        layers.areas.map((_, at) => linesOf(at)).filter(Boolean).forEach(lines => { if (lines !== own) map.removeLayer(lines); });
        if (own) map.addLayer(own);
      }
      layers.areas.forEach((layer, at) => { at === number ? map.addLayer(layer) : map.removeLayer(layer); });
      const before = state.areas;
      state.areas = layers.areas[number];
      $$("[data-legend]").forEach(node => { node.hidden = node.dataset.legend !== String(number); });
      $$("[data-table]").forEach(node => { node.classList.toggle("not-shown", node.dataset.table !== String(number)); });
      $("#geoplan-map-title").textContent = state.areas.data.title;
      if (before !== state.areas && before.selected >= 0) {
        const keep = before.options.shapes === state.areas.options.shapes ? before.selected : -1;
        keep >= 0 ? showArea(keep) : clear();
      }
    }
    $$("input[name=geoplan-areas]").forEach(input => input.addEventListener("change", () => {
      if (swipe.on) swipeTo(-1, -1);
      switchTo(Number(input.value));
      clip();
      say("Map shows " + state.areas.data.title);
    }));
    $$("input[data-toggle]").forEach(input => input.addEventListener("change", () => {
      const [kind, number] = input.dataset.toggle.split("-"), layer = layers[kind][Number(number)];
      input.checked ? map.addLayer(layer) : map.removeLayer(layer);
      $$("[data-key='" + input.dataset.toggle + "']").forEach(node => { node.hidden = !input.checked; });
    }));

    // Buttons instead of dragging and pinching.
    const size = () => map.getSize();
    const moves = {
      in: () => map.zoomIn(1, { animate: !calm }), out: () => map.zoomOut(1, { animate: !calm }),
      left: () => map.panBy([-size().x / 3, 0], { animate: !calm }),
      right: () => map.panBy([size().x / 3, 0], { animate: !calm }),
      up: () => map.panBy([0, -size().y / 3], { animate: !calm }),
      down: () => map.panBy([0, size().y / 3], { animate: !calm }), whole: () => goHome(true),
    };
    $$("button[data-move]").forEach(button => button.addEventListener("click", moves[button.dataset.move]));

    // Print: the same view on a sheet of A4, sharp. A browser may print a canvas on a white ground, which would hide
    // the layers beneath it, so for the printer all of them are put on one.
    function beforePrint() {
      if (document.documentElement.classList.contains("printing")) return;
      state.view = map.getBounds();
      const apart = map.project(state.view.getSouthEast()).subtract(map.project(state.view.getNorthWest()));
      document.documentElement.classList.add("printing");
      frame.style.height = Math.min(148, Math.max(80, 180 * apart.y / apart.x)) + "mm";
      map.invalidateSize({ animate: false, pan: false });
      map.fitBounds(state.view, { animate: false });
      const sheet = el("canvas", { class: "sheet", width: 3 * size().x, height: 3 * size().y });
      const paper = sheet.getContext("2d"), corner = frame.getBoundingClientRect();
      for (const layer of everything.filter(layer => map.hasLayer(layer))) layer.redraw();
      for (const pane of ["geoplan-areas", "geoplan-outlines", "geoplan-schools"]) {
        for (const canvas of map.getPane(pane) ? map.getPane(pane).querySelectorAll("canvas") : []) {
          const at = canvas.getBoundingClientRect(), side = (everything.find(layer => layer._container === canvas) || {}).side;
          paper.save();
          if (state.right && side) {
            paper.beginPath();
            paper.rect(side === "left" ? 0 : 3 * cut(), 0, side === "left" ? 3 * cut() : 3 * size().x, 3 * size().y);
            paper.clip();
          }
          paper.drawImage(canvas, 3 * (at.left - corner.left - frame.clientLeft), 3 * (at.top - corner.top - frame.clientTop));
          paper.restore();
        }
      }
      frame.append(sheet);
      state.tables.forEach(show => show(true));
    }
    function afterPrint() {
      frame.querySelectorAll(".sheet").forEach(sheet => sheet.remove());
      document.documentElement.classList.remove("printing");
      frame.style.height = "";
      map.invalidateSize({ animate: false, pan: false });
      if (state.view) map.fitBounds(state.view, { animate: false });
      state.tables.forEach(show => show());
    }
    window.addEventListener("beforeprint", beforePrint);
    window.addEventListener("afterprint", afterPrint);
    window.matchMedia("print").addEventListener("change", event => (event.matches ? beforePrint() : afterPrint()));

    function start() {
      $$(".geoplan-live").forEach(node => { node.hidden = false; });
      map.invalidateSize({ animate: false });
      goHome(false);
      const focus = layers.areas.length ? layers.areas[0].options.focus || [] : [];
      if (focus.length) {
        const boxes = focus.map(area => layers.areas[0].boundsOf(area));
        map.fitBounds(boxes.reduce((all, box) => all.extend(box), L.latLngBounds(boxes[0])), { padding: [24, 24], animate: false });
      }
      readySwipe();
      if (layers.areas.length) switchTo(0);
      lookUp($("#geoplan-look-up"), $("#geoplan-look-up-table table"), $("#geoplan-answer"));
      search($("#geoplan-search"), $("#geoplan-options"), entries(layers, state), pick, say);
      state.tables = $$("[data-long-table]").map(node => longTable(node, layers.areas[Number(node.dataset.longTable)]));
      requestAnimationFrame(() => { document.documentElement.dataset.geoplan = "ready"; });
      return map;
    }

    function pick(entry) {
      if (entry.school !== undefined) {
        const at = entry.layer.latLng(entry.school);
        const toggle = $("input[data-toggle='schools-" + layers.schools.indexOf(entry.layer) + "']");
        if (toggle && !toggle.checked) toggle.click();
        if (at) map.setView(at, Math.max(map.getZoom(), Math.min(13, map.getBoundsZoom(state.home) + 2.5)), { animate: !calm });
        showSchool(entry.layer, entry.school);
      } else {
        map.fitBounds(state.areas.boundsOf(entry.area), { maxZoom: 13, animate: !calm });
        showArea(entry.area);
      }
    }

    function fail(error) {
      const failed = $("#geoplan-failed");
      failed.textContent = "The map cannot be drawn here: " + error.message + " The tables below have the same numbers.";
      failed.hidden = false;
      document.documentElement.dataset.geoplan = "failed";
    }

    return Promise.all(everything.map(layer => layer.ready)).then(start).catch(fail);
  }

  // ---- 7a search: a combobox over schools and areas

  const plain = text => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

  /** What can be found, made when first asked for: schools first, then the areas of the layer shown. */
  function entries(layers, state) {
    let schools = null, areas = new Map();
    return () => {
      schools = schools || layers.schools.flatMap(layer => layer.data.names.map((name, school) => ({
        layer, school, name, code: layer.data.codeName + " " + layer.data.codes[school],
        key: plain(name + " " + layer.data.codes[school]) })));
      const shapes = state.areas && state.areas.shapes;
      if (shapes && !areas.has(shapes)) {
        areas.set(shapes, shapes.names.map((name, area) => ({
          area, name: name || shapes.codes[area], code: shapes.codes[area], key: plain(name + " " + shapes.codes[area]) })));
      }
      return schools.concat(shapes ? areas.get(shapes) : []);
    };
  }

  function search(input, list, all, pick, say) {
    const MOST = 8;
    let found = [], active = -1;

    function close() {
      list.hidden = true;
      active = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    }

    function activate(at) {
      active = at;
      [...list.children].forEach((option, i) => option.setAttribute("aria-selected", String(i === at)));
      if (at < 0) return input.removeAttribute("aria-activedescendant");
      input.setAttribute("aria-activedescendant", list.children[at].id);
      list.children[at].scrollIntoView({ block: "nearest" });
    }

    function take(entry) {
      input.value = entry.name;
      close();
      pick(entry);
    }

    function look() {
      const words = plain(input.value).split(/\s+/).filter(Boolean);
      if (!words.length) { say(""); return close(); }
      const whole = words.join(" ");
      const rank = key => (key.startsWith(whole) ? 0 : key.includes(" " + whole) ? 1 : key.includes(whole) ? 2 : 3);
      const hits = all().filter(entry => words.every(word => entry.key.includes(word)));
      const groups = [[], [], [], []];
      for (const entry of hits) groups[rank(entry.key)].push(entry);
      found = groups.flat().slice(0, MOST);
      list.replaceChildren(...found.map((entry, at) => {
        const option = el("li", { role: "option", id: "geoplan-option-" + at, "aria-selected": "false" },
          entry.name + " ", el("span", { class: "code" }, entry.code));
        option.addEventListener("mousedown", event => event.preventDefault());
        option.addEventListener("click", () => take(entry));
        return option;
      }));
      list.hidden = !found.length;
      input.setAttribute("aria-expanded", String(found.length > 0));
      activate(-1);
      say(hits.length ? hits.length + " found" + (hits.length > MOST ? ", the first " + MOST + " are listed" : "")
        : "Nothing found");
    }

    input.addEventListener("input", look);
    input.addEventListener("blur", close);
    input.addEventListener("keydown", event => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (list.hidden) look();
        if (!found.length || list.hidden) return;
        const step = event.key === "ArrowDown" ? 1 : -1;
        activate((active + step + found.length + (active < 0 && step < 0 ? 1 : 0)) % found.length);
      } else if (event.key === "Enter") {
        event.preventDefault();
        if (!list.hidden && found.length) take(found[Math.max(active, 0)]);
      } else if (event.key === "Escape") {
        if (list.hidden) input.value = "";
        close();
      }
    });
  }

  // ---- 7a2 look-up: a postcode's row of a table that stands in the page

  function lookUp(form, table, answer) {
    if (!form || !table) return;
    const tidy = text => text.toUpperCase().replace(/[^A-Z0-9]/g, "");
    const heads = [...table.tHead.rows[0].cells].map(cell => cell.textContent);
    const rows = [...table.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.textContent));
    form.addEventListener("submit", event => {
      event.preventDefault();
      const typed = tidy(form.querySelector("input").value);
      const begun = typed.match(/^([A-Z]{1,2}[0-9][A-Z0-9]?[0-9])[A-Z]{1,2}$/), key = begun ? begun[1] : typed;
      let found = rows.filter(row => tidy(row[0]) === key);
      if (!found.length && key) found = rows.filter(row => tidy(row[0].split(" ")[0]) === key);
      if (!found.length) {
        answer.replaceChildren(el("p", {}, key ? "No such postcode sector in these plans. Write it as ME7 1, or the whole postcode." : "Write a postcode first."));
        return;
      }
      const parts = found.length > new Set(found.map(row => row[0])).size;
      answer.replaceChildren(el("div", { class: "card" },
        found.map(row => [el("h3", {}, row[0] + (row.at(-1) === "100%" ? "" : ": " + row.at(-1) + " of its postcodes")),
          facts(heads.slice(1, -1).map((head, at) => [head, row[at + 1]]))]).flat(),
        parts ? el("p", { class: "note" }, "The plans divide this sector: the share is of its postcodes. Find your area by its name or code beside the map to be sure.") : ""));
    });
  }

  // ---- 7b a long table: pages and a filter, from the block that the map is drawn from

  function longTable(node, layer) {
    const PAGE = 50, PRINTED = 1500, { shapes, data } = layer;
    const body = el("tbody", {}), where = el("p", { role: "status" });
    const input = el("input", { type: "search", id: node.id + "-filter", autocomplete: "off" });
    const back = el("button", { type: "button" }, "Previous " + PAGE), on = el("button", { type: "button" }, "Next " + PAGE);
    let rows = [...shapes.codes.keys()], first = 0;

    function show(printing) {
      const part = printing && rows.length <= PRINTED ? rows : rows.slice(first, first + PAGE);
      body.replaceChildren(...part.map(area => el("tr", {},
        el("td", {}, shapes.codes[area]), el("td", {}, shapes.names[area]),
        data.columns.map(c => el("td", {}, c.texts[area])))));
      const count = value => value.toLocaleString("en-GB");
      where.textContent = rows.length ? "Rows " + count(first + 1) + " to " + count(first + part.length) + " of " + count(rows.length)
        : "No rows match";
      back.disabled = first === 0;
      on.disabled = first + PAGE >= rows.length;
    }

    input.addEventListener("input", () => {
      const words = plain(input.value).split(/\s+/).filter(Boolean);
      rows = [...shapes.codes.keys()].filter(area => {
        const key = words.length ? plain(shapes.names[area] + " " + shapes.codes[area]) : "";
        return words.every(word => key.includes(word));
      });
      first = 0;
      show();
    });
    back.addEventListener("click", () => { first = Math.max(0, first - PAGE); show(); });
    on.addEventListener("click", () => { first += PAGE; show(); });
    const heads = ["Code", "Name"].map(head => el("th", { scope: "col" }, head))
      .concat(data.columns.map(c => el("th", { scope: "col" }, c.label)));
    node.replaceChildren(
      el("p", { class: "filter" }, el("label", { for: input.id }, "Show only names or codes with "), input),
      sideways(data.title, el("table", { class: "plain" + numberColumns(data.columns, 3) },
        el("caption", {}, data.title), el("thead", {}, el("tr", {}, heads)), body)),
      el("div", { class: "pager" }, back, on), where);
    show();
    return show;
  }

  return {
    areas: options => new Areas(options),
    outlines: options => new Outlines(options),
    schools: options => new Schools(options),
    page,
  };
})();
