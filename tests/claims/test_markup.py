"""Tables and lists of pages: everything is escaped but what is HTML already."""

from lowrank_core.claims.markup import Fragment, Markup, code, items, table


def test_cells_are_escaped_unless_they_are_markup():
    made = table(["a < b", "c"], [["1 < 2", code("x<y")]], "kind", caption="what")
    assert "<th scope='col'>a &lt; b</th>" in made
    assert "<td data-head='a &lt; b'>1 &lt; 2</td><td data-head='c'><code>x&lt;y</code></td>" in made
    assert made.startswith("<table class='kind'><caption>what</caption>")


def test_properties_have_heads_and_a_caption():
    assert table([], [["n", "4"]], row_heads=True, caption="a < b") == (
        "<table><caption>a &lt; b</caption><tbody><tr><th scope='row'>n</th><td>4</td></tr></tbody></table>"
    )


def test_a_short_row_ends_in_a_wide_cell():
    assert "<tr><td>T1</td><td colspan='2' data-head='b'>words</td></tr>" in table(
        ["", "b", "c"], [["T1", "words"]], caption="tests"
    )


def test_rows_carry_data_for_filters():
    made = table(["a"], [["1"], ["2"]], data=[{"data-kind": "x"}, {"data-kind": "it's"}], caption="kinds")
    assert "<tr data-kind='x'>" in made
    assert "<tr data-kind='it&#x27;s'>" in made


def test_items_and_fragments():
    assert (
        items(["a < b", Markup("<b>c</b>")], "k") == "<ul class='k'><li>a &lt; b</li><li><b>c</b></li></ul>"
    )
    assert (Fragment("<p>", "words")._repr_html_(), repr(Fragment("<p>", "words"))) == ("<p>", "words")
