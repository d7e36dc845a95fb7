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

	aheadFiles = 2 // files decoded ahead of a run of readers
	// aheadBytes of a file are decoded before it is read; the cache's own
	// read-ahead does the rest.
	aheadBytes = 1 << 20
	// aheadStep is at most the size of a chunk: reading a byte brings it.
	aheadStep = 128 << 10
)

// sequence watches what is done to the children of one folder, such as lookups.
type sequence struct {
	mu   sync.Mutex
	last int // number of the last child
	run  int // children in order until then
	upto int // children below this were read ahead
}

// next notes child i of those listed and returns the children to read ahead,
// at most n.
func (q *sequence) next(i, listed, n int) (from, to int) {
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
	from, to = max(i+1, q.upto), min(i+1+n, listed)
	q.upto = max(from, to)
	return from, to
}

// readHeadersAhead begins to read the headers that a run of lookups (ls -l,
// find -size) will want next. Their errors wait for whoever asks.
func (s *rawFS) readHeadersAhead(f *folder, i int) {
	from, to := f.sizes.next(i, f.dir.Len(), aheadEntries)
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

// readFilesAhead decodes the beginning of the files that come after id in its
// folder, when those before were begun in order: an epoch that is not shuffled,
// cp -r, tar. What is not in the cache stays there: reading ahead downloads and
// converts nothing.
func (s *rawFS) readFilesAhead(id uint64) {
	f, i, ok := s.ids.place(id)
	if !ok {
		return
	}
	_, to := f.reads.next(i, f.dir.Len(), aheadFiles)
	for j := i + 1; j < to; j++ { // also those that were passed over while all were busy
		file, ok := f.dir.Child(j).(tree.File)
		if !ok {
			continue
		}
		if r, ok := file.(tree.Resident); !ok || !r.Resident() {
			continue
		}
		select {
		case s.decodeSem <- struct{}{}:
		default:
			return
		}
		if !s.workers.start() {
			<-s.decodeSem
			return
		}
		go func() {
			defer s.workers.done()
			defer func() { <-s.decodeSem }()
			s.touch(f.base+uint64(j), file)
		}()
	}
}

// touch opens a file and reads a byte of each chunk. Its errors wait for whoever
// reads the file.
func (s *rawFS) touch(id uint64, file tree.File) {
	h, first := s.handles.acquire(id)
	defer s.handles.release(h)
	if !first {
		return // somebody is reading it
	}
	s.counters.filesAhead.Add(1)
	s.open(h, file)
	b, err := h.wait(s.ctx)
	if err != nil {
		return
	}
	defer s.recovered(&err)
	var one [1]byte
	for off := int64(0); off < min(b.Size(), aheadBytes); off += aheadStep {
		if _, err := b.ReadAt(one[:], off); err != nil {
			return
		}
	}
}
