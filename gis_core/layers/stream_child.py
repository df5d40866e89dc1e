"""Child process that reads one layer of a stranger's file and sends its rows through standard output.

Started by `stream.open_layer`. The first line says what the file says of itself, or why it is not read; an Arrow stream
follows. It has the readers and the limit of memory of the other reading child.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

from gis_core.layers import drivers
from gis_core.layers.child import RefusedError, _named_layer, _sentence, limit_process, require_kind

_NO_LIMIT_S = 1 << 30


def _send(head: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(head, ensure_ascii=True).encode() + b"\n")
    sys.stdout.buffer.flush()


def _read(pyogrio: Any, request: dict[str, Any], path: Path) -> None:
    require_kind(path, request["format"])
    listed = [(str(name), shape) for name, shape in pyogrio.list_layers(path).tolist()]
    layer = _named_layer(path, [name for name, shape in listed if shape is not None], request["layer"])
    about = pyogrio.read_info(path, layer=layer, force_feature_count=False)
    options: dict[str, Any] = {"layer": layer, "batch_size": request["rows"], "use_pyarrow": True}
    with pyogrio.open_arrow(path, **options) as (meta, reader):
        geometry = meta["geometry_name"] or "wkb_geometry"
        _send({"geometry": geometry, "crs": meta["crs"], "rows": int(about["features"])})
        import pyarrow as pa

        plain = pa.schema([_plain(each) for each in reader.schema])
        with pa.ipc.new_stream(sys.stdout.buffer, plain) as writer:
            for batch in reader:
                writer.write_batch(_plain_batch(batch, plain))
    sys.stdout.buffer.flush()


def _plain(field: Any) -> Any:
    """Return a field without an extension type."""
    import pyarrow as pa

    return pa.field(field.name, getattr(field.type, "storage_type", field.type))


def _plain_batch(batch: Any, schema: Any) -> Any:
    import pyarrow as pa

    arrays = [getattr(column, "storage", column) for column in batch.columns]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def main(text: str) -> int:
    """Send the layer of the request; return the exit code."""
    warnings.simplefilter("ignore")
    request = json.loads(text)
    limit_process({"memory": request["memory"], "seconds": _NO_LIMIT_S})
    skip = sys.argv[2:]
    pyogrio, extra = drivers.import_pyogrio(skip, alone=True)
    if extra and not skip:
        os.execv(sys.executable, [sys.executable, "-P", "-m", "gis_core.layers.stream_child", text, *extra])
    if extra:
        raise SystemExit(f"readers that are not allowed stay registered: {', '.join(extra)}")
    path = Path(request["path"])
    try:
        _read(pyogrio, request, path)
    except RefusedError as refused:
        _send({"fault": refused.fault})
    except BrokenPipeError:
        os._exit(0)
    except Exception as error:
        message = f"{path.name} cannot be read ({_sentence(error, path)})"
        fix = "Export the layer again from the program that made it."
        _send({"fault": {"code": "unreadable-file", "message": message, "fix": fix}})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
