package fs

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// countedFile tells how often it was opened.
type countedFile struct {
	tree.File
	cached bool
	opened *atomic.Int64
}

func (f countedFile) Resident() bool { return f.cached }

func (f countedFile) Open(ctx context.Context) (blob.Blob, error) {
	f.opened.Add(1)
	return f.File.Open(ctx)
}

// TestFilesAhead reads files in order: the next ones are opened before they are
// read where they are in the cache, and never where they are not. Files that
// are read in no order open nothing.
func TestFilesAhead(t *testing.T) {
	for _, c := range []struct {
		name   string
		cached bool
		reads  []int
		want   string // which files have been opened
	}{
		{"in order, cached", true, []int{0, 1}, "[1 1 1 1 0 0 0 0]"},
		{"in order, not cached", false, []int{0, 1}, "[1 1 0 0 0 0 0 0]"},
		{"in no order", true, []int{5, 2, 7}, "[0 0 1 0 0 1 0 1]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			opened := make([]atomic.Int64, 8)
			var nodes []tree.Child
			for i := range opened {
				n := tree.Bytes(fmt.Sprint(i), []byte("content"), time.Time{})
				n.Node = countedFile{n.Node.(tree.File), c.cached, &opened[i]}
				nodes = append(nodes, n)
			}
			s := newRawFS(t.Context(), tree.Static(time.Time{}, nodes...), Options{})
			root := s.ids.folder(rootID)
			if err := s.load(nil, root); err != nil {
				t.Fatal(err)
			}
			for _, i := range c.reads {
				id := root.base + uint64(i)
				buf, err := s.readAt(id, root.dir.Child(i).(tree.File), 0, 100)
				if err != nil || string(buf) != "content" {
					t.Fatalf("%q, %v", buf, err)
				}
			}
			for len(s.decodeSem) > 0 {
				time.Sleep(time.Millisecond)
			}
			got := make([]int64, len(opened))
			for i := range opened {
				got[i] = opened[i].Load()
			}
			if fmt.Sprint(got) != c.want {
				t.Errorf("opened %v, want %s", got, c.want)
			}
		})
	}
}
