package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// serveFake serves a fake backend in dir and returns its client.
func serveFake(t *testing.T, dir string) *client {
	t.Helper()
	b, err := openFake(&options{Cache: dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctl, err := serveControl(dir, b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ctl.Close() })
	c, err := dialControl(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestSocketInDeepFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("deep/", 40))
	c := serveFake(t, dir)
	st, err := os.Stat(filepath.Join(dir, socketName))
	if err != nil {
		t.Fatal(err)
	}
	if st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", st.Mode())
	}
	if got, err := c.Status(t.Context()); err != nil || got.PID != os.Getpid() {
		t.Errorf("status %+v, %v", got, err)
	}
	if _, err := listenSocket(dir); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("second listener: %v", err)
	}
}

func TestStaleSocket(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, socketName))
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close() // as a killed process leaves it
	if _, err := dialControl(t.Context(), dir); !errors.Is(err, errNoMount) {
		t.Fatalf("dial: %v, want errNoMount", err)
	}
	if _, err := serveFake(t, dir).CacheStat(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestNoSocket(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{t.TempDir(), "/does/not/exist", file} {
		if _, err := dialControl(t.Context(), dir); !errors.Is(err, errNoMount) {
			t.Errorf("%s: %v, want errNoMount", dir, err)
		}
	}
}

func TestControl(t *testing.T) {
	c, ctx := serveFake(t, t.TempDir()), t.Context()
	if list, err := c.List(ctx, filter{Modality: []string{"ct"}}); err != nil || len(list) != 1 || list[0].ID != "organs" {
		t.Errorf("list: %v, %v", list, err)
	}
	if d, err := c.Info(ctx, "cells"); err != nil || d.Title != "Cells" || d.Splits["train"] != 10 {
		t.Errorf("info: %v, %v", d, err)
	}
	if _, err := c.Info(ctx, "a b&c"); !errors.Is(err, errNotFound) || err.Error() != `dataset "a b&c": not found` {
		t.Errorf("info of nothing: %v", err)
	}
	if list, err := c.Why(ctx, "datasets/cells"); err != nil || len(list) != 1 || list[0] != fakeFailure {
		t.Errorf("why: %v, %v", list, err)
	}
	if st, err := c.CacheTrim(ctx, 5); err != nil || st.Limit != 5 {
		t.Errorf("trim: %v, %v", st, err)
	}
	if _, err := c.CacheTrim(ctx, -5); err == nil || !strings.Contains(err.Error(), "negative limit") {
		t.Errorf("trim to less than nothing: %v", err)
	}
	if st, err := c.CacheClear(ctx); err != nil || st.Entries != 0 {
		t.Errorf("clear: %v, %v", st, err)
	}
}

func TestControlFetch(t *testing.T) {
	c := serveFake(t, t.TempDir())
	var events, failed int
	err := c.Fetch(t.Context(), fetchRequest{Targets: []string{"cells", "organs"}}, func(e fetchEvent) {
		events++
		if e.Failed != nil {
			failed++
		}
	})
	if err != nil || events != 8 || failed != 1 {
		t.Errorf("%d events, %d failed, %v; want 8, 1, nil", events, failed, err)
	}
	err = c.Fetch(t.Context(), fetchRequest{Targets: []string{"nothing"}}, func(fetchEvent) {})
	if !errors.Is(err, errNotFound) {
		t.Errorf("fetch of nothing: %v", err)
	}
}

// TestFetchStops checks that the mount's side of a fetch ends with the client.
func TestFetchStops(t *testing.T) {
	c := serveFake(t, filepath.Join(t.TempDir(), "stall"))
	ctx, cancel := context.WithCancel(t.Context())
	err := c.Fetch(ctx, fetchRequest{Targets: []string{"organs"}}, func(e fetchEvent) {
		if e.Done == e.Total {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want canceled", err)
	}
}

// TestFetchCutShort checks that a stream without its last line is an error.
func TestFetchCutShort(t *testing.T) {
	dir := t.TempDir()
	l, err := listenSocket(dir)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"event":{"done":1,"total":9,"bytes":1,"cached":0}}` + "\n"))
	})}
	go srv.Serve(l)
	defer srv.Close()
	c, err := dialControl(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	n := 0
	err = c.Fetch(t.Context(), fetchRequest{}, func(fetchEvent) { n++ })
	if err == nil || n != 1 {
		t.Errorf("error %v after %d events", err, n)
	}
}

// TestCloseEndsRequests checks that a stalled fetch does not hold up the end.
func TestCloseEndsRequests(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "stall")
	b, _ := openFake(&options{Cache: dir}, nil)
	ctl, err := serveControl(dir, b)
	if err != nil {
		t.Fatal(err)
	}
	c, err := dialControl(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got := make(chan error, 1)
	started := make(chan struct{}, 16)
	go func() {
		got <- c.Fetch(context.Background(), fetchRequest{Targets: []string{"organs"}}, func(fetchEvent) { started <- struct{}{} })
	}()
	select {
	case <-started:
	case err := <-got:
		t.Fatalf("fetch: %v", err)
	}
	begin := time.Now()
	ctl.Close()
	if err := <-got; err == nil {
		t.Error("the client saw no error")
	}
	if d := time.Since(begin); d > 3*time.Second {
		t.Errorf("close took %v", d)
	}
}
