"""Kernels over CSR adjacency: components, articulation, connectivity."""
