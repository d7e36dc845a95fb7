package fs

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// lazyFiles is a folder of files whose sizes are unknown until somebody asks,
// as in a dataset that was never looked at.
type lazyFiles struct {
	count int
	data  []byte // of every file

	mu      sync.Mutex
	known   map[int]bool
	headers atomic.Int64 // Size calls that read a header
	opens   atomic.Int64
	sizeErr func(i int) error
	delay   time.Duration
}

func (d *lazyFiles) ModTime() time.Time         { return epoch }
func (d *lazyFiles) Load(context.Context) error { return nil }
func (d *lazyFiles) Len() int                   { return d.count }
func (d *lazyFiles) Total() int                 { return d.count }
func (d *lazyFiles) Entry(i int) tree.Entry {
	return tree.Entry{Name: fmt.Sprintf("case_%06d.png", i), Kind: tree.KindFile}
}
func (d *lazyFiles) Find(name string) (i int, ok bool) {
	_, err := fmt.Sscanf(name, "case_%06d.png", &i)
	return i, err == nil && i < d.count && d.Entry(i).Name == name
}
func (d *lazyFiles) Child(i int) tree.Node { return lazyFile{d, i} }

type lazyFile struct {
	d *lazyFiles
	i int
}

func (f lazyFile) ModTime() time.Time { return epoch }
func (f lazyFile) KnownSize() (int64, bool) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	return int64(len(f.d.data)), f.d.known[f.i]
}
func (f lazyFile) Size(ctx context.Context) (int64, error) {
	if n, ok := f.KnownSize(); ok {
		return n, nil
	}
	f.d.headers.Add(1)
	select {
	case <-time.After(f.d.delay):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if f.d.sizeErr != nil {
		if err := f.d.sizeErr(f.i); err != nil {
			return 0, err
		}
	}
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if f.d.known == nil {
		f.d.known = map[int]bool{}
	}
	f.d.known[f.i] = true
	return int64(len(f.d.data)), nil
}
func (f lazyFile) Open(context.Context) (blob.Blob, error) {
	f.d.opens.Add(1)
	return blob.Bytes(f.d.data), nil
}

// stalled is a file whose content never comes, whatever the context says.
func stalled(name string, started *atomic.Int64) tree.Child {
	return tree.Func(name, 1<<20, epoch, func(context.Context) (blob.Blob, error) {
		started.Add(1)
		select {}
	})
}

// waits is a file whose content comes when release is closed.
func waits(name string, data []byte, opens *atomic.Int64, release <-chan struct{}) tree.Child {
	return tree.Func(name, int64(len(data)), epoch, func(ctx context.Context) (blob.Blob, error) {
		opens.Add(1)
		select {
		case <-release:
			return blob.Bytes(data), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
}
