// Verdict boxes: buttons that copy, folds that open for an address or on paper. Without this script all is there but the buttons.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".verdict-copy").forEach((button) => {
    if (!navigator.clipboard) return;
    const says = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = button.dataset.copy;
      await navigator.clipboard.writeText(text.startsWith("#") ? new URL(text, location.href).href : text);
      button.textContent = "copied";
      setTimeout(() => (button.textContent = says), 1200);
    });
  });

  // Ids hold dots, so no selectors.
  const open = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let around = target.closest("details"); around; around = around.parentElement.closest("details")) around.open = true;
    if (target.matches(".verdict")) target.querySelectorAll("details").forEach((fold) => (fold.open = true));
  };
  addEventListener("hashchange", open);
  open();
});
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((fold) => (fold.open = true)));
