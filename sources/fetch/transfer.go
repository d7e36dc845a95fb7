package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// transfer brings [off, end) and hands it to sink piece by piece, in order. A
// body that is cut is resumed where it stopped. end may lie beyond the file
// while its size is unknown: the transfer then ends with the file.
func (r *remote) transfer(ctx context.Context, off, end int64, sink func([]byte) error) error {
	buf := make([]byte, 32<<10)
	return r.c.retry(ctx, r.safe, func() (bool, error) {
		start := off
		err := r.once(ctx, &off, end, buf, sink)
		return off > start, err
	})
}

// once asks for [*off, end) and moves *off along with what came.
func (r *remote) once(ctx context.Context, off *int64, end int64, buf []byte, sink func([]byte) error) error {
	r.mu.Lock()
	known := r.pin
	r.mu.Unlock()
	if known.Size >= 0 {
		end = min(end, known.Size)
	}
	if *off >= end {
		return nil
	}
	h := http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", *off, end-1)}}
	if v := known.ifRange(); v != "" {
		h.Set("If-Range", v)
	}
	a, err := r.do(ctx, h)
	if err != nil {
		return err
	}
	defer a.Close()
	switch a.StatusCode {
	case http.StatusOK:
		whole, err := r.absorb(a)
		if err != nil {
			return err
		}
		return copySpan(whole, off, min(end, whole.Size()), buf, sink)
	case http.StatusRequestedRangeNotSatisfiable:
		if *off == 0 && known.Size < 0 && a.Header.Get("Content-Range") == "" {
			return r.unranged(ctx, a)
		}
		return r.unsatisfiable(a, *off)
	}
	first, last, total, err := contentRange(a.Header.Get("Content-Range"))
	if err != nil {
		return &transient{err: err}
	}
	if first != *off || last >= end {
		return &transient{err: fmt.Errorf("%w: asked for bytes %d-%d, got %d-%d", ErrServer, *off, end-1, first, last)}
	}
	if err := r.judge(a, total); err != nil {
		return err
	}
	if err := r.body(a, off, last+1, buf, sink); err != nil {
		return err
	}
	if *off < end && (total < 0 || *off < total) {
		return &transient{err: fmt.Errorf("%w: bytes up to %d asked for, %d sent", ErrServer, end, *off)}
	}
	return nil
}

// judge looks at an answer's header: is it our file, as it was, as it is?
func (r *remote) judge(a *answer, size int64) error {
	r.mu.Lock()
	trusted := size >= 0 && r.pin.Size == size
	r.mu.Unlock()
	if enc := a.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") && !trusted {
		// Some stores label a .gz file so; then its declared size matches.
		return fmt.Errorf("%w: sent with Content-Encoding %.20q although asked not to", ErrServer, enc)
	}
	ct := strings.ToLower(a.Header.Get("Content-Type"))
	if strings.HasPrefix(ct, "text/html") && !r.htmlExpected() && !trusted {
		return fmt.Errorf("%w: an HTML page came in place of %s", ErrGone, r.name)
	}
	return r.accept(pinOf(a.Header, size))
}

func (r *remote) htmlExpected() bool {
	n := strings.ToLower(r.name)
	return strings.HasSuffix(n, ".html") || strings.HasSuffix(n, ".htm")
}

// sniff refuses a body that begins as an HTML page, whatever its type says.
func (r *remote) sniff(head []byte) error {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	head = bytes.ToLower(bytes.TrimLeft(head[:min(len(head), 512)], " \t\r\n"))
	if !r.htmlExpected() && (bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html"))) {
		return fmt.Errorf("%w: an HTML page came in place of %s", ErrGone, r.name)
	}
	return nil
}

// body hands on what the answer holds of [*off, end).
func (r *remote) body(a *answer, off *int64, end int64, buf []byte, sink func([]byte) error) error {
	for *off < end {
		want := buf[:min(int64(len(buf)), end-*off)]
		n, err := io.ReadAtLeast(a, want, min(len(want), 512))
		if n > 0 && *off == 0 {
			if err := r.sniff(want[:n]); err != nil {
				return err
			}
		}
		if err := sink(want[:n]); err != nil {
			return err
		}
		*off += int64(n)
		if err != nil && *off < end {
			return cut(err, *off, end)
		}
	}
	return nil
}

// cut makes the end of a body that came too early an error worth a new attempt.
func cut(err error, at, end int64) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return &transient{err: fmt.Errorf("%w: the body ended at byte %d of %d", ErrServer, at, end)}
	}
	return err
}

// unranged asks for a file whose first byte is not to be had and whose size was
// not told with that: S3 gateways answer so for an empty one.
func (r *remote) unranged(ctx context.Context, refused *answer) error {
	refused.Close() // gives its slot back
	a, err := r.do(ctx, http.Header{})
	if err != nil {
		return err
	}
	defer a.Close()
	if a.StatusCode != http.StatusOK || a.ContentLength != 0 {
		return fmt.Errorf("%w: status 416 for byte 0", ErrServer)
	}
	return r.accept(pinOf(a.Header, 0))
}

func (r *remote) unsatisfiable(a *answer, off int64) error {
	_, _, total, err := contentRange(a.Header.Get("Content-Range"))
	if err != nil {
		return fmt.Errorf("%w: status 416 for byte %d", ErrServer, off)
	}
	if off == 0 && total == 0 {
		return r.accept(pinOf(a.Header, 0))
	}
	if err := r.accept(pinOf(a.Header, total)); err != nil {
		return err
	}
	return fmt.Errorf("%w: status 416 for byte %d of %d", ErrServer, off, total)
}

func copySpan(src io.ReaderAt, off *int64, end int64, buf []byte, sink func([]byte) error) error {
	for *off < end {
		n, err := src.ReadAt(buf[:min(int64(len(buf)), end-*off)], *off)
		if n == 0 && err != nil {
			return err
		}
		if err := sink(buf[:n]); err != nil {
			return err
		}
		*off += int64(n)
	}
	return nil
}
