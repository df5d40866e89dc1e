"""Point to grid: the index, accuracy circles, datums."""
