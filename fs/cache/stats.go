package cache

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"
)

type counters struct {
	hits, misses, fills, failures, evictions, forwarded, damaged atomic.Uint64
}

// Stats is what a cache holds and what was asked of it since it was opened.
type Stats struct {
	Disk    int64 // bytes of the disk blocks that the folder takes
	Limit   int64
	Facts   int64 // of Disk
	Spooled int64 // beside Disk: unnamed files of payloads too large to be kept
	Raw     int64 // of Disk: raw blocks
	Entries int   // payloads
	Payload int64 // bytes that they decode to
	Stored  int64 // bytes of their chunks

	Generations []GenerationStats // oldest first

	Hits, Misses uint64
	Fills        uint64
	Failures     uint64 // fills that ended in an error
	Evictions    uint64 // generations removed
	Forwarded    uint64 // payloads copied out of a generation due to go
	Damaged      uint64 // payloads dropped because they were not what was written
}

// GenerationStats is one generation.
type GenerationStats struct {
	ID      int
	Born    time.Time
	Disk    int64
	Entries int
	Payload int64
	Stored  int64
}

// Stats reads every record: about half a second a million.
func (c *Cache) Stats() Stats {
	s := Stats{
		Disk: diskUse(c.dir), Limit: c.opt.Limit, Facts: c.facts.disk(), Spooled: c.spooled(),
		Hits: c.count.hits.Load(), Misses: c.count.misses.Load(), Fills: c.count.fills.Load(),
		Failures: c.count.failures.Load(), Evictions: c.count.evictions.Load(),
		Forwarded: c.count.forwarded.Load(), Damaged: c.count.damaged.Load(),
	}
	for _, g := range c.raws() {
		s.Raw += diskUse(g.dir)
	}
	for _, g := range c.generations() {
		gs := g.stats()
		s.Entries += gs.Entries
		s.Payload += gs.Payload
		s.Stored += gs.Stored
		s.Generations = append(s.Generations, gs)
	}
	return s
}

func (g *generation) stats() GenerationStats {
	s := GenerationStats{ID: int(g.id), Born: g.born, Disk: diskUse(g.dir)}
	_ = g.use(func() error { // one that has just gone holds nothing
		txn := g.db.NewTransactionAt(math.MaxUint64, false)
		defer txn.Discard()
		o := badger.DefaultIteratorOptions
		o.PrefetchValues = false
		o.Prefix = []byte{'r'}
		it := txn.NewIterator(o)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			item := it.Item()
			var k Key
			copy(k[:], item.Key()[1:])
			_ = item.Value(func(b []byte) error { // a damaged record is not counted
				if r, err := parseRecord(b, k); err == nil {
					s.Entries++
					s.Payload += r.size
					s.Stored += r.stored
				}
				return nil
			})
		}
		return nil
	})
	return s
}
