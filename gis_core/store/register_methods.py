"""The methods of a store that concern the registers of staff and assets.

Every method is one transaction, and raises only errors of the core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gis_core.store import registers
from gis_core.store.reported_methods import ReportedMethods

if TYPE_CHECKING:
    from gis_core.store.records import AssetRecord, StaffRecord

__all__ = ["RegisterMethods"]


class RegisterMethods(ReportedMethods):
    """What a store knows of who works where and of what stands where."""

    def staff_register(self) -> list[StaffRecord]:
        """Return the staff that came with the newest data of each town."""
        with self._read() as connection:
            return registers.read_staff(connection)

    def staff_stamp(self) -> int:
        """Return a number that changes whenever the staff does."""
        with self._read() as connection:
            return registers.stamp(connection)

    def assets_near(
        self, lon: float, lat: float, metres: float, category: str
    ) -> list[tuple[float, AssetRecord]]:
        """Return the assets of a category within some metres with how far they are, the nearest first."""
        with self._read() as connection:
            return registers.assets_near(connection, lon, lat, metres, category)

    def assets_called(self, asset_id: str) -> list[AssetRecord]:
        """Return the assets of an id; of several towns several."""
        with self._read() as connection:
            return registers.assets_called(connection, asset_id)
