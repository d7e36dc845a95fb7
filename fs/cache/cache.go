package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dgraph-io/badger/v4"
)

var (
	// ErrMiss says that a payload is not in the cache.
	ErrMiss = errors.New("not in the cache")
	// ErrDamaged says that a payload on disk is not what was written. It has been
	// dropped: Fill again.
	ErrDamaged = errors.New("cached payload is damaged")
	// ErrEvicted says that a payload made room for others while it was open:
	// Fill again.
	ErrEvicted = errors.New("payload was evicted")
	// ErrFull says that the disk has no room.
	ErrFull = errors.New("no space left for the cache")
	// ErrClosed says that the cache was closed.
	ErrClosed = errors.New("cache is closed")
)

// Options bound a cache. The zero value is usable.
type Options struct {
	Limit  int64        // bytes on disk, facts included; 20 GiB when 0
	Memory int64        // bytes of decoded chunks; 64 MiB when 0
	Mount  string       // mount point, told to whoever finds the folder in use
	Log    *slog.Logger // slog.Default() when nil
}

const (
	// generations is how many generations the limit is divided into: evicting one
	// loses an eighth, and each open one costs about 3 MB of memory.
	generations = 8
	// closePatience is how long Close waits for fills that ignore their context.
	closePatience = 3 * time.Second
)

// Cache is an open cache folder. It is safe for many goroutines.
type Cache struct {
	dir    string
	opt    Options
	log    *slog.Logger
	target int64 // bytes at which a generation is full
	lock   *os.File
	facts  *Facts
	blocks *blocks

	ctx    context.Context // ends with the cache; fills and workers hang on it
	cancel context.CancelFunc
	work   sync.WaitGroup // workers
	fills  sync.WaitGroup
	encode chan struct{} // one token a chunk being encoded
	ahead  chan aheadJob
	moves  chan move
	serial atomic.Uint64

	gens    atomic.Pointer[[]*generation] // oldest first
	rawGens atomic.Pointer[[]*generation] // of raw blocks, oldest first
	commit  sync.Mutex                    // writes to generations, and their coming and going
	shut    bool                          // guarded by commit

	mu      sync.Mutex
	closed  bool
	flights map[Key]*flight
	spools  map[Key]*spool
	kept    *spool // the newest spool, kept although nobody has it open

	count counters
}

// Open opens the cache in dir, which is made when it is not there. Only one
// process can: the others get a *HeldError.
func Open(ctx context.Context, dir string, opt Options) (*Cache, error) {
	if opt.Limit <= 0 {
		opt.Limit = 20 << 30
	}
	if opt.Memory <= 0 {
		opt.Memory = 64 << 20
	}
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	held, err := lock(dir, opt.Mount)
	if err != nil {
		return nil, err
	}
	c := &Cache{
		dir: dir, opt: opt, log: opt.Log, lock: held,
		target:  min(max(opt.Limit/generations, 4<<20), 32<<30),
		blocks:  newBlocks(opt.Memory),
		encode:  make(chan struct{}, runtime.GOMAXPROCS(0)),
		ahead:   make(chan aheadJob, 64),
		moves:   make(chan move, 64),
		flights: map[Key]*flight{},
		spools:  map[Key]*spool{},
	}
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	c.serial.Store(uint64(time.Now().UnixNano()))
	if err := c.open(ctx); err != nil {
		c.cancel()
		c.closeStores()
		held.Close()
		return nil, err
	}
	for range runtime.GOMAXPROCS(0) {
		c.work.Go(c.readAhead)
	}
	c.work.Go(c.moveForward)
	return c, nil
}

// open opens what is in the folder and clears away what crashes left.
func (c *Cache) open(ctx context.Context) error {
	if err := checkFormat(c.dir); err != nil {
		return err
	}
	names, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	for _, n := range names {
		if strings.HasSuffix(n.Name(), ".dead") || strings.HasSuffix(n.Name(), ".tmp") {
			if err := os.RemoveAll(filepath.Join(c.dir, n.Name())); err != nil {
				return err
			}
		}
	}
	if c.facts, err = openFacts(filepath.Join(c.dir, "facts"), c.log); err != nil {
		return err
	}
	if err := c.openAll(ctx, names, genPrefix, c.target, &c.gens); err != nil {
		return err
	}
	if err := c.openAll(ctx, names, rawPrefix, c.rawTarget(), &c.rawGens); err != nil {
		return err
	}
	c.markDanger()
	return nil
}

// openAll opens the generations of one kind.
func (c *Cache) openAll(ctx context.Context, names []os.DirEntry, prefix string, target int64, to *atomic.Pointer[[]*generation]) error {
	var ids []uint32
	for _, n := range names {
		if id, ok := generationID(n.Name(), prefix); ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	gens := []*generation{}
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return err
		}
		g, err := openGeneration(filepath.Join(c.dir, prefix), id, target, c.log)
		if err == nil {
			gens = append(gens, g)
			to.Store(&gens)
			continue
		}
		if systemError(err) {
			return err
		}
		c.log.Warn("removing a damaged cache generation", "id", id, "err", err)
		if err := os.RemoveAll(generationDir(filepath.Join(c.dir, prefix), id)); err != nil {
			return err
		}
	}
	to.Store(&gens)
	return nil
}

