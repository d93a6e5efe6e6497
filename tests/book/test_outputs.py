"""Whatever happens to what chapters left, they are run again or shown as they were."""

import json

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from outputs import MANIFEST, NOTEBOOK, Kept, keep, place, recall


def chapter(text="text", executed=False):
    outputs = [new_output("stream", name="stdout", text="42\n")] if executed else []
    return new_notebook(cells=[new_markdown_cell(text), new_code_cell("print(42)", outputs=outputs)])


@pytest.fixture
def kept(tmp_path):
    """The folder of a chapter that was executed and kept."""
    keep(tmp_path, "page", Kept(chapter(executed=True), {"p.a.json": b"42"}, 1.5))
    assert found(tmp_path)
    return place(tmp_path, "page", chapter())


def found(folder):
    return recall(folder, "page", chapter())


def test_what_the_kernel_said_of_its_language_comes_back_and_no_old_front_matter(tmp_path):
    executed = chapter(executed=True)
    executed.metadata.update(language_info={"name": "python"}, mystnb={"execution_mode": "off"})
    keep(tmp_path, "page", Kept(executed, {}, 1.5))
    assert found(tmp_path).notebook.metadata == {"language_info": {"name": "python"}}
    assert chapter().metadata == {}


def test_outputs_come_back_into_the_text_of_today(kept):
    back = recall(kept.parent, "page", chapter(text="another text"))
    assert back.notebook.cells[0].source == "another text"
    assert back.notebook.cells[1].outputs[0].text == "42\n"
    assert (back.results, back.seconds) == ({"p.a.json": b"42"}, 1.5)
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


FILES = (MANIFEST, NOTEBOOK, "results/p.a.json")
DAMAGE = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "emptied": lambda path: path.write_bytes(b""),
    "lost": lambda path: path.unlink(),
    "replaced by a folder": lambda path: (path.unlink(), path.mkdir()),
    "not text": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "other JSON": lambda path: path.write_text(json.dumps([1])),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_makes_a_chapter_that_was_never_run(kept, name, damage):
    damage(kept / name)
    assert found(kept.parent) is None
    keep(kept.parent, "page", Kept(chapter(executed=True), {"p.a.json": b"42"}, 1.5))
    assert found(kept.parent).results == {"p.a.json": b"42"}


def test_an_edited_record_is_found(kept):
    path = kept / "results" / "p.a.json"
    path.write_bytes(path.read_bytes().replace(b"42", b"99"))
    assert found(kept.parent) is None


def test_a_manifest_that_leaves_a_file_out_is_no_manifest(kept):
    manifest = json.loads((kept / MANIFEST).read_text())
    for name in manifest["files"]:
        files = {other: digest for other, digest in manifest["files"].items() if other != name}
        (kept / MANIFEST).write_text(json.dumps(manifest | {"files": files}))
        assert found(kept.parent) is None


def test_another_chapter_or_other_cells_are_not_it(kept):
    assert recall(kept.parent, "another", chapter()) is None
    assert recall(kept.parent, "page", new_notebook(cells=[new_code_cell("print(43)")])) is None
