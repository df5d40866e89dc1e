"""Random numbers inside kernels: SplitMix64 on a state of one word, so that a seed means the same everywhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit

__all__ = ["below", "new_state", "uniform"]


def new_state(rng: np.random.Generator) -> NDArray[np.uint64]:
    """Draw the state of a kernel's generator."""
    return rng.integers(0, 2**63, size=1, dtype=np.uint64)


@njit
def uniform(state: NDArray[np.uint64]) -> float:
    """Return the next number in [0, 1)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.float64(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit
def below(state: NDArray[np.uint64], count: int) -> int:
    """Return the next integer in [0, count)."""
    return int(uniform(state) * count)
