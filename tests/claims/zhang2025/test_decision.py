"""The decision: questions, rows and code are one thing seen three ways."""

import re
from pathlib import Path

from lowrank_core.claims.zhang2025.race import decision

PAGE = Path(__file__).parents[3] / "book" / "chapters" / "zhang2025" / "which-method.md"


def test_every_row_is_the_answer_to_one_question():
    led_to = [name for question in decision.QUESTIONS for name in question.answers.values()]
    assert sorted(led_to) == sorted(decision.ROWS)


def test_every_question_but_the_last_leads_on():
    assert [bool(question.on) for question in decision.QUESTIONS] == [True, True, True, False]


def test_the_chart_leads_to_the_code_and_to_the_rows_that_are_there():
    chart = decision.chart()
    table = decision._render({name: (f"cost of {name}", "zhang2025.race-noise") for name in decision.ROWS})
    code = re.findall(r"^\(code-(\w+)\)=$", PAGE.read_text(encoding="utf8"), re.M)
    assert sorted(re.findall(r"href='#code-(\w+)'", chart.markup)) == sorted(code)
    assert sorted(re.findall(r"href='#row-(\w+)'", chart.markup)) == sorted(
        re.findall(r"id='row-(\w+)'", table.markup)
    )


def test_the_chart_and_the_table_say_the_same_in_words():
    words = decision.chart().words
    table = decision._render({name: (f"cost of {name}", "zhang2025.race-noise") for name in decision.ROWS})
    for row, line in zip(decision.ROWS.values(), table.words.splitlines(), strict=True):
        assert row.method in words
        assert line.startswith(f"{row.situation} | {row.method} | ")
    assert [line[0] for line in words.splitlines()] == ["1", "2", "3", "4"]
