package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/omnimedseg/omnimedfs/fs/tree"
)

func TestMain(m *testing.M) {
	run := func() {
		p := &program{stdout: os.Stdout, stderr: os.Stderr, lookup: os.LookupEnv, open: openFake, mount: mountFake}
		if os.Getenv("TEST_FUSE") != "" {
			p.mount = mountTree
		}
		os.Exit(p.main(os.Args))
	}
	testscript.Main(m, map[string]func(){"omnimedfs": run, "mount.omnimedfs": run, "mount.fuse.omnimedfs": run})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_CACHE_HOME", "")
			e.Setenv("XDG_CONFIG_HOME", "")
			e.Setenv("TZ", "UTC")
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond != "fuse" {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			_, err := os.Stat("/dev/fuse")
			return err == nil, nil
		},
	})
}

// fake is a backend without data: two datasets, of which one file fails.
type fake struct {
	o     options
	mu    sync.Mutex
	dir   string
	limit int64
	block chan struct{} // Fetch waits for it where it is not nil
}

func openFake(o *options, _ *slog.Logger) (backend, error) {
	if strings.Contains(o.Cache, "broken") {
		return nil, errors.New("cache: the folder is broken")
	}
	f := &fake{o: *o}
	if strings.Contains(o.Cache, "stall") {
		f.block = make(chan struct{})
	}
	return f, nil
}

var fakeData = []dataset{
	{ID: "cells", Title: "Cells", Modality: "microscopy", Dim: 2, License: "CC0-1.0", Platform: "http", Status: "verified", Classes: []string{"nucleus"}, Cases: 12, Files: 24, Size: 81426832, Cached: 6},
	{ID: "organs", Title: "Organs", Modality: "ct", Dim: 3, License: "CC-BY-4.0", Platform: "zenodo", Status: "unverified", RawOnly: true, Classes: []string{"liver", "spleen"}, Cases: -1, Files: -1, Size: -1},
}

func (f *fake) Status(context.Context) (*status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &status{Version: "v1", PID: os.Getpid(), Mountpoint: f.dir, Cache: f.o.Cache, Datasets: 2, Started: time.Unix(0, 0), Offline: f.o.Offline, Requests: map[string]int64{"read": 7}}, nil
}

func (f *fake) List(_ context.Context, q filter) ([]dataset, error) {
	var out []dataset
	for _, d := range fakeData {
		if matchAny(q.IDs, d.ID) && matchAny(q.Modality, d.Modality) && matchAny(q.License, d.License) && matchAny(q.Status, d.Status) {
			out = append(out, d)
		}
	}
	return out, nil
}

func matchAny(globs []string, s string) bool {
	for _, g := range globs {
		if ok, _ := path.Match(g, s); ok {
			return true
		}
	}
	return len(globs) == 0
}

func (f *fake) Info(_ context.Context, id string) (*datasetInfo, error) {
	for _, d := range fakeData {
		if d.ID == id {
			return &datasetInfo{dataset: d, Record: "R1", Splits: map[string]int{"train": 10, "test": 2},
				Sources: []sourceFile{{"a.zip", "https://example.org/a.zip", 81426832, "md5:00"}}, Citation: "@article{x}", Path: "datasets/" + id}, nil
		}
	}
	return nil, fmt.Errorf("dataset %q: %w", id, errNotFound)
}

var fakeFailure = failure{Time: time.Unix(1700000000, 0).UTC(), Path: "datasets/cells/images/c07.png", Errno: "EREMOTEIO", Error: "get https://example.org/a.zip: 404", Hint: "a mirror may have it: --mirror"}

func (f *fake) Why(_ context.Context, p string) ([]failure, error) {
	if p == fakeFailure.Path || strings.HasPrefix(fakeFailure.Path, p+"/") {
		return []failure{fakeFailure}, nil
	}
	return nil, nil
}

func (f *fake) Fetch(ctx context.Context, req fetchRequest, emit func(fetchEvent)) error {
	total := int64(4 * len(req.Targets))
	for i := int64(1); i <= total; i++ {
		e := fetchEvent{Done: i, Total: total, Bytes: i * 1024, Path: fmt.Sprint(req.Targets, i)}
		if i == 3 && req.Targets[0] == "cells" {
			e.Failed = &fakeFailure
		}
		emit(e)
	}
	switch {
	case req.Targets[0] == "nothing":
		return fmt.Errorf("dataset %q: %w", req.Targets[0], errNotFound)
	case f.block != nil:
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (f *fake) Lock(context.Context, []string) (*lockFile, error) {
	return &lockFile{Version: lockVersion, Datasets: map[string]lockedData{"cells": {"00", map[string]string{"images/a.png": "11"}}}}, nil
}

func (f *fake) CacheStat(context.Context) (*cacheStat, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	limit := f.limit
	if limit == 0 {
		limit = f.o.CacheLimit
	}
	return &cacheStat{Folder: f.o.Cache, Limit: limit, Disk: 100 << 20, Payload: 150 << 20, Entries: 24, Generations: 3}, nil
}

func (f *fake) CacheTrim(ctx context.Context, limit int64) (*cacheStat, error) {
	f.mu.Lock()
	f.limit = limit
	f.mu.Unlock()
	return f.CacheStat(ctx)
}

func (f *fake) CacheClear(context.Context) (*cacheStat, error) {
	return &cacheStat{Folder: f.o.Cache}, nil
}

func (f *fake) Root() tree.Dir {
	mtime := time.Unix(1e9, 0)
	text := func() []byte {
		st, _ := f.Status(context.Background())
		data, _ := json.Marshal(st)
		return data
	}
	line, _ := json.Marshal(fakeFailure)
	return tree.Static(mtime,
		tree.Folder(".omnimedfs", mtime, tree.Bytes("errors.jsonl", append(line, '\n'), mtime),
			tree.Snapshots("status.json", func() time.Time { return mtime }, text)),
		tree.Bytes("README.txt", []byte("hello\n"), mtime))
}

func (f *fake) Mounted(dir string, _ func() map[string]int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dir = dir
}

func (f *fake) ReadFailed(string, error) {}
func (f *fake) Close() error             { return nil }

// fakeMount leaves a file in its folder; it is unmounted when that goes.
type fakeMount struct{ file string }

func mountFake(_ context.Context, dir string, _ backend, _ *options, _ *slog.Logger) (mounted, error) {
	m := fakeMount{filepath.Join(dir, "here")}
	return m, os.WriteFile(m.file, nil, 0o600)
}

func (m fakeMount) Wait() {
	for {
		if _, err := os.Stat(m.file); err != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (m fakeMount) Unmount(context.Context) error { return os.Remove(m.file) }

func (m fakeMount) Requests() map[string]int64 { return map[string]int64{"read": 7} }
