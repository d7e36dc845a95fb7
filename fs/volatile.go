package fs

import (
	"bytes"
	"syscall"
	"time"

	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/omnimedseg/omnimedfs/fs/tree"
)

// maxSnapshotBytes bounds the snapshots that readers still hold open. Beyond
// it the oldest are lost to their readers (ESTALE).
const maxSnapshotBytes = 64 << 20

// snapshot is what one opening of a Volatile file sees. It has a node id of
// its own, so the kernel may keep its pages and size like those of any file,
// and a new text is a new file: no direct I/O, no invalidation to race with.
type snapshot struct {
	id, node uint64 // node is the id that the arithmetic gives the file
	data     []byte
	mtime    time.Time
	nlookup  uint64 // references that the kernel holds
}

type snapshots struct {
	mu     sync.Mutex
	byID   map[uint64]*snapshot
	latest map[uint64]*snapshot // by node
	order  []*snapshot          // oldest first
	bytes  int
	next   uint64
}

func newSnapshots() *snapshots {
	return &snapshots{byID: map[uint64]*snapshot{}, latest: map[uint64]*snapshot{}, next: volatileBase}
}

// lookupVolatile answers a lookup of v with its present text. The entry is
// good for this lookup alone; the attributes for as long as the id lives.
func (s *rawFS) lookupVolatile(node uint64, v tree.Volatile, out *fuse.EntryOut) {
	snap := s.volatile.take(node, v.Snapshot(), v.ModTime())
	s.attr(&out.Attr, snap.node, tree.KindFile, int64(len(snap.data)), snap.mtime)
	out.NodeId = snap.id
	out.SetAttrTimeout(forever)
}

// take returns the snapshot that holds data: the latest one where nothing
// changed, else a new one.
func (t *snapshots) take(node uint64, data []byte, mtime time.Time) *snapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	snap := t.latest[node]
	if snap == nil || !bytes.Equal(snap.data, data) {
		snap = &snapshot{id: t.next, node: node, data: bytes.Clone(data), mtime: mtime}
		t.next++
		t.byID[snap.id], t.latest[node] = snap, snap
		t.order = append(t.order, snap)
		t.bytes += len(data)
		t.bound()
	}
	snap.nlookup++
	return snap
}

// bound drops the oldest snapshots, but not the latest of a file.
func (t *snapshots) bound() {
	for i := 0; t.bytes > maxSnapshotBytes && i < len(t.order); {
		if old := t.order[i]; t.latest[old.node] == old {
			i++
		} else {
			t.remove(old)
		}
	}
}

func (t *snapshots) get(id uint64) *snapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byID[id]
}

// forget ends n of the kernel's references to id.
func (t *snapshots) forget(id, n uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if snap := t.byID[id]; snap != nil {
		snap.nlookup -= min(n, snap.nlookup)
		if snap.nlookup == 0 {
			t.remove(snap)
		}
	}
}

func (t *snapshots) remove(snap *snapshot) {
	delete(t.byID, snap.id)
	if t.latest[snap.node] == snap {
		delete(t.latest, snap.node)
	}
	t.bytes -= len(snap.data)
	for i, o := range t.order {
		if o == snap {
			t.order = append(t.order[:i], t.order[i+1:]...)
			break
		}
	}
}

func (s *rawFS) readVolatile(in *fuse.ReadIn) (fuse.ReadResult, fuse.Status) {
	snap := s.volatile.get(in.NodeId)
	if snap == nil {
		return nil, fuse.Status(syscall.ESTALE)
	}
	if in.Offset >= uint64(len(snap.data)) {
		return fuse.ReadResultData(nil), fuse.OK
	}
	data := snap.data[in.Offset:]
	data = data[:min(len(data), int(in.Size))]
	s.counters.readBytes.Add(int64(len(data)))
	return fuse.ReadResultData(data), fuse.OK
}
