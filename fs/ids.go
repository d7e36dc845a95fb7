package fs

import (
	"fmt"
	"path"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/omnimedseg/omnimedfs/fs/tree"
)

const (
	rootID = 1
	// volatileBase is the first id of the snapshots; spans end below it.
	volatileBase = 1 << 62
)

// folder is a Dir that somebody looked into. Its children have the ids
// base..base+n-1 once it is loaded.
type folder struct {
	dir        tree.Dir
	id, parent uint64
	base, n    uint64
	loaded     atomic.Bool // base and n are set
	sizes      sequence    // of lookups
	reads      sequence    // of files that were begun
}

// ids numbers the tree. Folders are never forgotten while the mount lives:
// there are far fewer of them than of files.
type ids struct {
	mu      sync.RWMutex
	folders map[uint64]*folder
	spans   []*folder // by base, ascending
	next    uint64
}

func newIDs(root tree.Dir) *ids {
	f := &folder{dir: root, id: rootID, parent: rootID}
	return &ids{folders: map[uint64]*folder{rootID: f}, next: rootID + 1}
}

// place finds the folder and the child's number that id stands for.
func (t *ids) place(id uint64) (parent *folder, i int, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	k := sort.Search(len(t.spans), func(k int) bool { return t.spans[k].base > id }) - 1
	if k < 0 || id-t.spans[k].base >= t.spans[k].n {
		return nil, 0, false
	}
	return t.spans[k], int(id - t.spans[k].base), true
}

// node returns what id stands for, nil when it never stood for anything.
func (t *ids) node(id uint64) tree.Node {
	if id == rootID {
		return t.folder(id).dir
	}
	if parent, i, ok := t.place(id); ok {
		return parent.dir.Child(i)
	}
	return nil
}

// folder returns the folder that id stands for, nil when that is none.
func (t *ids) folder(id uint64) *folder {
	t.mu.RLock()
	f := t.folders[id]
	t.mu.RUnlock()
	if f != nil {
		return f
	}
	parent, i, ok := t.place(id)
	if !ok {
		return nil
	}
	dir, ok := parent.dir.Child(i).(tree.Dir)
	if !ok {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := t.folders[id]; f != nil {
		return f
	}
	f = &folder{dir: dir, id: id, parent: parent.id}
	t.folders[id] = f
	return f
}

// span gives the children of f, which is loaded, their ids.
func (t *ids) span(f *folder) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.loaded.Load() {
		return nil
	}
	total := f.dir.Total()
	if total < 0 || f.dir.Len() > total || uint64(total) > volatileBase-t.next {
		return fmt.Errorf("folder of %d children, %d listed", total, f.dir.Len())
	}
	f.base, f.n = t.next, uint64(total)
	if total > 0 {
		t.next += f.n
		t.spans = append(t.spans, f)
	}
	f.loaded.Store(true)
	return nil
}

// path returns the path of id relative to the root, "." for the root itself.
func (t *ids) path(id uint64) string {
	p := "."
	for id != rootID {
		parent, i, ok := t.place(id)
		if !ok {
			return fmt.Sprintf("node %d", id)
		}
		p = path.Join(parent.dir.Entry(i).Name, p)
		id = parent.id
	}
	return p
}
