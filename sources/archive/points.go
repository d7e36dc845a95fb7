package archive

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"sync"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// A stream's points are kept beside its index: under key+"/p" the size of all
// that is unpacked and the points, as differences in varints below zstd; under
// key+"/w<i>" the dictionary of point i. Dictionaries are read one by one, when
// somebody begins there.

const pointsVersion = 1

// keepDictionary keeps what was unpacked before point i.
func (s *stream) keepDictionary(i int, dict []byte) error {
	data, err := squeeze(dict)
	if err != nil {
		return err
	}
	return s.facts.Set(fmt.Sprintf("%s/w%d", s.key, i), data)
}

// dictionary returns what was unpacked before point i.
func (s *stream) dictionary(i int) ([]byte, bool) {
	data, ok := s.facts.Get(fmt.Sprintf("%s/w%d", s.key, i))
	if !ok {
		return nil, false
	}
	dict, err := unsqueeze(data, 1<<20)
	return dict, err == nil
}

func (s *stream) encodePoints() ([]byte, error) {
	b := binary.AppendUvarint(nil, pointsVersion)
	b = binary.AppendUvarint(b, uint64(s.src.Size()))
	b = binary.AppendUvarint(b, uint64(s.size))
	b = binary.AppendUvarint(b, uint64(len(s.points)))
	var last point
	for _, p := range s.points {
		b = binary.AppendUvarint(b, uint64(p.in-last.in))
		b = binary.AppendUvarint(b, uint64(p.out-last.out))
		b = binary.AppendVarint(b, p.head-last.head)
		b = binary.AppendUvarint(b, uint64(p.aux))
		last = p
	}
	return squeeze(b)
}

// decodePoints reads what encodePoints wrote for packed data of the given size.
func decodePoints(data []byte, packed int64) (points []point, size int64, err error) {
	raw, err := unsqueeze(data, 256<<20)
	if err != nil {
		return nil, 0, err
	}
	const top = 1 << 60
	r := &indexReader{b: raw}
	if r.uint(top) != pointsVersion || int64(r.uint(top)) != packed {
		return nil, 0, errIndex
	}
	size = int64(r.uint(top))
	n := r.uint(min(maxPoints, uint64(len(r.b)/4)))
	points = make([]point, n)
	var last point
	for i := range points {
		p := point{in: last.in + int64(r.uint(top)), out: last.out + int64(r.uint(top)), head: last.head + r.int(), aux: int64(r.uint(1 << 32))}
		if r.bad || p.in > packed*8 || p.out > size || p.head < 0 || i == 0 && p.out != 0 {
			return nil, 0, errIndex
		}
		points[i], last = p, p
	}
	if r.bad || n == 0 {
		return nil, 0, errIndex
	}
	return points, size, nil
}

func (s *stream) savePoints() error {
	data, err := s.encodePoints()
	if err != nil {
		return err
	}
	return saveParts(s.facts, s.key+"/p", data)
}

func (s *stream) loadPoints() bool {
	data, ok := loadParts(s.facts, s.key+"/p")
	if !ok {
		return false
	}
	points, size, err := decodePoints(data, s.src.Size())
	if err != nil {
		return false
	}
	s.points, s.size = points, size
	if _, ok := s.codec.(gzipCodec); ok && len(points) > 1 {
		if _, ok := s.facts.Get(fmt.Sprintf("%s/w%d", s.key, len(points)-1)); !ok {
			s.points = points[:1] // an index that was made without dictionaries
		}
	}
	return true
}

// IsDictionary reports whether a key of Facts is that of a dictionary: what
// random access within gzip needs beside the index, and by far the most of it.
func IsDictionary(key string) bool { return dictionaryKey.MatchString(key) }

var dictionaryKey = regexp.MustCompile(`^(tar\.)?gz:(?s:.*)/w\d+$`)

// newStream returns the stream of an archive, without points. What cannot be
// kept for ever is kept for its life.
func newStream(name string, src blob.Blob, c codec, env Env, kind string) *stream {
	s := &stream{name: name, src: src, codec: c, env: env, facts: env.Facts, key: env.key(kind), points: []point{{}}}
	s.spool = s.key
	if s.key == "" {
		s.facts = &memoryFacts{m: map[string][]byte{}}
		s.spool = fmt.Sprintf("%p", s)
	}
	return s
}

// memoryFacts keeps facts in memory.
type memoryFacts struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (f *memoryFacts) Get(key string) ([]byte, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok := f.m[key]
	return v, ok
}

func (f *memoryFacts) Set(key string, v []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.m[key] = v
	return nil
}