// systemError tells an error of the machine (no memory, no rights, no files
// left) from damage: what is there may be sound. Badger keeps only the text of
// some.
func systemError(err error) bool {
	for _, e := range []syscall.Errno{
		syscall.EACCES, syscall.EPERM, syscall.ENOSPC, syscall.EMFILE, syscall.ENFILE,
		syscall.ENOMEM, syscall.EROFS, syscall.EDQUOT, syscall.EIO,
	} {
		if errors.Is(err, e) || strings.Contains(err.Error(), e.Error()) {
			return true
		}
	}
	return false
}

// Close ends fills, waits for them, and closes the folder. Payloads that are
// still open can no longer be read.
func (c *Cache) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	done := make(chan struct{})
	go func() { c.fills.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(closePatience):
		c.log.Warn("closing the cache under a conversion that does not end")
	}
	c.work.Wait()
	c.commit.Lock()
	c.shut = true
	c.commit.Unlock()
	c.dropSpools()
	err := c.closeStores()
	c.blocks.drop()
	return errors.Join(err, c.lock.Close())
}

func (c *Cache) closeStores() (err error) {
	for _, g := range slices.Concat(c.generations(), c.raws()) {
		err = errors.Join(err, g.close())
	}
	if c.facts != nil {
		err = errors.Join(err, c.facts.close())
	}
	return err
}

// Dir returns the cache folder, where the program may keep its socket.
func (c *Cache) Dir() string { return c.dir }

// Facts returns the store of facts, which is never evicted.
func (c *Cache) Facts() *Facts { return c.facts }

// generations returns the open generations, oldest first.
func (c *Cache) generations() []*generation {
	if p := c.gens.Load(); p != nil {
		return *p
	}
	return nil
}

// source is where the encoded chunks of a payload lie: a generation or a stage.
type source interface {
	chunk(r *record, i int, fn func(enc []byte) error) error
}

// place is where a payload is.
type place struct {
	rec *record
	src source
}

// find returns the newest sound record of k, or ErrMiss.
func (c *Cache) find(k Key) (place, error) {
	gens := c.generations()
	for _, g := range slices.Backward(gens) {
		r, err := g.record(k)
		switch {
		case err == nil:
			return place{r, g}, nil
		case errors.Is(err, badger.ErrKeyNotFound) || errors.Is(err, errGone):
		default:
			c.count.damaged.Add(1)
			c.log.Warn("dropping a damaged cache record", "generation", g.id, "err", err)
			c.forget(g, k)
		}
	}
	return place{}, ErrMiss
}

// Has reports whether the payload of k is kept; it reads no chunk.
func (c *Cache) Has(k Key) bool {
	c.mu.Lock()
	_, ok := c.spools[k]
	c.mu.Unlock()
	if ok {
		return true
	}
	for _, g := range slices.Backward(c.generations()) {
		if g.has(recordKey(k)) {
			return true
		}
	}
	return false
}

// Get opens the payload of k, or returns ErrMiss.
func (c *Cache) Get(ctx context.Context, k Key) (*Payload, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, err := c.lookup(k)
	if err != nil {
		c.count.misses.Add(1)
		return nil, err
	}
	c.count.hits.Add(1)
	return p, nil
}

func (c *Cache) lookup(k Key) (*Payload, error) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil, ErrClosed
	}
	if s := c.spools[k]; s != nil {
		s.refs++
		c.mu.Unlock()
		return newPayload(c, k, place{s.rec, s.stage}, s), nil
	}
	c.mu.Unlock()
	at, err := c.find(k)
	if err != nil {
		return nil, err
	}
	return newPayload(c, k, at, nil), nil
}

// Meta returns the metadata of the payload of k, also after its bytes were
// evicted.
func (c *Cache) Meta(k Key) ([]byte, bool) {
	return c.facts.get(metaKey(k))
}

// Drop forgets the bytes of k. Its metadata stay.
func (c *Cache) Drop(k Key) {
	for _, g := range c.generations() {
		if g.has(recordKey(k)) {
			c.forget(g, k)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.spools[k]; s != nil {
		delete(c.spools, k)
		if c.kept == s {
			c.kept = nil
			s.release()
		}
	}
}

// dropDamaged drops k unless it was filled anew since at was opened.
func (c *Cache) dropDamaged(k Key, at place) {
	c.count.damaged.Add(1)
	g, ok := at.src.(*generation)
	if !ok {
		c.Drop(k)
		return
	}
	if r, err := g.record(k); err == nil && r.serial != at.rec.serial {
		return
	}
	c.forget(g, k)
}

// forget deletes the record of k from g.
func (c *Cache) forget(g *generation, k Key) {
	c.commit.Lock()
	defer c.commit.Unlock()
	if err := g.put(pair{key: recordKey(k)}); err != nil && !errors.Is(err, errGone) {
		c.log.Warn("cache record stays", "err", err)
	}
}

var _ io.Closer = (*Cache)(nil)

// describe names a payload in errors.
func (k Key) String() string { return fmt.Sprintf("%x", k[:6]) }
