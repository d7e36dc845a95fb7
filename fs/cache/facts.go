package cache

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/klauspost/compress/zstd"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

const (
	// gather is how long a fact waits for others before it is written: what a
	// kill can lose.
	gather = 10 * time.Millisecond
	// backlog is how many bytes may wait before Set waits too.
	backlog = 8 << 20
	// packFrom is the length from which a fact is compressed.
	packFrom = 1 << 10
	maxFact  = 256 << 20
)

// Facts is a blob.Facts in Badger. Set returns at once; the fact is readable at
// once and on disk within some milliseconds. A write that fails is told by a
// later Set and by Flush.
type Facts struct {
	dir string
	log *slog.Logger
	db  *badger.DB

	mu      sync.Mutex
	space   *sync.Cond        // the backlog shrank, or a flush ended
	pending map[string][]byte // encoded; nil deletes
	writing map[string][]byte // what the flusher has taken
	bytes   int               // in pending
	err     error             // of the last flush, until told
	closed  bool

	wake    chan struct{}
	stopped chan struct{}
	ts      atomic.Uint64
	size    atomic.Int64 // bytes on disk, measured now and then
	since   atomic.Int64 // when it was measured
}

var _ blob.Facts = (*Facts)(nil)

func metaKey(k Key) string      { return "m" + string(k[:]) }
func factKey(key string) string { return "f" + key }

var factDecoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxFact), zstd.WithDecoderLowmem(true))
	if err != nil {
		panic(err) // constant options
	}
	return d
})

func openFacts(dir string, log *slog.Logger) (*Facts, error) {
	db, err := openBadger(factsOptions(dir, log))
	if err != nil && !systemError(err) {
		// All of it can be fetched again, and nothing of it can be read.
		log.Warn("removing the damaged facts of the cache", "err", err)
		if err := os.RemoveAll(dir); err != nil {
			return nil, err
		}
		db, err = openBadger(factsOptions(dir, log))
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(dir), err)
	}
	f := &Facts{
		dir: dir, log: log, db: db,
		pending: map[string][]byte{}, wake: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
	f.space = sync.NewCond(&f.mu)
	f.ts.Store(db.MaxVersion())
	go f.flusher()
	return f, nil
}

// Get implements blob.Facts.
func (f *Facts) Get(key string) ([]byte, bool) { return f.get(factKey(key)) }

// Set implements blob.Facts. It keeps no reference to value.
func (f *Facts) Set(key string, value []byte) error { return f.set(factKey(key), value) }

// Delete forgets a fact; one that is not there is no error.
func (f *Facts) Delete(key string) error { return f.put(factKey(key), nil) }

func (f *Facts) get(key string) ([]byte, bool) {
	f.mu.Lock()
	enc, ok := f.pending[key]
	if !ok {
		enc, ok = f.writing[key]
	}
	closed := f.closed
	f.mu.Unlock()
	if ok {
		if enc == nil {
			return nil, false
		}
		v, err := unpackFact(enc)
		return v, err == nil
	}
	if closed {
		return nil, false
	}
	var value []byte
	err := f.read(func(txn *badger.Txn) error {
		item, err := txn.Get([]byte(key))
		if err != nil {
			return err
		}
		return item.Value(func(b []byte) error {
			value, err = unpackFact(b)
			return err
		})
	})
	if err != nil && !errors.Is(err, badger.ErrKeyNotFound) {
		f.log.Warn("damaged fact", "err", err)
	}
	return value, err == nil
}

func (f *Facts) read(fn func(*badger.Txn) error) (err error) {
	defer recoverInto(&err)
	txn := f.db.NewTransactionAt(math.MaxUint64, false)
	defer txn.Discard()
	return fn(txn)
}

func (f *Facts) set(key string, value []byte) error {
	if len(key) > 32<<10 || len(value) > maxFact {
		return fmt.Errorf("cache: fact of %d bytes under a name of %d is too long", len(value), len(key))
	}
	return f.put(key, packFact(value))
}

// put queues an encoded value.
func (f *Facts) put(key string, enc []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.bytes > backlog && !f.closed {
		f.space.Wait()
	}
	if f.closed {
		return ErrClosed
	}
	if err := f.err; err != nil {
		f.err = nil
		return err
	}
	f.pending[key] = enc
	f.bytes += len(key) + len(enc) + 64
	select {
	case f.wake <- struct{}{}:
	default:
	}
	return nil
}

