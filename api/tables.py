"""Tables of points as bodies of requests and answers: CSV and Arrow streams."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from gis_core.errors import ParameterError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["read_table", "write_table"]

_CSV = "text/csv"


def read_table(body: bytes, kind: str) -> pa.Table:
    """Read CSV (UTF-8, with a header) or an Arrow stream.

    Raises
    ------
    ParameterError
        Where the body is none.
    """
    import pyarrow as pa
    import pyarrow.csv

    try:
        if kind == _CSV:
            return pyarrow.csv.read_csv(io.BytesIO(body))
        with pa.ipc.open_stream(body) as stream:
            table = stream.read_all()
        table.validate(full=True)
        return table
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise ParameterError(
            f"The body is no {'CSV' if kind == _CSV else 'Arrow stream'}: {reason}."
        ) from None


def write_table(table: pa.Table, kind: str) -> bytes:
    """Write what `read_table` reads."""
    import pyarrow as pa
    import pyarrow.csv

    out = io.BytesIO()
    if kind == _CSV:
        plain = pa.table(
            {
                name: column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
                for name, column in zip(table.column_names, table.columns, strict=True)
            }
        )
        pyarrow.csv.write_csv(plain, out)
    else:
        with pa.ipc.new_stream(out, table.schema) as stream:
            stream.write_table(table)
    return out.getvalue()
