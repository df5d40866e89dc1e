"""Maps and documents to take away."""
