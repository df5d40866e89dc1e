"""HTTP: the API and the map, thin over the core."""
