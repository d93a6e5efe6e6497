"""What a browser shows of the built pages: for everyone, on a phone, and with scripts that do what they say."""

from pathlib import Path

import browser
import drawn
import html_lint
import pytest

from lowrank_core import claims, plots, sliders
from lowrank_core.claims import claim_map, pages

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "book" / "_build" / "html"
STATIC = ROOT / "book" / "_static"


@pytest.fixture(scope="module")
def window():
    with browser.Browser() as opened:
        yield opened


@pytest.fixture
def page(tmp_path):
    """Write a page with this article and open nothing."""

    def write(article, head=""):
        path = tmp_path / "page.html"
        path.write_text(
            f"<!doctype html><html lang='en' data-theme='light'><head><title>page</title>{head}"
            f"<meta name='viewport' content='width=device-width'></head><body><main><article><h1>Page</h1>{article}"
            "</article></main></body></html>",
            "utf8",
        )
        return path

    return write


def built_pages():
    pages = (path for path in sorted(BUILT.rglob("*.html")) if "_static" not in path.parts)
    return [path for path in pages if path.stem not in html_lint.WITHOUT]


@pytest.mark.browser
def test_a_browser_that_ends_early_is_an_error_and_leaves_nothing_behind():
    opened = browser.Browser()
    opened._process.kill()
    opened._process.wait()
    with pytest.raises(browser.BrowserError, match="the browser has ended"):
        opened.evaluate("1")
    opened.close()
    assert not Path(opened._profile.name).exists()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("article", "wide"),
    [
        ("<p>narrow</p>", False),
        ("<div style='width: 500px'>wide</div>", True),
        ("<div style='overflow-x: auto'><div style='width: 500px'>wide, and scrolls</div></div>", False),
        ("<div style='overflow: hidden'><div style='width: 500px'>wide, and cut</div></div>", True),
    ],
)
def test_what_is_wider_than_a_phone_is_found(window, page, article, wide):
    assert bool(drawn.too_wide(window, page(article))) == wide


@pytest.mark.browser
@pytest.mark.axe
def test_what_is_not_for_everyone_is_found_in_either_theme(window, page):
    faint = "<style>[data-theme=dark] p { color: #333; background: #000; } .light { color: #aaa; }</style>"
    found = drawn.axe_findings(window, page("<p>in dark</p><span class='light'>in light</span>", faint), {})
    assert sorted(line.split(" (")[0] for line in found) == [
        "dark: color-contrast",
        "dark: color-contrast",
        "light: color-contrast",
    ]
    assert drawn.axe_findings(window, page("<p>all is well</p>"), {}) == []


@pytest.mark.browser
@pytest.mark.axe
def test_colours_that_change_slowly_are_looked_at_when_they_have_changed(window, page):
    slow = "<style>p { color: #222; background: #fff; transition: color 60s; }"
    slow += " [data-theme=dark] p { color: #fff; background: #000; }</style>"
    assert drawn.axe_findings(window, page("<p>well in either</p>", slow), {}) == []


@pytest.mark.browser
@pytest.mark.axe
def test_of_equal_elements_some_are_looked_at_and_then_no_more(window, page):
    seen = {}
    faint = page("<span style='color: #aaa'>faint</span>" * 20)
    assert len(drawn.axe_findings(window, faint, seen)) == 12  # six in each theme
    assert drawn.axe_findings(window, faint, seen) == []


@pytest.fixture(scope="module")
def records():
    """Three records that differ in all that the ledger filters by."""
    found = dict(claims.run("xiong2024.discrete-two-sided", scale="smoke").record)
    refuted = {"verdict": "refuted", "origin": "paper", "known": "read", "fit": "instantiates", "paper": "q"}
    return [
        found | {"id": "p.b", "title": "second title", "fit": "illustrates", "paper": "p"},
        found | {"id": "q.a", "title": "first title", "uses": ["p.b"]} | refuted,
        found
        | {"id": "p.c", "title": "third words", "known": "restated", "origin": "sharpened", "paper": "p"},
    ]


@pytest.fixture
def ledger(window, page, records):
    """Open the ledger at an address behind its name; the titles that are shown, in their order."""
    script = f"<script>{(STATIC / 'ledger.js').read_text('utf8')}</script>"
    path = page(pages.ledger(records).markup, script)

    def shown(address="", act=""):
        window.size(1200)
        window.open(path.as_uri() + address)
        window.evaluate(f"{act}; 0")
        rows = "[...document.querySelectorAll('table.claims tbody tr')].filter((row) => !row.hidden)"
        return window.evaluate(f"{rows}.map((row) => row.querySelector('a').textContent.split(' ')[0])")

    return shown


@pytest.mark.browser
@pytest.mark.parametrize(
    ("address", "rows"),
    [
        ("", ["second", "first", "third"]),
        ("?q=title", ["second", "first"]),
        ("?q=TITLE+second", ["second"]),
        ("?paper=p", ["second", "third"]),
        ("?origin=sharpened", ["third"]),
        ("?known=read", ["first"]),
        ("?fit=instantiates&verdict=refuted", ["first"]),
        ("?sort=claim", ["first", "second", "third"]),
        ("?sort=-claim&paper=p", ["third", "second"]),
        (
            "?paper=p#claim-q.a",
            ["second", "first", "third"],
        ),  # what the address names is shown, come what may
    ],
)
def test_the_ledger_shows_what_its_address_says(ledger, address, rows):
    assert ledger(address) == rows


