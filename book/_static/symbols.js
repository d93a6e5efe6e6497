// A letter of a formula explains itself: one card, looked up by the character that MathJax drew. The list at the end of
// the page holds the same, for those without a mouse or a script.
document.addEventListener("DOMContentLoaded", () => {
  const list = document.getElementById("symbols");
  if (!list || !HTMLElement.prototype.showPopover) return;
  const about = new Map();
  list.querySelectorAll("dt[data-code]").forEach((term) => term.dataset.code && about.set(term.dataset.code, term));
  const card = document.createElement("div");
  card.className = "symbol-card";
  card.popover = "manual";
  card.setAttribute("aria-hidden", "true");
  document.body.append(card);
  const code = (letter) =>
    [...(letter?.querySelector("mjx-c")?.classList ?? [])].map((name) => /^mjx-c([0-9A-F]+)$/.exec(name)?.[1]).find(Boolean);
  // A letter under a mark, M⋆ or δ±, is another one.
  const marked = (letter) => letter?.parentElement?.closest("mjx-msup, mjx-msubsup, mjx-mover")?.firstElementChild?.contains(letter)
    && /⋆|±|∗|2217|22C6|B1/.test([...letter.closest("mjx-msup, mjx-msubsup, mjx-mover").querySelectorAll("mjx-script mjx-c")]
      .map((drawn) => drawn.className).join(" "));
  document.addEventListener("mouseover", (event) => {
    const letter = event.target.closest?.("mjx-mi");
    const term = letter && !marked(letter) && about.get(code(letter));
    const bare = term && "indexed" in term.dataset && !letter.closest("mjx-msub, mjx-msubsup");
    if (!term || bare) return card.matches(":popover-open") && card.hidePopover();
    card.textContent = `${term.textContent}: ${term.nextElementSibling.textContent}`;
    card.showPopover();
    const at = letter.getBoundingClientRect();
    card.style.left = `${Math.max(4, Math.min(at.left, innerWidth - card.offsetWidth - 8))}px`;
    const below = at.bottom + card.offsetHeight + 8 <= innerHeight;
    card.style.top = `${below ? at.bottom + 6 : at.top - card.offsetHeight - 6}px`;
  });
});
