"""Shapes: isosurfaces with free topology, plain meshes, and the first shape from masks.

`isosurface` is what pass 1 needs from a shape: `flexicubes` and `dmtet` are two, over the points of a `grid`. They
start from the masks' `hull` or from `initial_shape`. `mesh`, `laplacian` and `regularisers` are for any triangles.
Between the passes, `cleanup` drops floating pieces, `decimate` keeps to a budget, and `unwrap` finds texture
coordinates.
"""

from topforge_train.geometry.dmtet import DMTet
from topforge_train.geometry.flexicubes import FlexiCubes
from topforge_train.geometry.isosurface import EmptySurfaceError, Isosurface, IsosurfaceMesh
from topforge_train.geometry.mesh import Mesh, vertex_normals

__all__ = ["DMTet", "EmptySurfaceError", "FlexiCubes", "Isosurface", "IsosurfaceMesh", "Mesh", "vertex_normals"]