COUNTED = "document.querySelector('.ledger-tools output').textContent"


@pytest.mark.browser
def test_a_row_that_the_address_alone_shows_is_counted_and_said(ledger, window):
    ledger("?paper=p#claim-q.a")
    assert window.evaluate(COUNTED) == "3 of 3 claims, one of them because the address names it"
    ledger("?paper=p#claim-p.b")
    assert window.evaluate(COUNTED) == "2 of 3 claims"


@pytest.mark.browser
def test_a_filter_that_the_ledger_does_not_have_filters_nothing_and_leaves_no_blank(ledger, window):
    assert ledger("?paper=nobody") == ["second", "first", "third"]
    chosen = "document.querySelector('select[name=paper]').selectedOptions"
    assert window.evaluate(f"[...{chosen}].map((option) => option.value)") == [""]
    assert window.evaluate("location.search") == ""
    assert window.evaluate(COUNTED) == "3 of 3 claims"


@pytest.mark.browser
def test_what_is_searched_filtered_and_sorted_goes_into_the_address_and_is_counted(ledger, window):
    choose = "const s = document.querySelector('select[name=paper]'); s.value = 'p'; "
    choose += "s.dispatchEvent(new Event('change'))"
    assert ledger("", choose) == ["second", "third"]
    window.evaluate("document.querySelector('table.claims thead button').click()")
    write = "(() => { const q = document.querySelector('input[name=q]'); q.value = 'w'; "
    window.evaluate(write + "q.dispatchEvent(new Event('input')); })()")
    state = dict(pair.split("=") for pair in window.evaluate("location.search").lstrip("?").split("&"))
    assert state == {"q": "w", "paper": "p", "sort": "claim"}
    assert window.evaluate("document.querySelector('output').textContent").endswith(" of 3 claims")


@pytest.mark.browser
def test_the_drawing_that_the_address_names_is_shown_and_no_other(window, page, records):
    style = f"<style>{(STATIC / 'map.css').read_text('utf8')}</style>"
    path = page(claim_map.overview(records).markup + claim_map.neighbourhoods(records).markup, style)
    shown = (
        "[...document.querySelectorAll('.neighbourhood')].filter((e) => e.offsetHeight > 0).map((e) => e.id)"
    )
    window.open(path.as_uri())
    assert window.evaluate(shown) == []
    window.open(path.as_uri() + "#graph-q.a")
    assert window.evaluate(shown) == ["graph-q.a"]
    window.evaluate(
        "document.querySelector('.neighbourhood:target svg a:not(.focus) rect').dispatchEvent("
        "new MouseEvent('click', {bubbles: true}))"
    )
    assert window.evaluate(shown) == ["graph-p.b"]


@pytest.mark.browser
def test_a_slider_shows_its_frame_and_its_sentence_and_a_page_without_script_or_style_one_frame(window, page):
    figure, (axes,) = plots.figure()
    frames = sliders.Frames(figure, {"k": [0, 1], "p": [5, 6, 7]}, shown=(1, 6))
    for k in (0, 1):
        for p in (5, 6, 7):
            with frames.at(k, p, says=f"{k} and {p}"):
                axes.plot([0, 1], [k, p])
    markup = frames.themed("a line")._repr_html_()
    seen = "[...document.querySelectorAll('.frame')].filter((e) => getComputedStyle(e).display !== 'none')"
    seen = f"{seen}.map((e) => e.dataset.frame)"
    controls = "document.querySelector('.moving-control').offsetHeight > 0"
    window.open(page(markup).as_uri())
    assert (window.evaluate(seen), window.evaluate(controls)) == (["1,1"], False)
    window.open(page(markup, f"<script>{(STATIC / 'figures.js').read_text('utf8')}</script>").as_uri())
    assert (window.evaluate(seen), window.evaluate(controls)) == (["1,1"], True)
    window.evaluate("document.querySelectorAll('.moving-control input')[1].focus()")
    for kind in ("keyDown", "keyUp"):
        window.call("Input.dispatchKeyEvent", type=kind, key="ArrowRight", windowsVirtualKeyCode=39)
    assert window.evaluate(seen) == ["1,2"]
    assert window.evaluate("document.querySelector('.moving-says').textContent") == "1 and 7"
    values = "[...document.querySelectorAll('output')].map((e) => e.textContent)"
    assert window.evaluate(values) == ["1", "7"]


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.axe
@pytest.mark.built
def test_no_page_keeps_anybody_out(window):
    seen = {}
    found = {
        path.relative_to(BUILT).as_posix(): drawn.axe_findings(window, path, seen) for path in built_pages()
    }
    assert {page: lines for page, lines in found.items() if lines} == {}


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.built
def test_no_page_scrolls_sideways_on_a_phone(window):
    found = {path.relative_to(BUILT).as_posix(): drawn.too_wide(window, path) for path in built_pages()}
    assert {page: lines for page, lines in found.items() if lines} == {}
