package format

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// NumPy's .npy of versions 1 to 3 (numpy.lib.format) and .npz, a ZIP of them.
// Numbers and booleans are read; records and pickled objects never are.
func init() {
	for name, ext := range map[string]string{"npy": ".npy", "npz": ".npz"} {
		Register(convertcore.Format{
			Name: name,
			Match: func(path string, head []byte) bool {
				named := hasExt(filePath(path), ext)
				if len(head) == 0 || ext == ".npz" {
					return named && (len(head) == 0 || bytes.HasPrefix(head, []byte("PK")))
				}
				return bytes.HasPrefix(head, []byte(npyMagic))
			},
			Header: func(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Header, error) {
				n, err := openNPY(ctx, raw, paths, ext == ".npz")
				if err != nil {
					return convertcore.Header{}, err
				}
				defer n.Close()
				return n.header, nil
			},
			Decode: func(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Image, error) {
				n, err := openNPY(ctx, raw, paths, ext == ".npz")
				if err != nil {
					return nil, err
				}
				defer n.Close()
				return n.decode(ctx)
			},
		})
		shapers[name] = func(ctx context.Context, raw convertcore.Raw, address Array) ([]int64, error) {
			b, err := raw.Open(ctx, address.Path)
			if err != nil {
				return nil, err
			}
			defer b.Close()
			n := &npy{blob: b}
			if err := n.open(address, ext == ".npz"); n.array == nil {
				return nil, err
			}
			return n.array.shape(), nil // of no image too
		}
	}
}

const npyMagic = "\x93NUMPY"

// npy is an open array, its reader behind the header.
type npy struct {
	array  *ndarray
	layout *layout
	header convertcore.Header
	blob   blob.Blob
	random *io.SectionReader // the samples, where they are not compressed
	have   int64             // bytes of samples that the file can hold
	packed int64             // bytes of file that they come from
	src    *source

	// of a compressed array
	streams *Streams
	begin   func() *inflation // anew
	flow    *inflation        // the stream as far as it was read; nil: not yet, or kept
	key     string
	lead    int64 // bytes before the samples
}

func (n *npy) Close() error {
	n.streams.keep(n.flow)
	return n.blob.Close()
}

func openNPY(ctx context.Context, raw convertcore.Raw, paths []string, zipped bool) (*npy, error) {
	address, err := onlyArray(paths)
	if err != nil {
		return nil, err
	}
	b, err := raw.Open(ctx, address.Path)
	if err != nil {
		return nil, err
	}
	n := &npy{blob: b, streams: streamsOf(raw)}
	if err := n.open(address, zipped); err != nil {
		b.Close()
		return nil, err
	}
	return n, nil
}

func (n *npy) open(address Array, zipped bool) error {
	off, size := int64(0), n.blob.Size()
	if zipped {
		f, err := npzMember(n.blob, address.Name)
		if err != nil {
			return err
		}
		if f.Method != zip.Store {
			return n.openDeflated(f, address)
		}
		if off, err = f.DataOffset(); err != nil {
			return malformed("%v", err)
		}
		size = int64(min(f.UncompressedSize64, uint64(max(0, size-off))))
	} else if address.Name != "" {
		return malformed("an .npy has no array %q", address.Name)
	}
	n.src = &source{r: io.NewSectionReader(n.blob, off, size)}
	lead, err := n.parse(n.src, address)
	if err != nil {
		return err
	}
	n.random = io.NewSectionReader(n.blob, off+lead, max(0, size-lead))
	n.have = max(0, size-lead)
	n.packed = n.have
	return n.check()
}

func (n *npy) openDeflated(f *zip.File, address Array) error {
	if f.Method != zip.Deflate {
		return unsupported("compression method %d of an archive", f.Method)
	}
	off, err := f.DataOffset()
	if err != nil {
		return zipFault(err)
	}
	n.packed = max(0, min(n.blob.Size()-off, int64(min(f.CompressedSize64, 1<<62))))
	size := int64(min(f.UncompressedSize64, 1<<62))
	n.key = fmt.Sprintf("%s %s %d %d %x", address.Path, f.Name, off, n.packed, f.CRC32)
	n.begin = func() *inflation { return newInflation(n.key, n.blob, off, n.packed, size, f.CRC32) }
	if head := n.streams.head(n.key); head != nil {
		n.lead, err = n.parse(bytes.NewReader(head), address)
	} else {
		var head bytes.Buffer
		n.flow = n.begin()
		if n.lead, err = n.parse(io.TeeReader(n.flow, &head), address); n.array != nil {
			n.streams.keepHead(n.key, head.Bytes())
		}
	}
	if err != nil {
		return err
	}
	n.have = min(size-n.lead, n.packed*maxInflate)
	return n.check()
}

