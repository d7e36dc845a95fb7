// Package data reads the standard tree (a mount, an export, or any folder of
// the same shape) and single image files for evaluation: PNG, NIfTI and NPY.
//
// Axes are in array order, as NumPy, PIL and nibabel give them: (row, column)
// for PNG, (i, j, k) for NIfTI, the array's own for NPY. Values are numbers, a
// voxel's intensity is the mean of its color channels.
package data
