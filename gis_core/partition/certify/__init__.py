"""Why bounds cannot be met, what would mend it, and how good a plan is at best: proofs, and honest words where none is.

`explain_piece`, `total_reason` and `wish_proofs` give reasons; `settle_piece` turns a failed search on a small graph
into a plan or a proof; `blamed_locks` finds the smallest set of locked grids to blame; `certify_deviation` says what is
proved.
"""

from __future__ import annotations

from gis_core.partition.certify.demands import Demand
from gis_core.partition.certify.deviation import Certificate, certify_deviation
from gis_core.partition.certify.locks import LockBlame, blamed_locks
from gis_core.partition.certify.neck import forced_gates
from gis_core.partition.certify.piece import explain_piece
from gis_core.partition.certify.prove import Effort
from gis_core.partition.certify.settle import Settled, blamed_demands, settle_piece, usual_effort
from gis_core.partition.certify.totals import total_reason
from gis_core.partition.certify.wishes import wish_proofs
from gis_core.partition.certify.words import Piece, number

__all__ = [
    "Certificate",
    "Demand",
    "Effort",
    "LockBlame",
    "Piece",
    "Settled",
    "blamed_demands",
    "blamed_locks",
    "certify_deviation",
    "explain_piece",
    "forced_gates",
    "number",
    "settle_piece",
    "total_reason",
    "usual_effort",
    "wish_proofs",
]
