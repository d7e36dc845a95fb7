package fs

import (
	"container/list"
	"context"
	"sync"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// maxHandles bounds the blobs that are kept open between reads. The kernel
// sends no open and no close, so the least recently read is closed.
const maxHandles = 256

// handle is one opened blob. It is closed when it has left the table and
// nobody reads from it.
type handle struct {
	id    uint64
	ready chan struct{} // closed when blob and err are set
	blob  blob.Blob
	err   error

	refs int           // under handles.mu: readers, the opener, and the table's own
	elem *list.Element // nil when out of the table
}

// handles keeps blobs open by node id.
type handles struct {
	mu   sync.Mutex
	max  int
	byID map[uint64]*handle
	lru  list.List // most recently read first
}

func newHandles(max int) *handles {
	return &handles{max: max, byID: make(map[uint64]*handle)}
}

// acquire returns the handle of id for one reader, who calls release. first
// tells that the caller must open it: call opened, from any goroutine.
func (t *handles) acquire(id uint64) (h *handle, first bool) {
	t.mu.Lock()
	var dead *handle
	if h = t.byID[id]; h != nil {
		t.lru.MoveToFront(h.elem)
		h.refs++
	} else {
		first = true
		h = &handle{id: id, ready: make(chan struct{}), refs: 3}
		t.byID[id] = h
		h.elem = t.lru.PushFront(h)
		if t.lru.Len() > t.max {
			oldest := t.lru.Back().Value.(*handle)
			if t.remove(oldest) {
				dead = oldest
			}
		}
	}
	t.mu.Unlock()
	dead.close()
	return h, first
}

// opened sets what the opening gave and ends the opener's hold.
func (t *handles) opened(h *handle, b blob.Blob, err error) {
	h.blob, h.err = b, err
	close(h.ready)
	if err != nil {
		t.drop(h)
	}
	t.release(h)
}

// wait waits for the opening.
func (h *handle) wait(ctx context.Context) (blob.Blob, error) {
	select {
	case <-h.ready:
		return h.blob, h.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// release ends one hold.
func (t *handles) release(h *handle) {
	t.mu.Lock()
	h.refs--
	last := h.refs == 0
	t.mu.Unlock()
	if last {
		h.close()
	}
}

// drop takes h out of the table, so that the next read opens the file anew.
func (t *handles) drop(h *handle) {
	t.mu.Lock()
	dead := t.remove(h)
	t.mu.Unlock()
	if dead {
		h.close()
	}
}

// remove ends the table's hold on h and tells whether it was the last one. mu
// is held.
func (t *handles) remove(h *handle) bool {
	if h.elem == nil {
		return false
	}
	t.lru.Remove(h.elem)
	h.elem = nil
	delete(t.byID, h.id)
	h.refs--
	return h.refs == 0
}

// closeAll empties the table. Blobs that are being read from close when their
// readers end.
func (t *handles) closeAll() {
	t.mu.Lock()
	var dead []*handle
	for _, h := range t.byID {
		if t.remove(h) {
			dead = append(dead, h)
		}
	}
	t.mu.Unlock()
	for _, h := range dead {
		h.close()
	}
}

func (h *handle) close() {
	if h != nil && h.blob != nil {
		h.blob.Close()
	}
}
