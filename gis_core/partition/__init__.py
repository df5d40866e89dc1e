"""Cut an adjacency graph into balanced, contiguous parts."""
