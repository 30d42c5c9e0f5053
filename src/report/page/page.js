"use strict";
const figures = JSON.parse(document.getElementById("figures").textContent);
const picker = document.getElementById("row");
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
const narrow = matchMedia("(max-width: 600px)");

// Figures name their colours by the style sheet's variables, which Plotly cannot read.
function painted(value, style) {
  if (typeof value === "string") {
    return value.replace(/^var\((--[\w-]+)\)$/, (_, name) => style.getPropertyValue(name).trim());
  }
  if (Array.isArray(value)) return value.map((item) => painted(item, style));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, painted(v, style)]));
  }
  return value;
}

// The row that is picked comes last, so that it lies on top.
function focused(traces, style) {
  const picked = (trace) => !trace.meta || trace.meta.row === picker.value;
  for (const trace of traces.filter((trace) => !picked(trace))) {
    if (trace.meta.others === "hide") trace.visible = false;
    else {
      trace.line = { color: style.getPropertyValue("--faded").trim(), width: 1 };
      trace.mode = "lines";
    }
  }
  return [...traces.filter((trace) => !picked(trace)), ...traces.filter(picked)];
}

function draw(place) {
  const style = getComputedStyle(root);
  const { data, layout } = painted(figures[place.id], style);
  if (narrow.matches && layout.meta) layout.yaxis.ticktext = layout.meta.narrow;
  const config = { displayModeBar: false, responsive: true };
  Plotly.react(place, focused(data, style), layout, config);
}

const places = [...document.querySelectorAll(".figure")];
// So that nothing moves when it is drawn.
for (const place of places) place.style.minHeight = `${figures[place.id].layout.height}px`;

// One after the other, from the top: a phone can scroll in between.
function drawAll(rest = places) {
  if (!rest.length) return;
  draw(rest[0]);
  rest[0].dataset.drawn = "yes";
  setTimeout(drawAll, 0, rest.slice(1));
}
drawAll();

picker.addEventListener("change", () => drawAll());
dark.addEventListener("change", () => drawAll());
narrow.addEventListener("change", () => drawAll());
document.getElementById("theme").addEventListener("click", () => {
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
  root.dataset.theme = isDark ? "light" : "dark";
  drawAll();
});
