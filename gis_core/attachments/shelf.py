"""Where files are kept: under the hash of their bytes, in a folder or in S3; none is ever changed or deleted."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from gis_core.errors import NotFoundError, ParameterError, StoreUnavailableError

__all__ = ["FolderShelf", "Shelf", "default_folder", "open_shelf"]

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Shelf(Protocol):
    """Keeps files.

    Attributes
    ----------
    where : str
        As messages name it.
    """

    where: str

    def put(self, data: bytes) -> str:
        """Keep a file and return its SHA-256 in hex; what is there already stays as it is.

        Raises
        ------
        StoreUnavailableError
            Where it cannot be written.
        """
        ...

    def get(self, digest: str) -> bytes:
        """Return a file.

        Raises
        ------
        NotFoundError
            Where it is not there.
        StoreUnavailableError
            Where it cannot be read.
        """
        ...


class FolderShelf:
    """Files in a folder, a subfolder for the first two digits of the hash; made when the first file comes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.where = f"The folder {folder}"

    def _path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise NotFoundError("There is no such file.")
        return self.folder / digest[:2] / digest[2:]

    def put(self, data: bytes) -> str:
        """Write beside the place and rename, so that a file is there whole or not at all."""
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            if path.exists() and path.stat().st_size == len(data):
                return digest
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with part.open("xb") as out:
                    out.write(data)
                    out.flush()
                    os.fsync(out.fileno())
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            raise StoreUnavailableError(
                f"{self.where} takes no file ({error.strerror}): WANGGE_ATTACHMENTS names where files are kept."
            ) from error
        return digest

    def get(self, digest: str) -> bytes:
        """Read a file."""
        try:
            return self._path(digest).read_bytes()
        except FileNotFoundError:
            raise NotFoundError(
                f"{self.where} has lost a file that it kept; look for a copy of it."
            ) from None
        except OSError as error:
            raise StoreUnavailableError(f"{self.where} cannot be read ({error.strerror}).") from error


def default_folder(file: Path | None) -> Path:
    """Return where files are kept unless said otherwise: beside the file of the store, else below this folder."""
    return Path("var") / "wangge-attachments" if file is None else file.with_name(f"{file.stem}-attachments")


def open_shelf(named: str | None, *, default: Path, endpoint: str | None = None) -> Shelf:
    """Give what keeps files.

    Parameters
    ----------
    named : str or None
        A folder, or `s3://bucket/prefix`; None for `default`.
    endpoint : str or None
        URL of an S3 that is not Amazon's.

    Raises
    ------
    ParameterError
        Where `named` is another kind of place, or the keys of S3 are missing.
    """
    if not named:
        return FolderShelf(default)
    if "://" not in named:
        return FolderShelf(Path(named))
    parts = urlsplit(named)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
        raise ParameterError(f"WANGGE_ATTACHMENTS is a folder or s3://bucket/prefix, not {named[:80]!r}.")
    from gis_core.attachments.s3 import S3Shelf, keys_of_environment

    return S3Shelf(parts.netloc, parts.path.strip("/"), keys=keys_of_environment(), endpoint=endpoint)
