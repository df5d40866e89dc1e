"""What every command shares: errors as one sentence, `--json`, progress on a terminal, exit codes.

Exit codes: 0 done, 1 the answer is no, 2 wrong use or bad input, 130 stopped by Ctrl-C. Results go to stdout, progress
and errors to stderr. Command modules import nothing heavy at the top, so that `wangge --help` answers at once.
"""

from __future__ import annotations

import errno
import functools
import json
import math
import os
import re
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import typer

from gis_core.errors import CancelledError, GisCoreError, counted

P = ParamSpec("P")
R = TypeVar("R")

EXIT_NO = 1
EXIT_BAD = 2
EXIT_STOPPED = 130

#: Names under which files stand beside their place until they are whole.
_BESIDE = re.compile(r"\..+\.(part|part\.gpkg|\w{8})")

#: Called with (step, done, total); total 0 where it is not known.
Progress = Callable[[str, int, int], None]


def command(function: Callable[P, R]) -> Callable[P, R]:
    """Turn the errors of the core into one sentence on stderr and an exit code; never a traceback."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (KeyboardInterrupt, CancelledError):
            typer.echo("Stopped; nothing was written.", err=True)
            raise typer.Exit(EXIT_STOPPED) from None
        except GisCoreError as error:
            typer.echo(f"Error: {error.message}", err=True)
            raise typer.Exit(EXIT_BAD) from None
        except MemoryError:
            typer.echo("Error: not enough memory; try a smaller area with --within.", err=True)
            raise typer.Exit(EXIT_BAD) from None
        except OSError as error:
            typer.echo(f"Error: {_os_sentence(error)}", err=True)
            raise typer.Exit(EXIT_BAD) from None
        except typer.Exit:
            raise
        except Exception as error:
            _say_unexpected(error)
            raise typer.Exit(EXIT_BAD) from None

    return run


def _os_sentence(error: OSError) -> str:
    """Say what the system refused and how to mend it; files that stand beside their place are named by the folder."""
    path = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else None
    for _level in range(2):
        if path is not None and (_BESIDE.fullmatch(path.name) or _BESIDE.fullmatch(path.parent.name)):
            path = path.parent
    name = "" if path is None else f"{path}: "
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{name}no space left on the disk; free some and try again. Nothing was written."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{name}the system does not allow it ({error.strerror}); take another place, or ask for the rights."
    return f"{name}cannot be read or written ({error.strerror or error})."


def _say_unexpected(error: Exception) -> None:
    """Tell of a fault of the program itself in one sentence, and keep the details for whoever mends it."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="wangge-", suffix=".log", delete=False, encoding="utf-8"
    ) as log:
        log.write("".join(traceback.format_exception(error)))
    typer.echo(
        f"Error: a fault of the program ({type(error).__name__}); nothing was written. "
        f"Please report it with the file {log.name}.",
        err=True,
    )


def print_json(value: Any) -> None:
    """Write one JSON document to stdout, readable and in UTF-8."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def fault_line(layer: str, message: str) -> str:
    """Return the message of a fault with its layer in front, unless it begins with it."""
    return message if message.startswith(layer) else f"{layer}: {message}"


#: Reasons of a kind that are told on a terminal before the others are only counted.
_TOLD, _TOLD_OF = 5, {"max-walk": 1}


def reason_lines(reasons: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each reason and what mends it, the first few of a kind; the others of that kind are counted.

    Parameters
    ----------
    reasons : sequence of mapping
        The rows `infeasible` of a report, the hardest of a kind first.
    """
    lines: list[str] = []
    count = Counter(str(item["what"]) for item in reasons)
    seen: Counter[str] = Counter()
    for item in reasons:
        what = str(item["what"])
        seen[what] += 1
        most = _TOLD_OF.get(what, _TOLD)
        if seen[what] <= most:
            lines.append(f"{item['reason']} {item.get('mend', '')}".rstrip())
        if seen[what] == most < count[what]:
            lines.append(
                f"... and {count[what] - most:,} more like it; the report (--report FILE) has them all."
            )
    return lines


def compound_lines(report: Mapping[str, Any]) -> list[str]:
    """Return a line for each of the first compounds that no grid can hold, and one that counts the others."""
    large = report["compounds"]["too_large"]
    unit, high = report["weights"][0]["name"], report["bounds"][1]
    lines = [
        f"The compound {row['name']} has {row['weight']:,g} "
        + ("households" if unit == "households" else f"of {unit}")
        + f", more than the maximum of {high:,g}: no grid inside the bounds can hold all of it (it lies in "
        f"{counted(row['grids'], 'grid')} now); that needs a maximum of {math.ceil(row['weight']):,} or more."
        for row in large[:_TOLD]
    ]
    if len(large) > _TOLD:
        lines.append(f"... and {len(large) - _TOLD:,} more like it; the report (--report FILE) has them all.")
    return lines


@contextmanager
def terminal_progress(enabled: bool, *, rate: bool = False) -> Iterator[Progress]:
    """Give a progress callback that draws a bar on stderr, or one that says nothing where stderr is no terminal.

    With `rate` the bar says how many are done in a second, and how long the rest will take.
    """
    if not enabled or not sys.stderr.isatty():
        yield lambda _step, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    pace = [TextColumn("{task.fields[pace]}"), TimeRemainingColumn()] if rate else []
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}" if rate else "{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        *pace,
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        tasks: dict[str, Any] = {}

        def show(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total or None, pace="", count="")
            fields: dict[str, Any] = {}
            if rate:
                speed = next(task.speed for task in bar.tasks if task.id == tasks[step])
                fields["pace"] = f"{speed or 0:,.0f}/s"
                fields["count"] = f"{done:,}/{total:,}" if total else f"{done:,}"
            bar.update(tasks[step], completed=done, total=total or None, **fields)

        yield show
