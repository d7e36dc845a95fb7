package cache

import (
	"container/list"
	"sync"
)

// blocks holds decoded chunks, the latest used ones up to a number of bytes,
// and lets each be decoded by one goroutine while the others wait.
type blocks struct {
	shards []shard
}

type shard struct {
	mu    sync.Mutex
	limit int
	bytes int
	m     map[blockKey]*list.Element
	order *list.List // of *block, latest used first
}

type blockKey struct {
	serial uint64
	i      int
}

// block is a decoded chunk. Its buffer goes back to the pool with its last
// reference.
type block struct {
	key   blockKey
	ready chan struct{} // closed when buf or err is set
	buf   *[]byte
	err   error
	refs  int  // guarded by the shard's mu
	kept  bool // it is in the shard's bytes
}

func newBlocks(memory int64) *blocks {
	// A shard that cannot hold some chunks would throw away what was decoded ahead.
	b := &blocks{shards: make([]shard, min(max(memory/(8*chunkTarget), 1), 16))}
	for i := range b.shards {
		b.shards[i] = shard{limit: max(int(memory)/len(b.shards), 8*chunkTarget), m: map[blockKey]*list.Element{}, order: list.New()}
	}
	return b
}

func (b *blocks) shard(k blockKey) *shard {
	return &b.shards[(k.serial*0x9e3779b97f4a7c15>>32+uint64(k.i))%uint64(len(b.shards))]
}

// part copies the bytes of chunk i that start at within into dst.
func (b *blocks) part(at *place, i int, dst []byte, within int) error {
	k := blockKey{at.rec.serial, i}
	s := b.shard(k)
	bl := s.get(k, at, i)
	defer s.release(bl)
	if bl.err != nil {
		return bl.err
	}
	copy(dst, (*bl.buf)[within:])
	return nil
}

// whole copies chunk i into dst. One that nobody else has asked for is decoded
// straight into it and not kept: who reads whole chunks does not come back.
func (b *blocks) whole(at *place, i int, dst []byte) error {
	k := blockKey{at.rec.serial, i}
	s := b.shard(k)
	s.mu.Lock()
	_, ok := s.m[k]
	s.mu.Unlock()
	if ok {
		return b.part(at, i, dst, 0)
	}
	return at.decode(i, dst)
}

// load decodes chunk i into memory.
func (b *blocks) load(at *place, i int) {
	k := blockKey{at.rec.serial, i}
	s := b.shard(k)
	s.mu.Lock()
	_, ok := s.m[k]
	s.mu.Unlock()
	if !ok {
		s.release(s.get(k, at, i))
	}
}

// get returns the block of k, decoding it when it is not there. Release it.
func (s *shard) get(k blockKey, at *place, i int) *block {
	s.mu.Lock()
	if e, ok := s.m[k]; ok {
		bl := e.Value.(*block)
		bl.refs++
		s.order.MoveToFront(e)
		s.mu.Unlock()
		<-bl.ready
		return bl
	}
	bl := &block{key: k, ready: make(chan struct{}), refs: 2}
	s.m[k] = s.order.PushFront(bl)
	s.mu.Unlock()

	buf := getBuf(at.rec.length(i))
	err := at.decode(i, *buf)
	s.mu.Lock()
	if err != nil {
		putBuf(buf)
		bl.err = err
		s.remove(bl)
	} else {
		bl.buf = buf
		if _, ok := s.m[k]; ok {
			bl.kept = true
			s.bytes += cap(*buf)
			s.trim()
		}
	}
	close(bl.ready)
	s.mu.Unlock()
	return bl
}

// trim lets the longest unused blocks go. The caller holds mu.
func (s *shard) trim() {
	for e := s.order.Back(); e != nil && s.bytes > s.limit; {
		prev := e.Prev()
		if bl := e.Value.(*block); bl.kept {
			s.remove(bl)
		}
		e = prev
	}
}

// remove takes bl out of the shard, with the shard's reference. The caller
// holds mu.
func (s *shard) remove(bl *block) {
	e, ok := s.m[bl.key]
	if !ok || e.Value.(*block) != bl {
		return
	}
	delete(s.m, bl.key)
	s.order.Remove(e)
	if bl.kept {
		s.bytes -= cap(*bl.buf)
		bl.kept = false
	}
	s.unref(bl)
}

func (s *shard) release(bl *block) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unref(bl)
}

func (s *shard) unref(bl *block) {
	if bl.refs--; bl.refs == 0 && bl.buf != nil {
		putBuf(bl.buf)
		bl.buf = nil
	}
}

// drop empties all shards.
func (b *blocks) drop() {
	for i := range b.shards {
		s := &b.shards[i]
		s.mu.Lock()
		for e := s.order.Front(); e != nil; {
			next := e.Next()
			if bl := e.Value.(*block); bl.kept {
				s.remove(bl)
			}
			e = next
		}
		s.mu.Unlock()
	}
}
