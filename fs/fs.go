// Package fs is the Data layer: it serves a tree.Dir through FUSE.
//
//	Mount(ctx, dir, root tree.Dir, Options) (*Server, error)   // returns when the mount answers
//	(*Server) Wait(); Unmount(ctx) error; Counters() Counters; Path(id uint64) string
//
// Options: AllowOther, Open ("enosys" or "keep"), Xattr, ReadAheadKB, Logger, and
// OnError func(path string, err error), called for each failed read.
package fs
