package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Writer takes the payload of one fill, from one goroutine. Chunks are encoded
// by others meanwhile, at most one a processor over all fills.
type Writer struct {
	ctx    context.Context
	c      *Cache
	stage  *stage
	serial uint64
	layout Layout
	chunk  int
	meta   []byte

	buf  *[]byte // the chunk being filled; nil before the first byte
	n    int     // bytes in it
	next int     // its index
	size int64

	encoding sync.WaitGroup
	mu       sync.Mutex
	err      error // the first
}

var _ io.Writer = (*Writer)(nil)

func newWriter(ctx context.Context, c *Cache) *Writer {
	w := &Writer{ctx: ctx, c: c, serial: c.serial.Add(1), stage: &stage{dir: c.dir}}
	w.Layout(Layout{})
	return w
}

// Layout says how the payload lies. It must come before the first Write.
func (w *Writer) Layout(l Layout) {
	if w.size > 0 {
		w.fail(errors.New("cache: Layout after Write"))
		return
	}
	w.layout, w.chunk = l.normal()
}

// SetMeta sets what is kept with the payload, and longer than it: at most
// 1 MiB.
func (w *Writer) SetMeta(meta []byte) {
	if len(meta) > maxMeta {
		w.fail(fmt.Errorf("cache: %d bytes of metadata, at most %d", len(meta), maxMeta))
		return
	}
	w.meta = append([]byte(nil), meta...)
}

// Write appends to the payload. It does not keep p. An error is for good.
func (w *Writer) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if err := w.failed(); err != nil {
			return n, err
		}
		if w.size >= maxSize {
			return n, fmt.Errorf("cache: payload of more than %d bytes", int64(maxSize))
		}
		if w.buf == nil {
			w.buf = getBuf(w.chunk)
		}
		m := copy((*w.buf)[w.n:], p[n:])
		n += m
		w.n += m
		w.size += int64(m)
		if w.n == w.chunk {
			if err := w.send(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// send hands the chunk in buf to be encoded.
func (w *Writer) send() error {
	select {
	case w.c.encode <- struct{}{}:
	case <-w.ctx.Done():
		w.fail(w.ctx.Err())
		return w.ctx.Err()
	}
	buf, n, i := w.buf, w.n, w.next
	w.buf, w.n, w.next = nil, 0, i+1
	w.encoding.Go(func() {
		defer func() { <-w.c.encode }()
		out := getBuf(n + 4096)
		*out = encodeChunk((*out)[:0], (*buf)[:n], w.layout, seed(w.serial, i))
		putBuf(buf)
		if err := w.stage.put(i, out); err != nil {
			w.fail(err)
		}
	})
	return nil
}

// finish waits for the encoders and returns the record of what was written,
// or err, or what else went wrong.
func (w *Writer) finish(k Key, err error) (*record, error) {
	if err == nil {
		err = w.failed()
	}
	if err == nil && w.n > 0 {
		err = w.send()
	}
	w.encoding.Wait()
	if w.buf != nil {
		putBuf(w.buf)
		w.buf = nil
	}
	if err == nil {
		err = w.failed()
	}
	if err == nil {
		err = w.ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	r := &record{size: w.size, chunk: w.chunk, serial: w.serial, layout: w.layout, stored: w.stage.total, meta: w.meta}
	if r.chunks() == 1 && r.stored <= inlineChunk {
		err = w.stage.chunk(r, 0, func(enc []byte) error {
			r.inline = append([]byte(nil), enc...)
			return nil
		})
	}
	return r, err
}

func (w *Writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
}

func (w *Writer) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}
