package cache

import (
	"encoding/binary"
	"errors"
	"math"
	"path/filepath"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/dgraph-io/badger/v4"
)

// Raw keeps fetched bytes of remote files, in blocks, in generations of their
// own. They have what converted payloads leave of the limit: whoever needs
// room, the oldest of them go first. It is safe for many goroutines.
type Raw struct{ c *Cache }

// Raw returns the store of raw blocks. Without a Put it takes no space.
func (c *Cache) Raw() *Raw { return &Raw{c} }

// rawHead is the length of the checksum before a block's bytes.
const rawHead = 8

// Get returns the blocks [first, first+n) of a version of a file: n of them, of
// which those that are not kept, or damaged, are nil.
func (r *Raw) Get(file [16]byte, first int64, n int) [][]byte {
	out := make([][]byte, n)
	missing := n
	for _, g := range slices.Backward(r.c.raws()) {
		if missing == 0 {
			break
		}
		// A generation that has gone, or cannot be read, has none.
		_ = g.use(func() error {
			txn := g.db.NewTransactionAt(math.MaxUint64, false)
			defer txn.Discard()
			for i := range out {
				if out[i] != nil {
					continue
				}
				key := rawKey(file, first+int64(i))
				item, err := txn.Get(key)
				if errors.Is(err, badger.ErrKeyNotFound) {
					continue
				}
				if err != nil {
					return err
				}
				err = item.Value(func(b []byte) error {
					if len(b) < rawHead || binary.LittleEndian.Uint64(b) != rawSum(key, b[rawHead:]) {
						r.c.count.damaged.Add(1)
						return nil
					}
					out[i] = append([]byte{}, b[rawHead:]...)
					missing--
					return nil
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return out
}

// Put keeps blocks from the first on; those that are nil are left out. Where
// there is no room nothing is kept.
func (r *Raw) Put(file [16]byte, first int64, blocks [][]byte) {
	c := r.c
	var pairs []pair
	n := int64(0)
	for i, b := range blocks {
		if b == nil {
			continue
		}
		key := rawKey(file, first+int64(i))
		v := binary.LittleEndian.AppendUint64(make([]byte, 0, rawHead+len(b)), rawSum(key, b))
		pairs = append(pairs, pair{key, append(v, b...)})
		n += int64(len(b)) + chunkOverhead
	}
	c.commit.Lock()
	defer c.commit.Unlock()
	g, err := c.rawRoom(n)
	for err == nil && g != nil && len(pairs) > 0 {
		k := min(len(pairs), 64)
		err = g.put(pairs[:k]...)
		pairs = pairs[k:]
	}
	if err != nil && !errors.Is(err, ErrClosed) {
		c.log.Warn("raw bytes not kept", "err", err)
	}
}

func rawKey(file [16]byte, i int64) []byte {
	b := make([]byte, 0, 25)
	b = append(append(b, 'b'), file[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(i))
}

func rawSum(key, data []byte) uint64 {
	var d xxhash.Digest
	d.ResetWithSeed(format)
	d.Write(key)
	d.Write(data)
	return d.Sum64()
}

// raws returns the generations of raw blocks, oldest first.
func (c *Cache) raws() []*generation {
	if p := c.rawGens.Load(); p != nil {
		return *p
	}
	return nil
}

// rawUsed returns the bytes that raw blocks take.
func (c *Cache) rawUsed() (n int64) {
	for _, g := range c.raws() {
		n += g.size.Load()
	}
	return n
}

// rawTarget is at how many bytes a generation of raw blocks is full: half of
// others, since all of one goes when a little room is needed.
func (c *Cache) rawTarget() int64 { return c.target / 2 }

// rawRoom returns the generation to write n bytes of raw blocks to, nil where
// payloads leave none. The caller holds commit.
func (c *Cache) rawRoom(n int64) (*generation, error) {
	if c.shut {
		return nil, ErrClosed
	}
	limit := c.payloadLimit()
	// What is left must be worth the coming and going of generations.
	if left := limit - c.payloadUsed(); left < limit/16 || n > left {
		return nil, nil
	}
	full := func(g *generation) bool { return g.size.Load()+n > c.rawTarget() && g.holds() }
	var g *generation
	if gens := c.raws(); len(gens) > 0 {
		if g = gens[len(gens)-1]; full(g) {
			g.size.Store(diskUse(g.dir))
		}
	}
	if err := c.clearRaw(n, limit); err != nil {
		return nil, err
	}
	if diskFree(c.dir) < n {
		return nil, nil
	}
	gens := c.raws()
	if len(gens) > 0 && !full(g) {
		return g, nil
	}
	if g == nil {
		return c.addRaw(1)
	}
	return c.addRaw(g.id + 1)
}

// addRaw begins a generation of raw blocks.
func (c *Cache) addRaw(id uint32) (*generation, error) {
	g, err := openGeneration(filepath.Join(c.dir, rawPrefix), id, c.rawTarget(), c.log)
	if err != nil {
		return nil, err
	}
	gens := append(slices.Clone(c.raws()), g)
	c.rawGens.Store(&gens)
	return g, nil
}

// evictRaw removes the oldest generation of raw blocks; there is one.
func (c *Cache) evictRaw() error {
	gens := c.raws()
	rest := slices.Clone(gens[1:])
	c.rawGens.Store(&rest)
	c.count.evictions.Add(1)
	return gens[0].remove()
}

// clearRaw removes raw blocks until n more bytes fit into the limit, or none
// are left. The caller holds commit.
func (c *Cache) clearRaw(n, limit int64) error {
	for len(c.raws()) > 0 && (c.used()+n > limit || diskFree(c.dir) < n) {
		if err := c.evictRaw(); err != nil {
			return err
		}
	}
	return nil
}
