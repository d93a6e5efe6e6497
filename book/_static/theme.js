// What the theme's own parts lack for those who hear a page, and formulas that are wider than a phone.
document.addEventListener("DOMContentLoaded", () => {
  // The field shows its words already, and names must say what is shown.
  document.querySelectorAll(".search-button-field").forEach((button) => button.removeAttribute("aria-label"));
  document.querySelectorAll(".sidebar-primary-items__start").forEach((bar) => {
    bar.setAttribute("role", "navigation");
    bar.setAttribute("aria-label", "Book");
  });
  // Icons come later, and again when the colours change; their titles say again what the button says.
  const untitle = () => document.querySelectorAll(".theme-switch-button svg").forEach((icon) => {
    icon.setAttribute("aria-hidden", "true");
    icon.querySelector("title")?.remove();
  });
  document.querySelectorAll(".theme-switch-button").forEach((button) =>
    new MutationObserver(untitle).observe(button, { childList: true, subtree: true }));
  untitle();

  // A formula in a line that does not fit scrolls by itself.
  const fit = () => document.querySelectorAll(".bd-article mjx-container:not([display])").forEach((formula) => {
    const around = formula.closest("p, li, dd, td, th, figcaption, div");
    formula.classList.toggle("wide", formula.scrollWidth > around.clientWidth);
  });
  window.MathJax?.startup?.promise?.then(fit);
  addEventListener("load", () => window.MathJax?.startup?.promise?.then(fit));
  addEventListener("resize", fit);
});