// stream brings a stream to the sample at off.
func (n *npy) stream(ctx context.Context, off int64) error {
	at := n.lead + off
	if z := n.streams.take(n.key, at); z != nil && (n.flow == nil || n.flow.at > at || z.at > n.flow.at) {
		n.streams.keep(n.flow)
		n.flow, z.in.b, z.in.err = z, n.blob, nil
	} else if z != nil {
		n.streams.keep(z)
	}
	if n.flow == nil || n.flow.at > at {
		n.streams.keep(n.flow)
		n.flow = n.begin()
	}
	for n.flow.at < at {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, n.flow, min(at-n.flow.at, 4<<20)); err != nil {
			return err
		}
	}
	return nil
}

// zipFault keeps errors of the blob apart from those of the archive.
func zipFault(err error) error {
	switch {
	case errors.Is(err, zip.ErrAlgorithm):
		return unsupported("%v", err)
	case errors.Is(err, zip.ErrFormat), errors.Is(err, zip.ErrChecksum), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return malformed("%v", err)
	}
	return err
}

// inside answers reads before the first byte as those behind the last: the
// offsets in an archive may lie.
type inside struct{ blob.Blob }

func (b inside) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off > b.Size() {
		return 0, io.EOF
	}
	return b.Blob.ReadAt(p, off)
}

// npzMember finds the array of a name, or the only one.
func npzMember(b blob.Blob, name string) (*zip.File, error) {
	z, err := zip.NewReader(inside{b}, b.Size())
	if err != nil {
		return nil, zipFault(err)
	}
	var found []string
	var file *zip.File
	for _, f := range z.File {
		member, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok || name != "" && member != name {
			continue
		}
		file = f
		found = append(found, member)
	}
	switch {
	case len(found) == 1:
		return file, nil
	case len(found) == 0:
		return nil, malformed("no array %q among the %d members", name, len(z.File))
	}
	return nil, malformed("%d arrays, of which the raw path chooses none: %.200q", len(found), found)
}

// parse reads the header and returns its length.
func (n *npy) parse(r io.Reader, address Array) (int64, error) {
	h, err := ReadNPYHeader(r)
	if err != nil && !errors.Is(err, convertcore.ErrFormat) && !errors.Is(err, convertcore.ErrUnsupported) {
		err = n.fault(err)
	}
	if err != nil {
		return 0, err
	}
	if n.array, err = newNDArray(h.sample, h.BigEndian, h.Shape, h.Fortran); err != nil {
		return 0, err
	}
	n.header, n.layout, err = arrayHeader(n.array, address)
	return h.Lead, err
}

// NPY is what the header of an .npy says.
type NPY struct {
	BigEndian bool
	Shape     []int64 // in NumPy's order of axes
	Fortran   bool    // the first axis varies fastest, not the last
	Lead      int64   // bytes before the first sample
	sample
}

// Sample describes one number: 8, 16, 32 or 64 bits; a boolean is an unsigned
// byte.
func (h *NPY) Sample() (bits int, float, signed bool) { return h.bits, h.float || h.half, h.signed }

