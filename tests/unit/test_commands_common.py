"""What every command does with errors: one sentence, an exit code, never a traceback."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
import typer

from gis_core.commands._common import command
from gis_core.errors import CancelledError, DatasetError


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (DatasetError("The layer has no CRS; name one."), 2, "Error: The layer has no CRS; name one."),
        (CancelledError("stop"), 130, "Stopped; nothing was written."),
        (KeyboardInterrupt(), 130, "Stopped; nothing was written."),
        (
            OSError(errno.ENOSPC, "No space left on device", "plan.gpkg"),
            2,
            "plan.gpkg: no space left on the disk",
        ),
        (MemoryError(), 2, "not enough memory"),
    ],
)
def test_errors_become_a_sentence(
    error: BaseException, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    @command
    def fails() -> None:
        raise error

    with pytest.raises(typer.Exit) as stopped:
        fails()
    assert stopped.value.exit_code == code
    out, err = capsys.readouterr()
    assert words in err
    assert out == ""


def test_a_fault_of_the_program_is_kept_for_who_mends_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    @command
    def fails() -> None:
        raise TypeError("unexpected")

    with pytest.raises(typer.Exit) as stopped:
        fails()
    assert stopped.value.exit_code == 2
    err = capsys.readouterr().err
    assert "Traceback" not in err
    (log,) = tmp_path.glob("wangge-*.log")
    assert str(log) in err
    assert "TypeError: unexpected" in log.read_text(encoding="utf-8")


def test_an_answer_of_no_passes_through() -> None:
    @command
    def says_no() -> None:
        raise typer.Exit(1)

    with pytest.raises(typer.Exit) as stopped:
        says_no()
    assert stopped.value.exit_code == 1
