package fs

import (
	"sync"

	"github.com/omnimedseg/omnimedfs/fs/tree"
)

const (
	aheadEntries = 32 // how far ahead of a run of lookups headers are read
	aheadWorkers = 32 // header reads ahead at one time, in the whole mount
	// aheadGap is how many entries a run may skip: those whose size is known
	// are not looked up.
	aheadGap = 64
)

// sequence watches the lookups in one folder.
type sequence struct {
	mu   sync.Mutex
	last int // number of the last child that was looked up
	run  int // lookups in order until then
	upto int // children below this were read ahead
}

// next notes a lookup of child i and returns the children to read ahead.
func (q *sequence) next(i, listed int) (from, to int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.run > 0 && i > q.last && i <= q.last+aheadGap {
		q.run++
	} else {
		q.run, q.upto = 1, i+1
	}
	q.last = i
	if q.run < 2 {
		return 0, 0
	}
	from, to = max(i+1, q.upto), min(i+1+aheadEntries, listed)
	q.upto = max(from, to)
	return from, to
}

// readHeadersAhead begins to read the headers that a run of lookups (ls -l,
// find -size) will want next. Their errors wait for whoever asks.
func (s *rawFS) readHeadersAhead(f *folder, i int) {
	from, to := f.ahead.next(i, f.dir.Len())
	for j := from; j < to; j++ {
		file, ok := f.dir.Child(j).(tree.File)
		if !ok {
			continue
		}
		if _, known := file.KnownSize(); known {
			continue
		}
		select {
		case s.aheadSem <- struct{}{}:
		default:
			return
		}
		s.counters.headerAhead.Add(1)
		done := s.begin("size", f.base+uint64(j), sizeOf(file))
		go func() {
			<-done
			<-s.aheadSem
		}()
	}
}
