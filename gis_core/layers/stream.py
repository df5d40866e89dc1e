"""A layer of a stranger's file, row by row: the reading child sends record batches through a pipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gis_core
from gis_core.errors import DatasetError
from gis_core.layers.drivers import CHILD_MARK

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LayerStream", "open_layer"]

#: Bytes of memory of the child; its time is that of the work, which its reader can end.
_MEMORY = 2 << 30


class LayerStream:
    """The rows of a layer, to be read once.

    Attributes
    ----------
    schema : pyarrow.Schema
    geometry : str
        Column of the geometry, as WKB.
    crs : str or None
        As the file states it.
    rows : int
        How many the file says that there are; -1 where it does not.
    """

    def __init__(self, stream: Any, about: dict[str, Any]) -> None:
        self._stream = stream
        self.schema: pa.Schema = stream.schema
        self.geometry: str = about["geometry"]
        self.crs: str | None = about["crs"]
        self.rows: int = about["rows"]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Give the rows in their order."""
        yield from self._stream


@contextmanager
def open_layer(
    path: Path, kind: str, *, layer: str | None = None, batch_rows: int = 65_536
) -> Iterator[LayerStream]:
    """Open a layer in a child process, which ends with the context.

    Parameters
    ----------
    kind : str
        `gpkg`, `fgb`, `shp` or `geojson`.
    layer : str, optional
        Layer of a container; None where it holds one.

    Raises
    ------
    DatasetError
        Where the file cannot be read; the sentence says why.
    """
    import pyarrow as pa

    request = {
        "path": str(path.resolve()),
        "format": kind,
        "layer": layer or "",
        "rows": batch_rows,
        "memory": _MEMORY,
    }
    root = str(Path(gis_core.__file__).parents[1])
    environment = {
        **os.environ,
        CHILD_MARK: "1",
        "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")])),
        "OPENBLAS_NUM_THREADS": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
    }
    command = [sys.executable, "-P", "-m", "gis_core.layers.stream_child", json.dumps(request)]
    child = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for this process, which ends the child
    )  # fmt: skip
    assert child.stdout is not None
    try:
        head = json.loads(child.stdout.readline() or b"{}")
        if "fault" in head:
            raise DatasetError(
                f"{head['fault']['message']}. {head['fault']['fix']}", code=head["fault"]["code"]
            )
        if not head:
            raise _failed(path)
        try:
            with pa.ipc.open_stream(child.stdout) as stream:
                yield LayerStream(stream, head)
        except pa.ArrowInvalid:
            raise _failed(path) from None
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        child.stdout.close()
        child.wait()


def _failed(path: Path) -> DatasetError:
    return DatasetError(
        f"{path.name} was not read: it made the reader fail. It is damaged; export it again.",
        code="unreadable-file",
    )
