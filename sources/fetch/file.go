package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync/atomic"

	"github.com/omnimedseg/omnimedfs/sources/blob"
	"golang.org/x/sync/errgroup"
)

// file is one opening of a remote.
type file struct {
	r      *remote
	ctx    context.Context
	closed atomic.Bool
	ahead  *ahead // nil: nothing is read before it is asked for
}

var (
	_ blob.Blob    = (*file)(nil)
	_ blob.Advisor = (*file)(nil)
	_ blob.Binder  = (*file)(nil)
	_ blob.Orderer = (*file)(nil)
)

func (f *file) Size() int64 { return f.r.size() }

func (f *file) Close() error {
	if f.closed.CompareAndSwap(false, true) {
		if f.ahead != nil {
			f.ahead.close(f.r.c)
		}
		f.r.c.release(f.r)
	}
	return nil
}

func (f *file) WithContext(ctx context.Context) blob.Blob {
	f.r.c.mu.Lock()
	f.r.refs++
	f.r.c.mu.Unlock()
	return &file{r: f.r, ctx: inherit(ctx, f.ctx)}
}

// Identity changes when the file does: it names the version whose index may be
// kept.
func (f *file) Identity() string { return f.r.identity() }

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	size := f.r.size()
	switch {
	case f.closed.Load():
		return 0, fs.ErrClosed
	case off < 0:
		return 0, errors.New("negative offset")
	case off >= size:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	}
	if f.ctx.Err() != nil {
		return 0, fmt.Errorf("%s: %w", f.r.safe, ctxError(context.Cause(f.ctx)))
	}
	end := min(off+int64(len(p)), size)
	n, err := f.read(p[:end-off], off)
	if err == nil && end-off < int64(len(p)) {
		err = io.EOF
	}
	return n, err
}

func (f *file) read(p []byte, off int64) (int, error) {
	end := off + int64(len(p))
	cold := f.r.sequential(off, end)
	if f.r.isWhole() {
		return f.readWhole(p, off)
	}
	if len(p) > flightBytes {
		if f.r.c.opt.Keep != nil {
			return f.pieces(p, off)
		}
		return f.stream(p, off)
	}
	if f.ahead != nil {
		f.note(off, end, cold)
	}
	return f.readBlocks(p, off, cold)
}

func (f *file) readBlocks(p []byte, off int64, cold bool) (int, error) {
	lo, hi := off/blockSize, (off+int64(len(p))+blockSize-1)/blockSize
	blocks, err := f.blocks(lo, hi, cold)
	if err != nil {
		return 0, err
	}
	n := 0
	for i, b := range blocks {
		from := max(0, off-(lo+int64(i))*blockSize)
		if from > int64(len(b)) {
			break
		}
		n += copy(p[n:], b[from:])
	}
	if n < len(p) {
		return n, fmt.Errorf("%s: %w: %d bytes came, %d expected", f.r.safe, ErrServer, n, len(p))
	}
	return n, nil
}

// WillNeed brings the spans into the cache: those that are closer than 32 KiB
// come in one request. Spans beyond half of the cache are left out, since they
// would evict each other.
func (f *file) WillNeed(ctx context.Context, spans []blob.Span) error {
	if f.r.isWhole() {
		return nil
	}
	ctx = WithReason(inherit(ctx, f.ctx), "ahead")
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(f.r.c.opt.PerHost)
	room := f.r.c.opt.Memory / 2
	for _, s := range plan(spans, f.r.size()) {
		for lo := s.lo; lo < s.hi; lo += flightBytes / blockSize {
			hi := min(s.hi, lo+flightBytes/blockSize)
			if room -= (hi - lo) * blockSize; room < 0 {
				return g.Wait()
			}
			g.Go(func() error {
				_, err := f.r.blocks(ctx, lo, hi, false)
				return err
			})
		}
	}
	return g.Wait()
}

// run is a range of blocks [lo, hi).
type run struct{ lo, hi int64 }

// plan turns spans into few runs of blocks.
func plan(spans []blob.Span, size int64) []run {
	var runs []run
	for _, s := range spans {
		if s.Len <= 0 || s.Off < 0 || s.Off >= size {
			continue
		}
		end := s.Off + min(s.Len, size-s.Off)
		runs = append(runs, run{s.Off / blockSize, (end + blockSize - 1) / blockSize})
	}
	slices.SortFunc(runs, func(a, b run) int { return cmp.Compare(a.lo, b.lo) })
	return merge(runs)
}

// merge joins runs, which are in order, that lie close together.
func merge(runs []run) []run {
	out := runs[:0]
	for _, r := range runs {
		if n := len(out); n > 0 && r.lo-out[n-1].hi <= mergeBlocks {
			out[n-1].hi = max(out[n-1].hi, r.hi)
			continue
		}
		out = append(out, r)
	}
	return out
}
