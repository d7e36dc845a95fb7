package format

import (
	"bufio"
	"context"
	"hash/crc32"
	"io"
	"slices"
	"sync"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/inflate"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Streams keeps the places that the reading of compressed arrays has come to.
// The images of an .npz lie behind one another in one stream, so that image n
// costs the inflation of all before it: n² in all, unless reading goes on where
// it was left. The zero value is ready; it is safe for many goroutines.
type Streams struct {
	mu    sync.Mutex
	kept  []*inflation // the last one was used last
	heads map[string][]byte
}

// maxStreams are kept, each of about 300 KiB.
const maxStreams = 8

// Bind returns raw, read through s.
func (s *Streams) Bind(raw convertcore.Raw) convertcore.Raw { return boundRaw{raw, s} }

type boundRaw struct {
	convertcore.Raw
	streams *Streams
}

func (b boundRaw) Prefetch(ctx context.Context, paths []string) error {
	convertcore.Prefetch(ctx, b.Raw, paths)
	return nil
}

// streamsOf returns what raw is read through; nil, which keeps nothing, where
// it is not bound.
func streamsOf(raw convertcore.Raw) *Streams {
	if b, ok := raw.(boundRaw); ok {
		return b.streams
	}
	return nil
}

// head returns what stands before the samples of an array, once known.
func (s *Streams) head(key string) []byte {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heads[key]
}

func (s *Streams) keepHead(key string, head []byte) {
	if s == nil || len(head) > 1<<12 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.heads == nil || len(s.heads) >= 256 {
		s.heads = map[string][]byte{}
	}
	s.heads[key] = head
}

// take hands out the stream of an array that stands nearest before at; nil
// where there is none.
func (s *Streams) take(key string, at int64) *inflation {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	best := -1
	for i, z := range s.kept {
		if z.key == key && z.at <= at && (best < 0 || z.at > s.kept[best].at) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	z := s.kept[best]
	s.kept = slices.Delete(s.kept, best, best+1)
	return z
}

// keep takes a stream back. Of several at one place one is enough.
func (s *Streams) keep(z *inflation) {
	if s == nil || z == nil || z.at >= z.size {
		return
	}
	z.in.b = nil
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = slices.DeleteFunc(s.kept, func(o *inflation) bool { return o.key == z.key && o.at == z.at })
	if len(s.kept) >= maxStreams {
		s.kept = slices.Delete(s.kept, 0, 1)
	}
	s.kept = append(s.kept, z)
}

// inflation is a DEFLATE stream that is read in order and knows its checksum.
type inflation struct {
	key  string
	in   *packed
	z    io.Reader
	at   int64 // bytes that came out
	size int64 // bytes that will
	sum  uint32
	want uint32
}

// packed are bytes of a blob in order. The blob may be another opening of the
// same content from one read to the next, as its context ends before the stream.
type packed struct {
	b       blob.Blob
	at, end int64
	err     error // of the blob
}

func (p *packed) Read(b []byte) (int, error) {
	if p.at >= p.end {
		return 0, io.EOF
	}
	n, err := p.b.ReadAt(b[:min(int64(len(b)), p.end-p.at)], p.at)
	p.at += int64(n)
	if err == io.EOF && n > 0 {
		err = nil
	}
	if err != nil && err != io.EOF {
		p.err = err
	}
	return n, err
}

func newInflation(key string, b blob.Blob, off, n, size int64, crc uint32) *inflation {
	in := &packed{b: b, at: off, end: off + n}
	return &inflation{key: key, in: in, z: inflate.NewReader(bufio.NewReaderSize(in, 64<<10)), size: size, want: crc}
}

// Read reads on; at the end it compares the checksum.
func (z *inflation) Read(p []byte) (int, error) {
	n, err := z.z.Read(p)
	z.at += int64(n)
	z.sum = crc32.Update(z.sum, crc32.IEEETable, p[:n])
	switch {
	case z.at > z.size:
		return n, malformed("archive member of more than %d bytes", z.size)
	case err == io.EOF && z.at < z.size:
		return n, io.ErrUnexpectedEOF
	case err == io.EOF && z.sum != z.want:
		return n, malformed("archive member with a wrong checksum")
	}
	return n, err
}

// fault is the blob's error where there is one, else ErrFormat with the
// decoder's.
func (z *inflation) fault(err error) error {
	if z.in.err != nil {
		return z.in.err
	}
	return malformed("%v", noEOF(err))
}
