package cache

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func open(t testing.TB, dir string, opt Options) *Cache {
	t.Helper()
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	c, err := Open(t.Context(), dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func key(i int) (k Key) {
	binary.LittleEndian.PutUint64(k[:], uint64(i)+1)
	return k
}

// payload returns the i-th payload: noise that does not compress, size bytes.
func payload(i, size int) []byte {
	rng := rand.New(rand.NewPCG(uint64(i), 7))
	b := make([]byte, size+8)
	for j := 0; j < size; j += 8 {
		binary.LittleEndian.PutUint64(b[j:], rng.Uint64())
	}
	return b[:size]
}

// put returns a fill that writes data in uneven pieces.
func put(data []byte, l Layout, meta string) func(context.Context, *Writer) error {
	return func(_ context.Context, w *Writer) error {
		w.Layout(l)
		for len(data) > 0 {
			n := min(len(data), 100_003)
			if _, err := w.Write(data[:n]); err != nil {
				return err
			}
			data = data[n:]
		}
		w.SetMeta([]byte(meta))
		return nil
	}
}

func readAll(p *Payload) ([]byte, error) {
	defer p.Close()
	b := make([]byte, p.Size())
	n, err := io.ReadFull(io.NewSectionReader(p, 0, p.Size()), b)
	if err == io.EOF && n == 0 {
		err = nil
	}
	return b[:n], err
}

func mustFill(t testing.TB, c *Cache, k Key, data []byte, l Layout, meta string) *Payload {
	t.Helper()
	p, err := c.Fill(t.Context(), k, put(data, l, meta))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestFillThenGet(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, Options{})
	all := append(contents(), content{"empty", Layout{}, nil})
	for i, v := range all {
		if _, err := c.Get(t.Context(), key(i)); !errors.Is(err, ErrMiss) {
			t.Fatalf("%s: before the fill: %v", v.name, err)
		}
		got, err := readAll(mustFill(t, c, key(i), v.data, v.layout, v.name))
		if err != nil || !bytes.Equal(got, v.data) {
			t.Fatalf("%s: after the fill: %d bytes, %v", v.name, len(got), err)
		}
	}
	check := func(c *Cache) {
		t.Helper()
		for i, v := range all {
			if !c.Has(key(i)) {
				t.Errorf("%s: Has says no", v.name)
			}
			p, err := c.Get(t.Context(), key(i))
			if err != nil {
				t.Fatalf("%s: %v", v.name, err)
			}
			if string(p.Meta()) != v.name {
				t.Errorf("%s: meta %q", v.name, p.Meta())
			}
			if m, ok := c.Meta(key(i)); !ok || string(m) != v.name {
				t.Errorf("%s: kept meta %q, %v", v.name, m, ok)
			}
			if got, err := readAll(p); err != nil || !bytes.Equal(got, v.data) {
				t.Errorf("%s: %d bytes, %v", v.name, len(got), err)
			}
		}
		if s := c.Stats(); s.Entries != len(all) {
			t.Errorf("stats count %d payloads, want %d", s.Entries, len(all))
		}
	}
	check(c)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	check(open(t, dir, Options{}))
}

func TestReadAtAnywhere(t *testing.T) {
	c := open(t, t.TempDir(), Options{Memory: 1 << 20})
	data := smooth(rand.New(rand.NewPCG(1, 1)), 700, 900, 3, 5)
	p := mustFill(t, c, key(1), data, Layout{700 * 3, 1, 3}, "")
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 3))
			b := make([]byte, 1<<20)
			for range 60 {
				off, n := rng.IntN(len(data)), rng.IntN(1<<(1+rng.IntN(20)))
				m, err := p.ReadAt(b[:n], int64(off))
				want := data[off:min(off+n, len(data))]
				if !bytes.Equal(b[:m], want) || (m < n) != (err == io.EOF) || (err != nil && err != io.EOF) {
					t.Errorf("read of %d at %d: %d, %v", n, off, m, err)
				}
			}
		})
	}
	wg.Wait()
	if _, err := p.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("a negative offset is read")
	}
}

func TestFillOnce(t *testing.T) {
	c := open(t, t.TempDir(), Options{})
	var calls atomic.Int32
	data := payload(1, 1<<20)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			p, err := c.Fill(t.Context(), key(1), func(ctx context.Context, w *Writer) error {
				calls.Add(1)
				time.Sleep(20 * time.Millisecond)
				return put(data, Layout{}, "")(ctx, w)
			})
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := readAll(p); err != nil || !bytes.Equal(got, data) {
				t.Error("wrong bytes", err)
			}
		})
	}
	wg.Wait()
	if calls.Load() != 1 {
		t.Errorf("%d conversions", calls.Load())
	}
}

func TestFillFails(t *testing.T) {
	c := open(t, t.TempDir(), Options{})
	boom := errors.New("boom")
	for name, fill := range map[string]func(context.Context, *Writer) error{
		"error after bytes": func(_ context.Context, w *Writer) error { w.Write(payload(1, 3<<20)); return boom },
		"panic":             func(_ context.Context, w *Writer) error { w.Write(payload(1, 1<<20)); panic("boom") },
		"late layout":       func(_ context.Context, w *Writer) error { w.Write([]byte{1}); w.Layout(Layout{1, 1, 1}); return nil },
		"huge meta":         func(_ context.Context, w *Writer) error { w.SetMeta(make([]byte, maxMeta+1)); return nil },
	} {
		if _, err := c.Fill(t.Context(), key(1), fill); err == nil {
			t.Errorf("%s: no error", name)
		}
		if c.Has(key(1)) {
			t.Errorf("%s: something was kept", name)
		}
	}
	if s := c.Stats(); s.Entries != 0 || s.Failures != 4 {
		t.Errorf("stats %+v", s)
	}
}

func TestCallerLeavesAndFillGoesOn(t *testing.T) {
	c := open(t, t.TempDir(), Options{})
	ctx, cancel := context.WithCancel(t.Context())
	type ctxKey struct{}
	go1 := make(chan struct{})
	errs := make(chan error, 1)
	started := make(chan struct{})
	go func() {
		_, err := c.Fill(context.WithValue(ctx, ctxKey{}, "v"), key(1), func(ctx context.Context, w *Writer) error {
			close(started)
			<-go1
			if ctx.Err() != nil || ctx.Value(ctxKey{}) != "v" {
				return fmt.Errorf("context %v, value %v", ctx.Err(), ctx.Value(ctxKey{}))
			}
			_, err := w.Write([]byte("done"))
			return err
		})
		errs <- err
	}()
	<-started
	cancel()
	if err := <-errs; !errors.Is(err, context.Canceled) {
		t.Fatalf("the caller left with %v", err)
	}
	close(go1)
	p, err := c.Fill(t.Context(), key(1), func(context.Context, *Writer) error { return errors.New("filled twice") })
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readAll(p); string(got) != "done" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
}
