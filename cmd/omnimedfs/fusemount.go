package main

import (
	"context"
	"log/slog"
	"reflect"
	"strings"

	"github.com/omnimedseg/omnimedfs/fs"
)

// mountTree serves the backend's tree through FUSE.
func mountTree(ctx context.Context, dir string, b backend, o *options, log *slog.Logger) (mounted, error) {
	s, err := fs.Mount(ctx, dir, b.Root(), fs.Options{
		AllowOther:  o.AllowOther,
		Open:        fs.OpenMode(o.Open),
		Xattr:       o.Xattr,
		ReadAheadKB: int(o.ReadAhead >> 10),
		Logger:      log,
		DenyComm:    o.DenyComm,
		OnError:     b.ReadFailed,
	})
	if err != nil {
		return nil, err
	}
	return fuseMount{s}, nil
}

type fuseMount struct{ *fs.Server }

// Requests names the counters in lower case: "read", "getattr", "lookup".
func (m fuseMount) Requests() map[string]int64 {
	c := reflect.ValueOf(m.Counters())
	out := make(map[string]int64, c.NumField())
	for i := range c.NumField() {
		if f := c.Field(i); f.CanInt() {
			out[strings.ToLower(c.Type().Field(i).Name)] = f.Int()
		}
	}
	return out
}
