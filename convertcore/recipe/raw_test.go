package recipe

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// memRaw is a Raw of functions that give a file's bytes. It counts openings.
type memRaw struct {
	files  map[string]func() ([]byte, error)
	mu     sync.Mutex
	opened map[string]int
}

func (m *memRaw) Files(context.Context) ([]blob.Info, error) {
	out := make([]blob.Info, 0, len(m.files))
	for path := range m.files {
		out = append(out, blob.Info{Path: path, Size: -1})
	}
	slices.SortFunc(out, func(a, b blob.Info) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

func (m *memRaw) Open(_ context.Context, path string) (blob.Blob, error) {
	m.mu.Lock()
	if m.opened == nil {
		m.opened = map[string]int{}
	}
	m.opened[path]++
	m.mu.Unlock()
	read, ok := m.files[path]
	if !ok {
		return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	}
	data, err := read()
	if err != nil {
		return nil, err
	}
	return blob.Bytes(data), nil
}

// mapRaw is a Raw of files in memory.
func mapRaw(files map[string][]byte) *memRaw {
	m := &memRaw{files: map[string]func() ([]byte, error){}}
	for path, data := range files {
		m.files[path] = func() ([]byte, error) { return data, nil }
	}
	return m
}

// zipRaw adds the members of a zip under name+"!/".
func zipRaw(tb testing.TB, name string, r io.ReaderAt, size int64) *memRaw {
	tb.Helper()
	z, err := zip.NewReader(r, size)
	if err != nil {
		tb.Fatal(err)
	}
	m := &memRaw{files: map[string]func() ([]byte, error){}}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		m.files[name+"!/"+f.Name] = func() ([]byte, error) {
			rc, err := f.Open()
			if err != nil {
				return nil, err
			}
			defer rc.Close()
			var buf bytes.Buffer
			_, err = buf.ReadFrom(rc)
			return buf.Bytes(), err
		}
	}
	return m
}
