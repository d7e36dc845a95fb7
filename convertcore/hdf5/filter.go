package hdf5

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/omnimedseg/omnimedfs/convertcore/inflate"
)

// filter is one step of a pipeline (section IV.A.2.l).
type filter struct {
	id     uint16
	values []uint32
}

// Filters that are read. LZF is h5py's own, the last registered with The HDF
// Group.
const (
	filterDeflate  = 1
	filterShuffle  = 2
	filterFletcher = 3
	filterLZF      = 32000
	filterZstd     = 32015
)

var filterNames = map[uint16]string{4: "szip", 5: "nbit", 6: "scaleoffset", 307: "bzip2", 32001: "blosc", 32004: "lz4", 32008: "bitshuffle", 32013: "zfp", 32026: "blosc2"}

func parseFilters(b []byte) ([]filter, error) {
	c := &cursor{b: b}
	version, n := c.u8(), int(c.u8())
	if version == 1 {
		c.skip(6)
	} else if version != 2 {
		return nil, malformed("HDF5 filters of version %d", version)
	}
	var out []filter
	for range n {
		f := filter{id: c.u16()}
		name := 0
		if version == 1 || f.id >= 256 {
			name = int(c.u16())
		}
		c.skip(2)
		values := int(c.u16())
		if version == 1 {
			name = (name + 7) &^ 7
		}
		c.skip(name)
		for range values {
			f.values = append(f.values, c.u32())
			if c.short {
				break
			}
		}
		if version == 1 && values%2 == 1 {
			c.skip(4)
		}
		out = append(out, f)
	}
	return out, c.check("filters")
}

// decoder undoes the filters of chunk after chunk and keeps its memory for the
// next one.
type decoder struct {
	filters []filter
	size    int64     // bytes of a chunk
	stored  []byte    // of a chunk
	spare   [2][]byte // one holds the bytes of now, the other those of before
	zlib    *inflate.Zlib
	packed  *bufio.Reader // what zlib reads
}

// undo takes the filters of a stored chunk back, from the last to the first. A
// bit of mask says that a filter was left out. The result is good until the
// next call.
func (d *decoder) undo(b []byte, mask uint32) (_ []byte, err error) {
	for i := len(d.filters) - 1; i >= 0; i-- {
		if mask>>min(i, 31)&1 != 0 {
			continue
		}
		// A checksum before the compression makes what is compressed longer.
		limit := d.size + 4*int64(i)
		out := d.spare[i%2][:0]
		switch f := d.filters[i]; f.id {
		case filterDeflate:
			out, err = d.inflate(out, b, limit)
		case filterShuffle:
			if len(f.values) == 0 || f.values[0] < 2 || int64(f.values[0]) > int64(len(b)) {
				continue
			}
			out = unshuffle(out, b, int(f.values[0]))
		case filterFletcher:
			if b, err = fletcher(b); err != nil {
				return nil, err
			}
			continue
		case filterLZF:
			out, err = unLZF(out, b, limit)
		case filterZstd:
			out, err = unzstd(out, b, limit)
		default:
			if name, ok := filterNames[f.id]; ok {
				return nil, unsupported("HDF5 filter %s", name)
			}
			return nil, unsupported("HDF5 filter %d", f.id)
		}
		if err != nil {
			return nil, err
		}
		d.spare[i%2], b = out, out
	}
	if int64(len(b)) != d.size {
		return nil, malformed("HDF5 chunk of %d bytes where %d are due", len(b), d.size)
	}
	return b, nil
}

// grow appends up to limit bytes and one more, taking memory as it fills.
func grow(out []byte, r io.Reader, have int, limit int64) ([]byte, error) {
	out = slices.Grow(out, int(min(limit, 16*int64(have)+1<<16))+1)
	for {
		if len(out) == cap(out) {
			out = slices.Grow(out, len(out))
		}
		n, err := r.Read(out[len(out):min(int64(cap(out)), limit+1)])
		out = out[:len(out)+n]
		switch {
		case int64(len(out)) > limit:
			return nil, malformed("HDF5 chunk of more than %d bytes", limit)
		case err == io.EOF:
			return out, nil
		case err != nil:
			return nil, malformed("HDF5 chunk: %v", err)
		}
	}
}

