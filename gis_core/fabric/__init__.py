"""From streets, barriers and buildings to cells and how they touch."""
