package fetch

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"sync"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

const (
	// aheadFrom is how much must be read in order before anything is read ahead:
	// a header and a look at some rows stay what they are.
	aheadFrom = 256 << 10
	// aheadMost is how far ahead of a reader is read at most: at 50 ms a round
	// trip that is 160 MB/s. Until then it is as much as was read in order.
	aheadMost = 8 << 20
	// aheadPiece is the largest request; two of them are on their way.
	aheadPiece = aheadMost / 2
	// early and late are how far from its place in the order a read may come: the
	// kernel has several reads of 1 MiB under way, which overtake each other.
	early, late = 2 << 20, 4 << 20
)

// ahead reads ahead of one opening while it is read in order, never beyond end.
type ahead struct {
	end int64

	mu     sync.Mutex
	closed bool
	reads  int   // in order so far
	run    int64 // their bytes
	next   int64 // where they have come to
	upto   int64 // until there is asked for
	pieces []*piece
}

// piece is a span of blocks that was asked for before it was read.
type piece struct {
	lo, hi int64

	waiting sync.Mutex // one reader waits for it, the others for that one
	done    bool       // blocks and err are what came
	blocks  [][]byte
	err     error

	mu      sync.Mutex
	flights []*flight // until somebody waits for them
	left    bool      // nobody will
}

// Ahead returns a view that reads ahead of who reads s in order, and nothing
// beyond s. Reads at random cost what they cost without.
func (f *file) Ahead(ctx context.Context, s blob.Span) blob.Blob {
	v := f.WithContext(ctx).(*file)
	v.ahead = &ahead{end: s.Off + s.Len}
	return v
}

// note takes down a read, and asks for what will come next where it is one in
// order.
func (f *file) note(off, end int64, cold bool) {
	a, c := f.ahead, f.r.c
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.reads > 0 && off >= a.next-late && off <= a.next+early {
		a.reads++
		a.run += end - off
		a.next = max(a.next, end)
	} else {
		a.reads, a.run, a.next, a.upto = 1, end-off, end, 0
	}
	a.pieces = slices.DeleteFunc(a.pieces, func(p *piece) bool {
		gone := p.hi*blockSize <= a.next-late || p.lo*blockSize > a.next+aheadMost+early
		if gone {
			p.leave(c)
		}
		return gone
	})
	if a.closed || a.reads < 2 || a.run < aheadFrom || f.r.isWhole() {
		return
	}
	last := min(a.end, f.r.size())
	to := min(a.next+min(a.run, aheadMost), last)
	step := min(a.run/2, aheadPiece) / blockSize * blockSize
	a.upto = max(a.upto, (a.next+blockSize-1)/blockSize*blockSize)
	for a.upto < to && (to-a.upto >= step || to == last) && c.idleSlots(f.r.url) > 1 {
		hi := min(a.upto+step, (last+blockSize-1)/blockSize*blockSize)
		p := &piece{lo: a.upto / blockSize, hi: hi / blockSize}
		var err error
		if p.blocks, p.flights, err = f.r.claim(WithReason(f.ctx, "ahead"), p.lo, p.hi, cold); err != nil {
			return
		}
		a.pieces = append(a.pieces, p)
		a.upto = hi
	}
}

// idleSlots is how many more requests to a URL's host may go out now.
func (c *Client) idleSlots(rawURL string) int {
	u, err := url.Parse(rawURL)
	if err != nil {
		return 0
	}
	s := c.slot(u.Host)
	return cap(s) - len(s)
}

// find returns the piece that block i is in.
func (a *ahead) find(i int64) *piece {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.pieces {
		if i >= p.lo && i < p.hi {
			return p
		}
	}
	return nil
}

// drop forgets what was asked for.
func (a *ahead) drop(c *Client) {
	a.mu.Lock()
	pieces := a.pieces
	a.pieces, a.upto = nil, 0
	a.mu.Unlock()
	for _, p := range pieces {
		p.leave(c)
	}
}

func (a *ahead) close(c *Client) {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.drop(c)
}

// leave gives the piece up, where nobody waits for it.
func (p *piece) leave(c *Client) {
	p.mu.Lock()
	flights := p.flights
	p.flights, p.left = nil, true
	p.mu.Unlock()
	c.leave(flights)
}

var errLeft = errors.New("read ahead was given up")

// wait returns the piece's blocks once they are there.
func (p *piece) wait(ctx context.Context, r *remote) ([][]byte, error) {
	p.waiting.Lock()
	defer p.waiting.Unlock()
	if p.done {
		return p.blocks, p.err
	}
	p.done = true
	p.mu.Lock()
	flights, left := p.flights, p.left
	p.flights = nil
	p.mu.Unlock()
	if p.err = errLeft; !left {
		p.err = r.collect(ctx, p.lo, p.blocks, flights)
	}
	return p.blocks, p.err
}

// blocks returns blocks [lo, hi), those that were asked for ahead among them.
func (f *file) blocks(lo, hi int64, cold bool) ([][]byte, error) {
	if f.ahead == nil {
		return f.r.blocks(f.ctx, lo, hi, cold)
	}
	out := make([][]byte, hi-lo)
	for i := lo; i < hi; {
		if p := f.ahead.find(i); p != nil {
			got, err := p.wait(f.ctx, f.r)
			if f.ctx.Err() != nil {
				return nil, ctxError(context.Cause(f.ctx))
			}
			if err != nil { // it may be of a while ago: the reader's own try decides
				f.ahead.drop(f.r.c)
				continue
			}
			i += int64(copy(out[i-lo:], got[i-p.lo:]))
			continue
		}
		j := i + 1
		for j < hi && f.ahead.find(j) == nil {
			j++
		}
		got, err := f.r.blocks(f.ctx, i, j, cold)
		if err != nil {
			return nil, err
		}
		copy(out[i-lo:], got)
		i = j
	}
	return out, nil
}