func (d *decoder) inflate(out, b []byte, limit int64) ([]byte, error) {
	if d.zlib == nil {
		d.zlib, d.packed = &inflate.Zlib{}, bufio.NewReaderSize(nil, 32<<10)
	}
	d.packed.Reset(bytes.NewReader(b))
	if err := d.zlib.Reset(d.packed); err != nil {
		return nil, malformed("HDF5 chunk: %v", err)
	}
	return grow(out, d.zlib, len(b), limit)
}

func unzstd(out, b []byte, limit int64) ([]byte, error) {
	z, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(limit)+1<<20), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return nil, malformed("HDF5 chunk: %v", err)
	}
	defer z.Close()
	return grow(out, z, len(b), limit)
}

// unshuffle brings the bytes of numbers together again: they are stored first
// bytes first, then second ones … and what is left of no whole number last.
func unshuffle(out, b []byte, size int) []byte {
	n := len(b) / size
	out = slices.Grow(out, len(b))[:len(b)]
	switch size {
	case 2:
		lo, hi := b[:n], b[n:2*n]
		for i := range lo {
			out[2*i], out[2*i+1] = lo[i], hi[i]
		}
	default:
		for k := range size {
			plane := b[k*n : (k+1)*n]
			for i, v := range plane {
				out[i*size+k] = v
			}
		}
	}
	copy(out[n*size:], b[n*size:])
	return out
}

// fletcher checks the last four bytes and takes them off. The sum is
// Fletcher's of big-endian words; before HDF5 1.6.3 its bytes were stored in
// another order, which the library accepts too (H5Zfletcher32.c).
func fletcher(b []byte) ([]byte, error) {
	n := len(b) - 4
	if n < 0 {
		return nil, malformed("HDF5 chunk of %d bytes with a checksum", len(b))
	}
	var s1, s2 uint32
	for rest := b[:n]; len(rest) > 0; {
		part := rest[:min(len(rest), 720)]
		rest = rest[len(part):]
		for len(part) > 1 {
			s1 += uint32(part[0])<<8 | uint32(part[1])
			s2 += s1
			part = part[2:]
		}
		if len(part) == 1 {
			s1 += uint32(part[0]) << 8
			s2 += s1
		}
		s1, s2 = s1&0xffff+s1>>16, s2&0xffff+s2>>16
	}
	s1, s2 = s1&0xffff+s1>>16, s2&0xffff+s2>>16
	sum := s2<<16 | s1
	old := sum>>8&0x00ff00ff | sum&0x00ff00ff<<8
	if got := binary.LittleEndian.Uint32(b[n:]); got != sum && got != old {
		return nil, malformed("HDF5 chunk with a wrong checksum")
	}
	return b[:n], nil
}

// unLZF expands Marc Lehmann's LZF: a byte below 32 begins that many literals
// and one, others a copy of 3 to 264 bytes from up to 8192 before.
func unLZF(out, b []byte, limit int64) ([]byte, error) {
	out = slices.Grow(out, int(min(limit, 16*int64(len(b))+1<<12)))
	c := &cursor{b: b}
	for len(c.b) > 0 {
		ctrl := int(c.u8())
		if ctrl < 32 {
			out = append(out, c.take(ctrl+1)...)
		} else {
			n := ctrl >> 5
			if n == 7 {
				n += int(c.u8())
			}
			n += 2
			from := len(out) - (ctrl&31)<<8 - int(c.u8()) - 1
			if from < 0 {
				return nil, malformed("LZF copy from before the beginning")
			}
			for range n {
				out = append(out, out[from])
				from++
			}
		}
		if c.short || int64(len(out)) > limit {
			return nil, malformed("LZF chunk of %d bytes or more", len(out))
		}
	}
	return out, nil
}
