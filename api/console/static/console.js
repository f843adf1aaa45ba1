"use strict";
// Everything works without this. It adds a row to a list in a form, and marks what was dropped.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-add]");
  if (!button) return;
  const rows = document.getElementById(button.dataset.add);
  const last = rows && rows.lastElementChild;
  if (!last) return;
  const made = last.cloneNode(true);
  for (const field of made.querySelectorAll("[name]")) {
    field.name = field.name.replace(/\.(\d+)(\.|$)/, (_, at, end) => `.${Number(at) + 1}${end}`);
    field.id = "";
    field.value = "";
  }
  rows.append(made);
  event.preventDefault();
  const first = made.querySelector("[name]");
  if (first) first.focus();
});
for (const zone of document.querySelectorAll("[data-drop]")) {
  const input = zone.querySelector("input[type=file]");
  const over = (on) => (event) => { event.preventDefault(); zone.classList.toggle("over", on); };
  zone.addEventListener("dragover", over(true));
  zone.addEventListener("dragleave", over(false));
  zone.addEventListener("drop", (event) => {
    over(false)(event);
    input.files = event.dataTransfer.files;
  });
}
