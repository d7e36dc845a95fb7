// Package robot holds the robot users: what a person would draw on a mask when
// asked to point at what is wrong. Six kinds of clicks, six of scribbles, boxes
// and polygons, each registered under a name "kind:component:style".
//
// A user sees a Scene (the eligible region M, the truth L) and a random stream,
// and returns one Prompt. It keeps no state: the same scene and the same stream
// give the same prompt, on any machine and in any order. Streams are keyed by
// what is evaluated (Key), never shared, so that sharding a run over machines
// changes nothing.
//
// Coordinates are array indices in array-axis order: (row, column) of a PNG,
// (i, j, k) of a NIfTI volume as NumPy readers index it.
package robot
