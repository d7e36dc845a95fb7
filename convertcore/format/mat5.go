package format

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore/inflate"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// mat5 reads the data elements of a MATLAB file of version 5 in order. What is
// not compressed is skipped without being read.
type mat5 struct {
	ctx    context.Context
	blob   blob.Blob
	big    bool
	at     int64     // next byte of the file, where z is nil
	z      io.Reader // of the variable that is being read
	src    *source
	packed int64 // bytes of file that z comes from
}

func (m *mat5) order() binary.ByteOrder {
	if m.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// Types of data elements and classes of arrays.
const (
	miMATRIX     = 14
	miCOMPRESSED = 15
	mxCELL       = 1
	mxSTRUCT     = 2
)

var matNames = map[byte]string{mxCELL: "cell", mxSTRUCT: "structure", 3: "object", 4: "text", 5: "sparse matrix", 16: "function", 17: "opaque object"}

// matTag is the beginning of a data element.
type matTag struct {
	typ   uint32
	n     int64
	small []byte // the data of an element of up to 4 bytes; nil: it follows
}

// matrix is the beginning of an array.
type matrix struct {
	class            byte
	complex, logical bool
	dims             []int64
	name             string
	empty            bool
}

func (x *matrix) total() int64 {
	n := int64(1)
	for _, d := range x.dims {
		if d > 0 && n > math.MaxInt32/d {
			return math.MaxInt32
		}
		n *= d
	}
	return n
}

// reader reads on from where m stands.
func (m *mat5) reader() io.Reader {
	if m.z != nil {
		return m.z
	}
	m.src = &source{r: io.NewSectionReader(m.blob, m.at, max(0, m.blob.Size()-m.at))}
	return m.src
}

// have is how many bytes of file the rest may come from.
func (m *mat5) have() int64 {
	if m.z != nil {
		return m.packed
	}
	return m.blob.Size() - m.at
}

func (m *mat5) fault(err error) error {
	if m.ctx.Err() != nil {
		return m.ctx.Err()
	}
	return m.src.fault(noEOF(err))
}

func (m *mat5) read(p []byte) error {
	if m.z == nil {
		err := readFull(m.blob, p, m.at)
		m.at += int64(len(p))
		return err
	}
	if _, err := io.ReadFull(m.z, p); err != nil {
		return m.fault(err)
	}
	return nil
}

func (m *mat5) skip(n int64) error {
	if n < 0 {
		return malformed("MATLAB element of %d bytes", n)
	}
	if m.z == nil {
		if m.at += n; m.at > m.blob.Size() {
			return malformed("MATLAB file of %d bytes ends at %d", m.at, m.blob.Size())
		}
		return nil
	}
	for n > 0 {
		if err := m.ctx.Err(); err != nil {
			return err
		}
		k, err := io.CopyN(io.Discard, m.z, min(n, 4<<20))
		if n -= k; err != nil {
			return m.fault(err)
		}
	}
	return nil
}

// drain reads to the end of a compressed variable, where its checksum is.
func (m *mat5) drain() error {
	if m.z == nil {
		return nil
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(m.z, eager)); err != nil {
		return m.fault(err)
	} else if n == eager {
		return malformed("more than %d bytes after the samples", eager)
	}
	return nil
}

func (m *mat5) tag() (t matTag, err error) {
	var b [8]byte
	if err := m.read(b[:]); err != nil {
		return t, err
	}
	t.typ, t.n = m.order().Uint32(b[:]), int64(m.order().Uint32(b[4:]))
	if n := t.typ >> 16; n != 0 {
		if n > 4 {
			return t, malformed("MATLAB element of %d bytes in 4", n)
		}
		t.typ, t.n, t.small = t.typ&0xffff, int64(n), bytes.Clone(b[4:4+n])
	}
	return t, nil
}

// padded is the length of an element's data with what fills it up.
func (t matTag) padded() int64 {
	if t.small != nil {
		return 0
	}
	return (t.n + 7) &^ 7
}

// part reads a whole element that is part of an array's beginning.
func (m *mat5) part(typ uint32, most int64) ([]byte, error) {
	t, err := m.tag()
	if err != nil {
		return nil, err
	}
	if t.typ != typ || t.n > most {
		return nil, malformed("MATLAB element of type %d and %d bytes where one of %d is due", t.typ, t.n, typ)
	}
	if t.small != nil {
		return t.small, nil
	}
	b := make([]byte, t.padded())
	return b[:t.n], m.read(b)
}

// matrix reads the beginning of an array; m stands behind its tag.
func (m *mat5) matrix(t matTag) (*matrix, error) {
	if t.typ != miMATRIX {
		return nil, malformed("MATLAB element of type %d in place of an array", t.typ)
	}
	if t.n == 0 {
		return &matrix{class: 6, empty: true}, nil
	}
	flags, err := m.part(6, 8)
	if err != nil || len(flags) < 8 {
		return nil, orMalformed(err, "MATLAB array without flags")
	}
	w := m.order().Uint32(flags)
	x := &matrix{class: byte(w), complex: w&0x800 != 0, logical: w&0x200 != 0}
	if x.class == 17 { // objects have no dimensions here
		return x, nil
	}
	dims, err := m.part(5, 4*32)
	if err != nil || len(dims) < 8 {
		return nil, orMalformed(err, "MATLAB array without dimensions")
	}
	for ; len(dims) >= 4; dims = dims[4:] {
		x.dims = append(x.dims, int64(int32(m.order().Uint32(dims))))
		if x.dims[len(x.dims)-1] < 0 {
			return nil, malformed("MATLAB array of %v", x.dims)
		}
	}
	name, err := m.part(1, 1<<12)
	x.name = string(name)
	return x, err
}

func orMalformed(err error, text string) error {
	if err == nil {
		err = malformed("%s", text)
	}
	return err
}

// find brings m to the samples of the array that a path leads to: a variable,
// fields of structures, and numbers of cells and of structures' elements. With
// no path it is the only variable that is an array of numbers.
func (m *mat5) find(path string) (*matrix, error) {
	words := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	var found *matrix
	var back mat5
	var names []string
	for at := int64(matHead); at < m.blob.Size(); {
		if err := m.ctx.Err(); err != nil {
			return nil, err
		}
		m.at, m.z = at, nil
		x, next, err := m.variable()
		if err != nil {
			return nil, err
		}
		at = next
		if x == nil || x.name == "" { // what MATLAB hides
			continue
		}
		if len(names) < 20 {
			names = append(names, x.name)
		}
		if len(words) > 0 && x.name == words[0] {
			return m.descend(x, words[1:], path, 0)
		}
		if _, numeric := matClass[x.class]; len(words) == 0 && numeric {
			if found != nil {
				return nil, malformed("several arrays, of which the raw path chooses none: %.200q", names)
			}
			found, back = x, *m
		}
	}
	if found == nil {
		return nil, malformed("no array %q among %.200q", path, names)
	}
	*m = back
	return found, nil
}

// variable reads the beginning of the element at m.at; next is where the one
// after it begins. Elements that are no arrays are nil.
func (m *mat5) variable() (x *matrix, next int64, err error) {
	t, err := m.tag()
	if err != nil {
		return nil, 0, err
	}
	next = m.at + t.n
	if t.typ != miCOMPRESSED {
		next = m.at + t.padded()
	}
	if next > m.blob.Size() {
		return nil, 0, malformed("MATLAB file of %d bytes ends at %d", next, m.blob.Size())
	}
	switch t.typ {
	case miMATRIX:
	case miCOMPRESSED:
		m.src, m.packed = &source{r: io.NewSectionReader(m.blob, m.at, t.n)}, t.n
		z, err := inflate.NewZlib(bufio.NewReaderSize(m.src, int(max(16, min(t.n, voxelBuffer)))))
		if err != nil {
			return nil, 0, m.fault(err)
		}
		m.z = z
		if t, err = m.tag(); err != nil {
			return nil, 0, err
		}
	default:
		return nil, next, nil
	}
	x, err = m.matrix(t)
	return x, next, err
}

// descend follows the words of a path from an array that m has just read the
// beginning of.
func (m *mat5) descend(x *matrix, words []string, path string, depth int) (*matrix, error) {
	if depth > 32 {
		return nil, malformed("MATLAB path %q of more than 32 words", path)
	}
	skip, rest := int64(0), words
	number := int64(-1)
	if len(words) > 0 {
		if n, err := strconv.ParseInt(words[0], 10, 31); err == nil {
			number = n
		}
	}
	switch {
	case x.class == mxCELL:
		if number >= 0 {
			skip, rest = number, words[1:]
		}
		if total := x.total(); skip >= total || number < 0 && total != 1 {
			return nil, malformed("%q: number %d of %d cells", path, max(skip, 0), total)
		}
	case x.class == mxSTRUCT:
		var err error
		if skip, rest, err = m.field(x, words, path); err != nil {
			return nil, err
		}
	case len(words) > 0:
		return nil, malformed("%q: an array has no %q", path, words[0])
	case x.empty:
		return nil, malformed("%q is empty", path)
	default:
		return x, nil
	}
	for range skip {
		t, err := m.tag()
		if err == nil && t.typ != miMATRIX {
			err = malformed("MATLAB element of type %d in a structure", t.typ)
		}
		if err == nil {
			err = m.skip(t.padded())
		}
		if err == nil {
			err = m.ctx.Err()
		}
		if err != nil {
			return nil, err
		}
	}
	t, err := m.tag()
	if err != nil {
		return nil, err
	}
	next, err := m.matrix(t)
	if err != nil {
		return nil, err
	}
	return m.descend(next, rest, path, depth+1)
}

// field reads a structure's names and returns how many arrays stand before the
// wanted one, and the words after it.
func (m *mat5) field(x *matrix, words []string, path string) (skip int64, rest []string, err error) {
	b, err := m.part(5, 4)
	if err != nil || len(b) < 4 {
		return 0, nil, orMalformed(err, "MATLAB structure without names")
	}
	size := int64(m.order().Uint32(b))
	text, err := m.part(1, 1<<20)
	if err != nil {
		return 0, nil, err
	}
	if size < 1 || size > 1<<12 || int64(len(text))%size != 0 {
		return 0, nil, malformed("MATLAB names of %d bytes in %d", size, len(text))
	}
	var names []string
	for ; len(text) > 0; text = text[size:] {
		name, _, _ := bytes.Cut(text[:size], []byte{0})
		names = append(names, string(name))
	}
	// s/img, s/3/img and s/img/3 are all told by one word that is a name.
	element, total := int64(-1), x.total()
	for i := 0; i < min(2, len(words)); i++ {
		n, numErr := strconv.ParseInt(words[i], 10, 31)
		k := slices.Index(names, words[i])
		switch {
		case k < 0 && numErr == nil && i == 0:
			element = n
			continue
		case k < 0:
			return 0, nil, malformed("no %q of the path %q; there is %.300q", words[i], path, names)
		}
		rest = words[i+1:]
		if element < 0 && total > 1 && len(rest) > 0 {
			if n, numErr = strconv.ParseInt(rest[0], 10, 31); numErr == nil {
				element, rest = n, rest[1:]
			}
		}
		if element < 0 && total == 1 {
			element = 0
		}
		if element < 0 || element >= total {
			return 0, nil, malformed("%q: element %d of %d", path, element, total)
		}
		return element*int64(len(names)) + int64(k), rest, nil
	}
	return 0, nil, malformed("%q is a structure: it has %.300q", path, names)
}
