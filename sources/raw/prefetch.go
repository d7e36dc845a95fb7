package raw

import (
	"context"

	"github.com/omnimedseg/omnimedfs/sources/blob"
	"golang.org/x/sync/errgroup"
)

// prefetchPlain is the largest plain file that Prefetch brings whole. Of a
// larger one the reader will say itself what it needs.
const prefetchPlain = 4 << 20

// Prefetch brings the files into reach: members of one archive in as few
// requests as their places in it allow. Paths that are not there are passed
// over. ctx bounds the work, which ends before Prefetch returns.
func (f *Files) Prefetch(ctx context.Context, paths []string) error {
	t, err := f.loaded(ctx)
	if err != nil {
		return err
	}
	spans := map[*origin][]blob.Span{}
	var plain []*origin
	for _, p := range paths {
		o, member, ok := t.origin(p)
		switch {
		case !ok:
		case member == "":
			plain = append(plain, o)
		default:
			if i, ok := o.arc.Find(member); ok {
				spans[o] = append(spans[o], o.arc.Span(i))
			}
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(openers)
	for o, s := range spans {
		g.Go(func() error { return blob.WillNeed(ctx, o.base, s) })
	}
	for _, o := range plain {
		g.Go(func() error {
			b, err := o.open(ctx)
			if err != nil {
				return err
			}
			defer b.Close()
			if b.Size() > prefetchPlain {
				return nil
			}
			return blob.WillNeed(ctx, b, []blob.Span{{Off: 0, Len: b.Size()}})
		})
	}
	return g.Wait()
}
