package label

import (
	"context"
	"errors"
	"io"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/format"
)

// opened keeps the segmentations and structure sets that were opened, so that
// the classes of one file read its header once.
type opened struct{ files map[string]any }

type openedKey struct{}

// WithOpen lets the Draws of several classes share open label files, one Draw
// after the other, until they are closed.
func WithOpen(ctx context.Context) (context.Context, io.Closer) {
	o := &opened{map[string]any{}}
	return context.WithValue(ctx, openedKey{}, o), o
}

// Close closes what was opened.
func (o *opened) Close() error {
	var errs []error
	for _, f := range o.files {
		if c, ok := f.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// open returns the file of path as read makes it, and what is to be called when
// it is no longer needed.
func open[T any](ctx context.Context, raw convertcore.Raw, path string, read func(context.Context, convertcore.Raw, string) (T, error)) (T, func(), error) {
	o, shared := ctx.Value(openedKey{}).(*opened)
	if shared {
		if f, ok := o.files[path].(T); ok {
			return f, func() {}, nil
		}
	}
	f, err := read(ctx, raw, path)
	switch {
	case err != nil:
		return f, nil, err
	case shared && o.files[path] == nil:
		o.files[path] = f
		return f, func() {}, nil
	}
	return f, func() {
		if c, ok := any(f).(io.Closer); ok {
			c.Close()
		}
	}, nil
}

var (
	_ io.Closer = (*opened)(nil)
	_ io.Closer = (*format.SEG)(nil)
)
