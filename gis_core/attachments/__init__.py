"""Files that people send with a case: what they are, without what they hide, and where they are kept."""

from gis_core.attachments.content import MEDIA_TYPES, CleanFile, clean_file, plain_name
from gis_core.attachments.shelf import FolderShelf, Shelf, default_folder, open_shelf

__all__ = [
    "MEDIA_TYPES",
    "CleanFile",
    "FolderShelf",
    "Shelf",
    "clean_file",
    "default_folder",
    "open_shelf",
    "plain_name",
]
