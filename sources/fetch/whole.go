package fetch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
)

// body is all of a file whose server has no ranges: in memory, where the block
// cache owns it, or in a temporary file without a name, which the remote owns.
type body struct {
	io.ReaderAt
	size int64
}

func (b *body) Size() int64 { return b.size }

type spool struct {
	body
	f *os.File
}

// dropSpool gives the disk space back; c.mu is held and nobody reads.
func (r *remote) dropSpool() {
	if r.spool != nil {
		r.spool.f.Close()
		r.spool = nil
	}
}

// absorb takes in the body of an answer that is the whole file.
func (r *remote) absorb(a *answer) (*body, error) {
	size := a.ContentLength
	if err := r.judge(a, size); err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.whole = true
	if size < 0 {
		size = r.pin.Size
	}
	r.mu.Unlock()
	limit := min(r.c.opt.Whole, r.c.opt.Memory/2)
	var head bytes.Buffer
	if size >= 0 && size <= limit {
		head.Grow(int(size) + bytes.MinRead)
	}
	n := int64(0)
	if size <= limit {
		var err error
		if n, err = io.Copy(&head, io.LimitReader(a, limit+1)); err != nil {
			return nil, cut(err, n, size)
		}
	}
	if err := r.sniff(head.Bytes()); err != nil {
		return nil, err
	}
	if size <= limit && n <= limit {
		if err := r.arrived(a, n, size); err != nil {
			return nil, err
		}
		b := head.Bytes()
		r.c.mu.Lock()
		r.c.cache.put(blockKey{r.key, wholeFile}, b, false)
		r.c.mu.Unlock()
		whole := &body{bytes.NewReader(b), n}
		return whole, r.keepWhole(whole)
	}
	return r.absorbToDisk(a, head.Bytes(), size)
}

func (r *remote) absorbToDisk(a *answer, head []byte, size int64) (*body, error) {
	f, err := os.CreateTemp(r.c.opt.Spool, "omnimedfs-")
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	os.Remove(f.Name()) // the space returns with the last descriptor, also after a crash
	n, err := r.spoolBody(f, io.MultiReader(bytes.NewReader(head), a))
	if err == nil {
		err = r.arrived(a, n, size)
	} else {
		err = cut(err, n, size)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	s := &spool{body{f, n}, f}
	if err := r.keepWhole(&s.body); err != nil {
		f.Close()
		return nil, err
	}
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	if r.c.closed {
		f.Close()
		return nil, errClosed
	}
	if r.spool != nil { // two first readers at once; the other one was faster
		f.Close()
		return &r.spool.body, nil
	}
	r.spool = s
	return &s.body, nil
}

func (r *remote) spoolBody(f *os.File, src io.Reader) (int64, error) {
	var head [512]byte
	n, err := io.ReadFull(src, head[:])
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return int64(n), err
	}
	if err := r.sniff(head[:n]); err != nil {
		return int64(n), err
	}
	if _, err := f.Write(head[:n]); err != nil {
		return int64(n), fmt.Errorf("spool: %w", err)
	}
	m, err := io.Copy(f, src)
	return int64(n) + m, err
}

// arrived checks the length of a whole body and makes it the file's.
func (r *remote) arrived(a *answer, n, size int64) error {
	if size >= 0 && n != size {
		return &transient{err: fmt.Errorf("%w: the body ended at byte %d of %d", ErrServer, n, size)}
	}
	return r.accept(pinOf(a.Header, n))
}

// readWhole serves a span from memory or disk, downloading the file anew when
// the cache has dropped it.
func (f *file) readWhole(p []byte, off int64) (int, error) {
	src, err := f.r.wholeBody(f.ctx)
	if err != nil {
		return 0, err
	}
	if src.size != f.r.size() {
		return 0, fmt.Errorf("%s: %w: %d bytes, expected %d", f.r.safe, ErrChanged, src.size, f.r.size())
	}
	return src.ReadAt(p, off)
}

func (r *remote) wholeBody(ctx context.Context) (*body, error) {
	c := r.c
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil, errClosed
	}
	if r.spool != nil {
		defer c.mu.Unlock()
		return &r.spool.body, nil
	}
	k := blockKey{r.key, wholeFile}
	if b := c.cache.get(k); b != nil {
		c.mu.Unlock()
		return &body{bytes.NewReader(b), int64(len(b))}, nil
	}
	f := c.flights[k]
	if f == nil {
		f = &flight{r: r, first: wholeFile, n: 1, done: make(chan struct{})}
		c.start(WithReason(ctx, "whole"), f, f.runWhole)
	}
	f.waiters++
	c.mu.Unlock()
	if err := c.await(ctx, f); err != nil {
		return nil, err
	}
	return f.src, nil
}

func (f *flight) runWhole() error {
	r := f.r
	return r.c.retry(f.ctx, r.safe, func() (bool, error) {
		a, err := r.do(f.ctx, http.Header{})
		if err != nil {
			return false, err
		}
		defer a.Close()
		if a.StatusCode != http.StatusOK {
			return false, fmt.Errorf("%w: status %s", ErrServer, a.Status)
		}
		f.src, err = r.absorb(a)
		return false, err
	})
}

// Get returns the body of an API's answer, at most limit bytes of it: a longer
// one is an error.
func (c *Client) Get(ctx context.Context, rawURL string, limit int64) ([]byte, error) {
	out, _, err := c.GetPage(ctx, rawURL, limit)
	return out, err
}

// GetPage is Get with the answer's header, which may name the next page.
func (c *Client) GetPage(ctx context.Context, rawURL string, limit int64) (out []byte, h http.Header, err error) {
	safe, err := Redact(rawURL)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	err = c.retry(ctx, safe, func() (bool, error) {
		a, err := c.do(ctx, rawURL, nil)
		if err != nil {
			return false, err
		}
		defer a.Close()
		h = a.Header
		out, err = io.ReadAll(io.LimitReader(a, limit+1))
		if err != nil {
			return false, cut(err, int64(len(out)), a.ContentLength)
		}
		if int64(len(out)) > limit {
			return false, fmt.Errorf("%w: more than %d bytes", ErrServer, limit)
		}
		return false, nil
	})
	return out, h, err
}
