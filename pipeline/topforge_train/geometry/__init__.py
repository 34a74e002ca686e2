"""Shapes: isosurfaces with free topology, plain meshes, and the first shape from masks."""

from .dmtet import DMTet
from .flexicubes import FlexiCubes
from .isosurface import EmptySurfaceError, Isosurface, IsosurfaceMesh
from .mesh import Mesh, vertex_normals

__all__ = ["DMTet", "EmptySurfaceError", "FlexiCubes", "Isosurface", "IsosurfaceMesh", "Mesh", "vertex_normals"]
