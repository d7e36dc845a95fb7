package cache

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// TestAllAtOnce reads as the Data layer does, while others fill, drop, trim and
// ask for figures, under a limit that evicts all the time: reads never fail for
// longer than filling again takes, and never give a wrong byte.
func TestAllAtOnce(t *testing.T) {
	c := open(t, t.TempDir(), Options{Limit: 24 << 20, Memory: 2 << 20})
	const keys = 60
	size := func(i int) int { return 3000 << (i % 10) }
	data := make([][]byte, keys)
	for i := range data {
		data[i] = payload(i, size(i))
	}
	end := time.Now().Add(4 * time.Second)
	if testing.Short() {
		end = time.Now().Add(time.Second)
	}
	read := func(i int) error {
		var err error
		for range 20 {
			var p *Payload
			if p, err = c.Get(t.Context(), key(i)); errors.Is(err, ErrMiss) {
				p, err = c.Fill(t.Context(), key(i), put(data[i], Layout{}, ""))
			}
			if err != nil {
				return err
			}
			var got []byte
			if got, err = readAll(p); err == nil {
				if !bytes.Equal(got, data[i]) {
					t.Errorf("payload %d: wrong bytes", i)
				}
				return nil
			}
			if !errors.Is(err, ErrEvicted) && !errors.Is(err, ErrDamaged) {
				return err
			}
		}
		return err
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 1))
			for time.Now().Before(end) {
				if err := read(rng.IntN(keys)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Go(func() {
		for i := 0; time.Now().Before(end); i++ {
			c.Drop(key(i % keys))
			if s := c.Stats(); s.Disk > 30<<20 {
				t.Errorf("%d bytes on disk", s.Disk)
			}
			if i%20 == 19 {
				if err := c.Trim(t.Context(), 8<<20); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	wg.Wait()
	if s := c.Stats(); s.Damaged > 0 {
		t.Errorf("%d payloads counted as damaged", s.Damaged)
	}
}
