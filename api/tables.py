"""Tables of points as bodies of requests and answers: CSV and Arrow streams."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from api.errors import ProblemError
from api.packed import unpacked_bytes
from gis_core.errors import ParameterError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["read_table", "require_rows", "write_table"]

_CSV = "text/csv"


def read_table(body: bytes, kind: str, *, most_mb: float, most_rows: int) -> pa.Table:
    """Read CSV (UTF-8, with a header) or an Arrow stream.

    Parameters
    ----------
    most_mb : float
        What a packed stream may unpack to; more is refused before it is unpacked.
    most_rows : int

    Raises
    ------
    ParameterError
        Where the body is none, or has too many rows.
    ProblemError
        Where it unpacks to too much (413).
    """
    import pyarrow as pa
    import pyarrow.csv

    try:
        if kind == _CSV:
            return pyarrow.csv.read_csv(io.BytesIO(body))
        unpacked, rows = unpacked_bytes(body)
        if unpacked > most_mb * 1_000_000:
            raise ProblemError(
                413, "too-large", f"The body unpacks to more than {most_mb:g} MB; send it in parts."
            )
        require_rows(rows, most_rows)
        with pa.ipc.open_stream(body) as stream:
            table = stream.read_all()
        table.validate(full=True)
        return table
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise ParameterError(
            f"The body is no {'CSV' if kind == _CSV else 'Arrow stream'}: {reason}."
        ) from None


def require_rows(rows: int, most: int) -> None:
    """Refuse a table with too many rows.

    Raises
    ------
    ParameterError
        Where there are more than `most`.
    """
    if rows > most:
        raise ParameterError(f"{rows} points are too many at once; send at most {most}.", limit=most)


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
