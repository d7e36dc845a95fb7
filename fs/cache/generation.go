package cache

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// generation is one Badger of payloads. It is written to while it is the
// newest and removed whole when it is the oldest and room is needed.
type generation struct {
	id   uint32
	dir  string
	born time.Time
	db   *badger.DB

	mu   sync.RWMutex // held for reading while the db is used, for writing to close it
	dead bool
	gone atomic.Bool // dead, to be asked without the lock

	ts        atomic.Uint64 // last commit timestamp
	size      atomic.Int64  // bytes on disk: measured at open, then counted
	forwarded atomic.Int64  // bytes copied out of it
	danger    atomic.Bool   // it is due to go: what is read now is copied forward
	hurt      atomic.Bool   // a read panicked within Badger, which may hold a lock for ever
}

// errGone says that the generation was removed.
var errGone = errors.New("generation removed")

// The names of generations' folders begin so: of payloads, and of raw blocks.
const genPrefix, rawPrefix = "gen-", "raw-"

func generationDir(prefix string, id uint32) string { return fmt.Sprintf("%s%06d", prefix, id) }

// generationID returns the number in a folder's name.
func generationID(name, prefix string) (uint32, bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), ok && err == nil
}

// openGeneration opens the generation of a number; prefix is the beginning of
// its folder's path.
func openGeneration(prefix string, id uint32, target int64, log *slog.Logger) (*generation, error) {
	g := &generation{id: id, dir: generationDir(prefix, id), born: time.Now()}
	if st, err := os.Stat(g.dir); err == nil {
		g.born = st.ModTime()
	}
	db, err := openBadger(generationOptions(g.dir, target, log))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(g.dir), err)
	}
	g.db = db
	g.ts.Store(db.MaxVersion())
	g.size.Store(diskUse(g.dir))
	return g, nil
}

// openBadger opens a Badger whose files may be damaged in any way.
func openBadger(o badger.Options) (db *badger.DB, err error) {
	defer recoverInto(&err)
	return badger.OpenManaged(o)
}

// recoverInto turns a panic, or a fault in mapped memory, into an error.
func recoverInto(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("panic: %v", r)
	}
}

// use runs fn while the generation cannot go away. A file that was cut short
// under its memory map is an error, not the end of the process.
func (g *generation) use(fn func() error) (err error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.dead {
		return errGone
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			g.hurt.Store(true)
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return fn()
}

// view calls fn with the value of key, which is valid only within.
func (g *generation) view(key []byte, fn func([]byte) error) error {
	return g.use(func() error {
		txn := g.db.NewTransactionAt(math.MaxUint64, false)
		defer txn.Discard()
		item, err := txn.Get(key)
		if err != nil {
			return err
		}
		return item.Value(fn)
	})
}

// record returns the record of k; badger.ErrKeyNotFound where there is none.
func (g *generation) record(k Key) (r *record, err error) {
	err = g.view(recordKey(k), func(b []byte) error {
		r, err = parseRecord(b, k)
		return err
	})
	return r, err
}

// pair is a key and its value; a nil value deletes.
type pair struct{ key, value []byte }

// put writes the pairs in one transaction.
func (g *generation) put(pairs ...pair) error {
	return g.use(func() error {
		txn := g.db.NewTransactionAt(math.MaxUint64, true)
		defer txn.Discard()
		var n int64
		for _, p := range pairs {
			var err error
			if p.value == nil {
				err = txn.Delete(p.key)
			} else {
				err = txn.Set(p.key, p.value)
			}
			if err != nil {
				return err
			}
			n += int64(len(p.key)+len(p.value)) + 64
		}
		if err := txn.CommitAt(g.ts.Add(1), nil); err != nil {
			return err
		}
		g.size.Add(n)
		return nil
	})
}

// chunk implements source.
func (g *generation) chunk(r *record, i int, fn func([]byte) error) error {
	return g.view(chunkKey(r.serial, i), fn)
}

// close waits for reads in progress and closes the db.
func (g *generation) close() (err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.dead {
		return nil
	}
	g.dead = true
	g.gone.Store(true)
	defer recoverInto(&err)
	if g.hurt.Load() {
		go func() { // it may wait for ever
			defer recoverInto(new(error))
			g.db.Close()
		}()
		return nil
	}
	return g.db.Close()
}

// remove closes the generation and deletes its folder. The folder is renamed
// first: what a crash leaves is not a generation.
func (g *generation) remove() error {
	closed := g.close()
	dead := g.dir + ".dead"
	if err := os.RemoveAll(dead); err != nil {
		return errors.Join(err, closed)
	}
	if err := os.Rename(g.dir, dead); err != nil {
		return errors.Join(err, closed)
	}
	return os.RemoveAll(dead)
}

// has reports whether key is there, without reading its value.
func (g *generation) has(key []byte) bool {
	return g.use(func() error {
		txn := g.db.NewTransactionAt(math.MaxUint64, false)
		defer txn.Discard()
		_, err := txn.Get(key)
		return err
	}) == nil
}

// holds reports whether anything was ever written.
func (g *generation) holds() bool { return g.ts.Load() > 0 }