// Each calls fn with every fact whose key starts with prefix, in the order of
// keys, until fn returns false.
func (f *Facts) Each(prefix string, fn func(key string, value []byte) bool) error {
	if err := f.Flush(); err != nil {
		return err
	}
	return f.read(func(txn *badger.Txn) error {
		o := badger.DefaultIteratorOptions
		o.PrefetchValues = false
		o.Prefix = []byte(factKey(prefix))
		it := txn.NewIterator(o)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			item := it.Item()
			var value []byte
			err := item.Value(func(b []byte) (err error) {
				value, err = unpackFact(b)
				return err
			})
			if err != nil {
				f.log.Warn("damaged fact", "err", err)
				continue
			}
			if !fn(string(item.Key()[1:]), value) {
				return nil
			}
		}
		return nil
	})
}

// Flush waits until all that was set is written, and returns what went wrong.
func (f *Facts) Flush() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for (len(f.pending) > 0 || f.writing != nil) && !f.closed {
		f.space.Wait()
	}
	err := f.err
	f.err = nil
	return err
}

// flusher writes what is pending, many at a time.
func (f *Facts) flusher() {
	defer close(f.stopped)
	for range f.wake {
		f.mu.Lock()
		quick := f.closed || f.bytes > backlog/4
		f.mu.Unlock()
		if !quick {
			time.Sleep(gather)
		}
		f.mu.Lock()
		f.writing, f.pending, f.bytes = f.pending, map[string][]byte{}, 0
		f.space.Broadcast()
		f.mu.Unlock()
		err := f.write(f.writing)
		f.mu.Lock()
		f.writing = nil
		if err != nil {
			f.err = fmt.Errorf("write facts: %w", err)
			f.log.Warn("facts not written", "err", err)
		}
		f.space.Broadcast()
		f.mu.Unlock()
	}
}

func (f *Facts) write(facts map[string][]byte) (err error) {
	if len(facts) == 0 {
		return nil
	}
	if diskFree(filepath.Dir(f.dir)) < 16<<20 {
		return ErrFull
	}
	defer recoverInto(&err)
	ts := f.ts.Add(1)
	batch := f.db.NewWriteBatchAt(ts)
	defer batch.Cancel()
	for k, v := range facts {
		if v == nil {
			err = batch.DeleteAt([]byte(k), ts)
		} else {
			err = batch.SetEntryAt(badger.NewEntry([]byte(k), v), ts)
		}
		if err != nil {
			return err
		}
	}
	if err := batch.Flush(); err != nil {
		return err
	}
	f.db.SetDiscardTs(ts)
	return nil
}

// clear deletes every fact.
func (f *Facts) clear() (err error) {
	if err := f.Flush(); err != nil {
		return err
	}
	defer recoverInto(&err)
	return f.db.DropAll()
}

// disk returns the bytes that facts take on disk, not older than a second.
func (f *Facts) disk() int64 {
	now := time.Now().UnixNano()
	if then := f.since.Load(); now-then > int64(time.Second) && f.since.CompareAndSwap(then, now) {
		f.size.Store(diskUse(f.dir))
	}
	return f.size.Load()
}

func (f *Facts) close() (err error) {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return nil
	}
	f.closed = true
	f.space.Broadcast()
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
	close(f.wake)
	<-f.stopped
	err = f.err
	defer recoverInto(&err)
	return errors.Join(err, f.db.Close())
}

// packFact returns the stored form of a value: a byte that says how, and the
// value, compressed where that pays.
func packFact(v []byte) []byte {
	if len(v) >= packFrom {
		if enc := encoders().EncodeAll(v, []byte{1}); len(enc) < len(v) {
			return enc
		}
	}
	return append([]byte{0}, v...)
}

func unpackFact(b []byte) ([]byte, error) {
	switch {
	case len(b) > 0 && b[0] == 0:
		return append([]byte{}, b[1:]...), nil
	case len(b) > 1 && b[0] == 1:
		return factDecoder().DecodeAll(b[1:], nil)
	}
	return nil, errors.New("fact of an unknown form")
}