// ReadNPYHeader reads the header of an .npy and leaves r at the first sample.
// Errors of r are returned as they are, its end as io.ErrUnexpectedEOF; others
// are convertcore.ErrFormat or, of records and objects, ErrUnsupported.
func ReadNPYHeader(r io.Reader) (*NPY, error) {
	head := make([]byte, 10)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, noEOF(err)
	}
	if string(head[:6]) != npyMagic || head[6] < 1 || head[6] > 3 {
		return nil, malformed("NPY magic %q", head[:8])
	}
	size := int64(binary.LittleEndian.Uint16(head[8:]))
	lead := int64(10)
	if head[6] > 1 {
		more := make([]byte, 2)
		if _, err := io.ReadFull(r, more); err != nil {
			return nil, noEOF(err)
		}
		size += int64(binary.LittleEndian.Uint16(more)) << 16
		lead = 12
	}
	if size > 1<<20 {
		return nil, malformed("NPY header of %d bytes", size)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, noEOF(err)
	}
	h, err := parseNPY(string(text))
	if err != nil {
		return nil, err
	}
	h.Lead = lead + size
	return h, nil
}

var (
	npyDescr   = regexp.MustCompile(`'descr': *'([<>|=]?)([a-zA-Z?])([0-9]*)'`)
	npyOrder   = regexp.MustCompile(`'fortran_order': *(True|False)`)
	npyShape   = regexp.MustCompile(`'shape': *\(([0-9L, ]*)\)`)
	npyNumbers = map[string]sample{
		"b1": {bits: 8}, "?": {bits: 8}, "u1": {bits: 8}, "u2": {bits: 16}, "u4": {bits: 32}, "u8": {bits: 64},
		"i1": {bits: 8, signed: true}, "i2": {bits: 16, signed: true}, "i4": {bits: 32, signed: true}, "i8": {bits: 64, signed: true},
		"f2": {bits: 16, half: true}, "f4": {bits: 32, float: true}, "f8": {bits: 64, float: true},
	}
)

// parseNPY parses the dictionary of a header, as numpy.save writes it.
func parseNPY(text string) (*NPY, error) {
	descr, order, shape := npyDescr.FindStringSubmatch(text), npyOrder.FindStringSubmatch(text), npyShape.FindStringSubmatch(text)
	if descr == nil && strings.Contains(text, "'descr': [") {
		return nil, unsupported("NPY of records")
	}
	if descr == nil || order == nil || shape == nil {
		return nil, malformed("NPY header %.100q", text)
	}
	if descr[2] == "O" {
		return nil, unsupported("NPY of pickled objects, which could run code")
	}
	typ, ok := npyNumbers[descr[2]+descr[3]]
	if !ok {
		return nil, unsupported("NPY dtype %s", descr[2]+descr[3])
	}
	var sizes []int64
	for _, word := range strings.FieldsFunc(shape[1], func(r rune) bool { return r == ',' || r == ' ' || r == 'L' }) {
		v, err := strconv.ParseInt(word, 10, 32)
		if err != nil {
			return nil, malformed("NPY shape %q", shape[1])
		}
		sizes = append(sizes, v)
	}
	return &NPY{BigEndian: descr[1] == ">", Shape: sizes, Fortran: order[1] == "True", sample: typ}, nil
}

// check compares what the header declares with the bytes that there are.
func (n *npy) check() error {
	if off, size := n.array.span(); off < 0 || size < 0 || off > n.have || size > n.have-off {
		return malformed("array needs %d bytes at %d of %d", size, off, n.have)
	}
	return nil
}

func (n *npy) decode(ctx context.Context) (convertcore.Image, error) {
	off, size := n.array.span()
	var r io.Reader
	if n.random != nil {
		n.src = &source{r: io.NewSectionReader(n.random, off, size)}
		r = n.src
	} else {
		if err := n.stream(ctx, off); err != nil {
			return nil, n.fault(err)
		}
		r = n.flow
	}
	b, err := readPayload(ctx, r, size, n.packed)
	if err == nil && n.random == nil && off+size == n.have { // the checksum is at the end
		_, err = io.Copy(io.Discard, io.LimitReader(r, eager))
	}
	if err != nil {
		return nil, n.fault(err)
	}
	return n.layout.image(b, 1, 0)
}

func (n *npy) fault(err error) error {
	if errors.Is(err, convertcore.ErrFormat) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		n.flow = nil
		return err
	}
	if n.random == nil && n.begin != nil {
		if n.flow == nil {
			return malformed("%v", noEOF(err))
		}
		err = n.flow.fault(err)
		n.flow = nil
		return err
	}
	return n.src.fault(noEOF(err))
}
