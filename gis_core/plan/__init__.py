"""A plan in memory and as a file: grids, codes, metrics, report."""
