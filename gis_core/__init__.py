"""Wangge: the spatial core. Draws, balances and runs the service areas (grids) of community workers."""

__version__ = "0.1.0"
