// Finds operations of the reference by words; without it, the page has them all.
const form = document.querySelector("[data-finds]");
const items = [...document.querySelectorAll("[data-words]")];
const said = form.querySelector("[role=status]");

function find() {
  const words = form.querySelector("input").value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const item of items) {
    item.hidden = !words.every((word) => item.dataset.words.includes(word));
    count += item.hidden ? 0 : 1;
  }
  for (const section of document.querySelectorAll("#operations section")) {
    section.hidden = !section.querySelector("[data-words]:not([hidden])");
  }
  said.textContent = words.length ? said.dataset.count.replace("#", count) : "";
}

form.hidden = false;
form.addEventListener("input", find);
form.addEventListener("submit", (event) => event.preventDefault());
