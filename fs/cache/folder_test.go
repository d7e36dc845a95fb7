package cache

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// noTest is the context of a process that is not a test.
var noTest = context.Background()

func TestHeld(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, Options{Mount: "/mnt/x"})
	_, err := Open(t.Context(), dir, Options{})
	var held *HeldError
	if !errors.As(err, &held) {
		t.Fatalf("a second process got %v", err)
	}
	if held.PID != os.Getpid() || held.Mount != "/mnt/x" || held.Command == "" || time.Since(held.Since) > time.Minute {
		t.Errorf("%+v", held)
	}
	for _, word := range []string{dir, "/mnt/x", "process"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
	c.Close()
	open(t, dir, Options{}).Close()
}

func TestUnknownFormat(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, Options{})
	mustFill(t, c, key(1), payload(1, 100), Layout{}, "")
	c.Close()
	if err := os.WriteFile(filepath.Join(dir, "FORMAT"), []byte("99\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir, Options{}); err == nil || !strings.Contains(err.Error(), "99") {
		t.Fatalf("got %v", err)
	}
	os.Remove(filepath.Join(dir, "FORMAT"))
	if _, err := Open(t.Context(), dir, Options{}); err == nil {
		t.Fatal("payloads without a format are opened")
	}
	os.WriteFile(filepath.Join(dir, "FORMAT"), []byte("1\n"), 0o644)
	if c := open(t, dir, Options{}); !c.Has(key(1)) {
		t.Error("the payload is gone")
	}
}

func TestClose(t *testing.T) {
	before := runtime.NumGoroutine()
	c, err := Open(t.Context(), t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := mustFill(t, c, key(1), payload(1, 1<<20), Layout{}, "")
	failed := make(chan error, 1)
	started := make(chan struct{})
	go func() {
		_, err := c.Fill(t.Context(), key(2), func(ctx context.Context, w *Writer) error {
			close(started)
			<-ctx.Done() // as a conversion that waits for the network
			return ctx.Err()
		})
		failed <- err
	}()
	<-started
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; !errors.Is(err, ErrClosed) {
		t.Errorf("the fill under way ended with %v", err)
	}
	if _, err := p.ReadAt(make([]byte, 1<<20), 0); !errors.Is(err, ErrClosed) {
		t.Errorf("read after Close: %v", err)
	}
	if _, err := c.Get(t.Context(), key(1)); !errors.Is(err, ErrClosed) {
		t.Errorf("Get after Close: %v", err)
	}
	if _, err := c.Fill(t.Context(), key(3), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Fill after Close: %v", err)
	}
	if err := c.Facts().Set("a", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Set after Close: %v", err)
	}
	if _, ok := c.Facts().Get("a"); ok {
		t.Error("a fact after Close")
	}
	if err := c.Close(); err != nil {
		t.Error("second Close:", err)
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	buf := make([]byte, 1<<20)
	t.Errorf("goroutines are left, %d before:\n%s", before, buf[:runtime.Stack(buf, true)])
}
