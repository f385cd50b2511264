"""What must hold after a kill, and when the build was finished."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from embeddings.build import BuildReport, build
from embeddings.errors import IndexMissingError
from embeddings.lexical import Tokenizer
from embeddings.store import IndexFolder
from embeddings.verify import verify
from tests.embeddings.building import Recording
from tests.kills.scenarios import Scenario
from tests.kills.state import Kept, asked, content_of, face_of, kept_in


def check_cut_off(
    scenario: Scenario, index: Path, tokenizer: Tokenizer, published: bool | None
) -> None:
    """Check an index after a kill: it answers as it did before, or as after; never in between.

    Args:
        scenario: what was killed.
        index: the index.
        tokenizer: for questions.
        published: whether it must be as after; None when that is not known.
    """
    current = IndexFolder(index).current_number()
    if published is not None:
        assert (current != scenario.published) is published
    if current is None:
        assert scenario.published is None
        assert not (index / "CURRENT").exists()
        _check_unpublished(scenario, index, tokenizer)
        return
    face = face_of(index, tokenizer)
    expected = scenario.before if current == scenario.published else scenario.after
    assert expected is not None
    assert face.said == expected.said
    problems = verify(index, Recording()).problems
    assert problems == (), problems


def _check_unpublished(scenario: Scenario, index: Path, tokenizer: Tokenizer) -> None:
    """Check a first build that was cut off: nothing is there, or a generation without its name."""
    if not IndexFolder(index).numbers():
        with pytest.raises(IndexMissingError):
            verify(index, Recording())
        return
    face, warning = asked(index, tokenizer)
    assert face.said == scenario.after.said
    assert warning is not None
    assert "CURRENT" in warning


def finish(scenario: Scenario, index: Path, tokenizer: Tokenizer, *, forgot: bool = False) -> None:
    """Build, and check that nobody can tell from the index that there was a kill.

    Args:
        scenario: what was killed.
        index: the index.
        tokenizer: for words.
        forgot: whether the catalogue may have lost its last commits, as in a power cut. Then a
            generation may be published once more, in another form, and one may stand there that
            never was: the next one that is published removes it.
    """
    kept, encoder = kept_in(index), Recording()
    with scenario.growing:
        report = build(scenario.documents, index, encoder, tokenizer)
    assert len(encoder.encoded) == report.encoded
    if not forgot:
        _check_nothing_twice(scenario, kept, report)
        assert content_of(index) == scenario.content
    assert face_of(index, tokenizer).said == scenario.newest.said
    found = verify(index, Recording())
    assert (found.problems, found.notes) == ((), ())
    if forgot:
        for number in IndexFolder(index).numbers():
            if number > report.generation:
                shutil.rmtree(IndexFolder(index).folder(number))
    check_nothing_else(IndexFolder(index), report.generation)


def _check_nothing_twice(scenario: Scenario, kept: Kept, report: BuildReport) -> None:
    _check_resumed(kept, report)
    if scenario.report is not None and report.published:
        assert report.encoded == scenario.report.encoded - kept.texts
        assert report.changes == scenario.report.changes
    else:
        assert report.encoded == 0


def _check_resumed(kept: Kept, report: BuildReport) -> None:
    resumed = report.resumed
    if not report.published or not (kept.files or kept.texts):
        assert resumed is None
        return
    assert resumed is not None
    assert (resumed.files, resumed.texts) == (kept.files, kept.texts)
    assert resumed.of_files >= kept.files
    assert resumed.of_texts == kept.texts + report.encoded


def check_nothing_else(index: IndexFolder, published: int) -> None:
    """Check that there is nothing in the index but what belongs there."""
    assert {path.name for path in index.path.iterdir()} == {
        "CURRENT", "build.lock", "generations", "library.db", "library.sum",
    }  # fmt: skip
    kept = {published, index.before(published)} - {None}
    assert {path.name for path in index.generations.iterdir()} == {f"{n:06}" for n in kept}
