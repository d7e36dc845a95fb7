package cache

import (
	"errors"

	"github.com/dgraph-io/badger/v4"
)

// move asks for a payload to be copied out of a generation that is due to go.
type move struct {
	key Key
	at  *place
	g   *generation
}

// offer puts a payload up for copying forward. At most half of a generation is:
// the other half is what makes room. It reports whether the offer was taken.
func (c *Cache) offer(k Key, at *place, g *generation) bool {
	n := need(at.rec)
	if g.forwarded.Add(n) > c.target/2 {
		g.forwarded.Add(-n)
		return false
	}
	select {
	case c.moves <- move{k, at, g}:
		return true
	default: // busy; a later read may offer it again
		g.forwarded.Add(-n)
		return false
	}
}

// moveForward copies payloads out of generations that are due to go.
func (c *Cache) moveForward() {
	for {
		select {
		case <-c.ctx.Done():
			return
		case m := <-c.moves:
			if err := c.moveOne(m); err != nil && !errors.Is(err, errGone) && !errors.Is(err, badger.ErrKeyNotFound) {
				c.log.Warn("payload not copied forward", "key", m.key, "err", err)
			}
		}
	}
}

func (c *Cache) moveOne(m move) error {
	if m.g == c.newest() {
		return nil
	}
	// Only what is still the record of its key.
	if r, err := m.g.record(m.key); err != nil || r.serial != m.at.rec.serial {
		return err
	}
	g, err := c.write(m.key, m.at.rec, m.g)
	if err != nil || g == m.g {
		return err
	}
	c.count.forwarded.Add(1)
	// Its chunks stay readable for who has it open.
	c.forget(m.g, m.key)
	return nil
}
