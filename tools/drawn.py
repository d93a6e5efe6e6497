"""What is wrong with a page as it is drawn, in scripts that run in it: too wide, or not for everyone (axe)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from browser import Browser

AXE = Path(__file__).parent.parent / "node_modules" / "axe-core" / "axe.min.js"
PHONE = 390

TOO_WIDE = """(() => {
  const width = document.documentElement.clientWidth, found = [];
  const inside = (element) => {  // of something that scrolls, or that is not there for the eye
    for (let e = element; e && e !== document.body; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (/auto|scroll/.test(style.overflowX) || style.position === "fixed") return true;
      if (style.clipPath !== "none") return true;
    }
    return false;
  };
  for (const element of document.querySelectorAll("main *")) {
    if (element.parentElement.closest("svg, mjx-container")) continue;
    const box = element.getBoundingClientRect();
    if (box.width && box.right > width + 1 && !inside(element))
      found.push(`${element.nodeName.toLowerCase()}.${element.className} (${Math.round(box.right)} of ${width}): `
        + element.textContent.trim().replace(/\\s+/g, " ").slice(0, 60));
  }
  const all = document.documentElement.scrollWidth;
  if (all > width) found.push(`the page scrolls sideways: ${all} of ${width}`);
  return found;
})()"""
"""The elements that reach over the right side of the page, or of the paper."""

LESS = """(() => {
  document.querySelectorAll("main svg").forEach((drawing) => drawing.replaceChildren());
  // A formula on a line of its own scrolls by itself, and one of a few letters is narrow.
  document.querySelectorAll("div.math").forEach((formula) => formula.replaceChildren());
  document.querySelectorAll("span.math").forEach((formula) => {
    if (formula.textContent.length < 24) formula.replaceWith("x");
  });
})()"""
"""Leave out, before formulas are set, what takes long to draw and is never too wide."""

SET_FORMULAS = """new Promise((done) => {
  const before = document.querySelector("script[src*=mathjax]");
  if (!before) return done();
  const script = document.createElement("script");
  script.src = before.src;
  script.onload = () => MathJax.startup.promise.then(() => dispatchEvent(new Event("resize"))).then(() => done());
  document.head.append(script);
})"""
"""Load MathJax, which was held back, and wait until it has set all formulas."""

SAMPLE = """(() => {
  const counts = new Map(Object.entries(%s));
  const walk = (element, path) => {  // whether something in it was looked at less than six times
    let fresh = false;
    for (const child of [...element.children]) {
      const look = ["class", "style"].map((name) => child.getAttribute(name) ?? "").join("|");
      const here = `${path}>${child.nodeName}.${look}`;
      const count = (counts.get(here) ?? 0) + 1;
      counts.set(here, count);
      const inside = child.nodeName !== "svg" && walk(child, here);
      if (count <= 6 || inside || (path === "" && child.nodeName === "SECTION")) fresh = true;
      else if (!/^(H[1-6]|DT|DD)$/.test(child.nodeName)) child.remove();
    }
    return fresh;
  };
  walk(document.querySelector("article"), "");
  return Object.fromEntries(counts);
})()"""
"""Keep six elements of each kind, by name, class and style, theirs and of all around, over all pages.

What holds something that is kept stays, with its headings; a list of definitions stays or goes as a whole.
"""

RUN_AXE = """axe.run({exclude: [".math", ".themed-figure svg"]}, {resultTypes: ["violations"], %s}).then((found) =>
  found.violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id} (${rule.impact}): ${node.html.slice(0, 200)} `
      + node.any.map((check) => check.message).join("; "))))"""


def too_wide(browser: Browser, page: Path) -> list[str]:
    """What makes a page scroll sideways on a phone."""
    browser.size(PHONE)
    browser.block("*mathjax*")
    browser.open(page.as_uri())
    browser.block()
    browser.evaluate(LESS)
    browser.evaluate(SET_FORMULAS)
    return list(browser.evaluate(TOO_WIDE))


def axe_findings(browser: Browser, page: Path, seen: dict[str, Any]) -> list[str]:
    """What axe finds on a page: by all its rules in light, and of contrast in dark.

    Args:
        seen: how many elements of each kind were looked at on earlier pages; this page's are added.
    """
    browser.size(1200)
    browser.block("*mathjax*")
    browser.theme("light")
    browser.open(page.as_uri())
    browser.block()
    seen |= browser.evaluate(SAMPLE % json.dumps(seen))
    browser.evaluate(AXE.read_text(encoding="utf8") + "; 0")
    found = [f"light: {line}" for line in browser.evaluate(RUN_AXE % "")]
    browser.evaluate("document.documentElement.dataset.theme = 'dark'")
    # Colours of which the style says that they change slowly would be looked at half way.
    browser.evaluate("document.getAnimations().forEach((change) => change.finish())")
    dark = browser.evaluate(RUN_AXE % 'runOnly: ["color-contrast"]')
    return found + [f"dark: {line}" for line in dark]
