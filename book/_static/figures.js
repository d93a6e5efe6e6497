// Figures that move: the sliders choose which frame of the drawing is seen, and which sentence stands below it.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".moving-figure").forEach((figure) => {
    const inputs = [...figure.querySelectorAll(".moving-control input")];
    const frames = [...figure.querySelectorAll("svg .frame")];
    const sentences = new Map([...figure.querySelectorAll("li[data-frame]")].map((li) => [li.dataset.frame, li.textContent]));
    const says = figure.querySelector(".moving-says");
    const show = () => {
      const chosen = inputs.map((input) => input.value).join(",");
      frames.forEach((frame) => frame.setAttribute("display", frame.dataset.frame === chosen ? "inline" : "none"));
      inputs.forEach((input) => {
        const text = input.dataset.texts.split("|")[input.value];
        input.nextElementSibling.value = text;
        input.setAttribute("aria-valuetext", text);
      });
      says.textContent = sentences.get(chosen);
    };
    inputs.forEach((input) => input.addEventListener("input", show));
    figure.querySelector(".moving-control").hidden = false;
    show();
  });
});
