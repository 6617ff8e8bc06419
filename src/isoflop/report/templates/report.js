"use strict";
(() => {
  const partners = JSON.parse(document.getElementById("dark-partners").textContent);
  const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const lights = new RegExp(Object.keys(partners).map(literal).join("|"), "g");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const plots = [...document.querySelectorAll(".plot")].map((element) => {
    const source = element.querySelector("script");
    const text = source.textContent;
    source.remove();
    return { element, text };
  });
  const config = { displayModeBar: false, responsive: true, showTips: false };

  // Every light colour of the figure becomes its dark partner; the data stay as they are.
  function draw({ element, text }, darkly) {
    const themed = darkly ? text.replace(lights, (colour) => partners[colour]) : text;
    const { data, layout } = JSON.parse(themed);
    layout.width = element.clientWidth;
    layout.height = element.clientHeight;
    return window.Plotly.react(element, data, layout, config);
  }

  const drawAll = (darkly) => Promise.all(plots.map((plot) => draw(plot, darkly)));

  // Paper is light and has its own width, whatever the screen is.
  window.addEventListener("beforeprint", () => {
    document.documentElement.classList.add("printing");
    drawAll(false);
  });
  window.addEventListener("afterprint", () => {
    document.documentElement.classList.remove("printing");
    drawAll(dark.matches);
  });
  dark.addEventListener("change", () => drawAll(dark.matches));

  let pending = 0;
  const widths = new ResizeObserver(() => {
    cancelAnimationFrame(pending);
    pending = requestAnimationFrame(() => {
      for (const plot of plots) {
        const drawn = plot.element._fullLayout;
        if (drawn && drawn.width !== plot.element.clientWidth) draw(plot, dark.matches);
      }
    });
  });

  function value(row, column) {
    const text = row.cells[column].dataset.value;
    const number = Number(text);
    return text === "" ? null : Number.isNaN(number) ? text : number;
  }

  function sort(table, column, descending) {
    const body = table.tBodies[0];
    const rows = [...body.rows].sort((a, b) => {
      const [x, y] = [value(a, column), value(b, column)];
      if (x === null || y === null) return (x === null) - (y === null);
      const order = x < y ? -1 : x > y ? 1 : 0;
      return descending ? -order : order;
    });
    body.append(...rows);
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((cell, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...cell.childNodes);
      cell.append(button);
      button.addEventListener("click", () => {
        const descending = cell.getAttribute("aria-sort") === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
        sort(table, column, descending);
      });
    });
  }

  drawAll(dark.matches).then(() => {
    for (const { element } of plots) widths.observe(element);
    document.documentElement.dataset.figures = "drawn";
  });
})();
