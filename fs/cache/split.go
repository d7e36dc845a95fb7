package cache

import (
	"encoding/binary"
	"fmt"
)

// split is how the samples of a chunk are divided into byte planes.
type split byte

const (
	splitNone     split = iota // one plane, as it lies
	splitChannels              // one plane a channel (8-bit samples)
	splitGreen                 // likewise, the first and third channel less the second: gray images kept as RGB, and stained tissue
	splitWords                 // difference to the sample above, zigzag, one plane a byte of it (16, 32, 64-bit samples)
	splitCount
)

// planes returns how many planes a chunk of size bytes has, or 0 where the
// split does not fit the layout.
func (s split) planes(size int, l Layout) int {
	switch s {
	case splitNone:
		return 1
	case splitChannels:
		if l.Elem == 1 && l.Channels >= 2 && size%l.Channels == 0 {
			return l.Channels
		}
	case splitGreen:
		if l.Elem == 1 && (l.Channels == 3 || l.Channels == 4) && size%l.Channels == 0 {
			return l.Channels
		}
	case splitWords:
		if l.Elem >= 2 && size%l.Elem == 0 {
			return l.Elem
		}
	}
	return 0
}

// shape returns the row and the step of the planes.
func (s split) shape(l Layout) (row, step int) {
	switch s {
	case splitNone:
		return l.Row, l.Elem * l.Channels
	case splitChannels, splitGreen:
		return l.Row / l.Channels, 1
	}
	return 0, 0 // splitWords predicts before it splits
}

// encode divides src, using scratch of its length, and returns the planes with
// no predictor chosen yet.
func (s split) encode(scratch, src []byte, l Layout) []plane {
	row, step := s.shape(l)
	n := s.planes(len(src), l)
	if n == 1 {
		return []plane{{data: src, row: row, step: step}}
	}
	size := len(src) / n
	out := make([]plane, n)
	for i := range out {
		out[i] = plane{data: scratch[i*size : (i+1)*size], row: row, step: step}
	}
	switch s {
	case splitChannels, splitGreen:
		for c := range out {
			d := out[c].data
			for i := range d {
				d[i] = src[i*n+c]
			}
		}
		if s == splitGreen {
			subFrom(out[0].data, out[0].data, out[1].data)
			subFrom(out[2].data, out[2].data, out[1].data)
		}
	case splitWords:
		splitSamples(scratch[:len(src)], src, l)
	}
	return out
}

// decode unpacks the planes of enc and joins them in dst.
func (s split) decode(dst, enc []byte, l Layout) error {
	n := s.planes(len(dst), l)
	if n == 0 {
		return fmt.Errorf("%w: split %d does not fit", errChunk, s)
	}
	row, step := s.shape(l)
	if n == 1 {
		rest, err := unpackPlane(dst, enc, row, step)
		return whole(rest, err)
	}
	scratch := getBuf(len(dst))
	defer putBuf(scratch)
	size := len(dst) / n
	var err error
	for i := range n {
		if enc, err = unpackPlane((*scratch)[i*size:(i+1)*size], enc, row, step); err != nil {
			return err
		}
	}
	if s == splitWords {
		joinSamples(dst, *scratch, l)
	} else {
		joinChannels(dst, *scratch, n, s == splitGreen)
	}
	return whole(enc, nil)
}

func whole(rest []byte, err error) error {
	if err == nil && len(rest) > 0 {
		return fmt.Errorf("%w: %d bytes left over", errChunk, len(rest))
	}
	return err
}

// joinChannels interleaves n planes, adding the second to the first and third
// where green is set.
func joinChannels(dst, planes []byte, n int, green bool) {
	size := len(dst) / n
	if green {
		addTo0(planes[:size], planes[size:2*size])
		addTo0(planes[2*size:3*size], planes[size:2*size])
	}
	p := func(i int) []byte { return planes[i*size : (i+1)*size] }
	switch n {
	case 3:
		r, g, b := p(0), p(1)[:size], p(2)[:size]
		for i := range r {
			d := dst[3*i : 3*i+3 : 3*i+3]
			d[0], d[1], d[2] = r[i], g[i], b[i]
		}
	case 4:
		r, g, b, a := p(0), p(1)[:size], p(2)[:size], p(3)[:size]
		for i := range r {
			binary.LittleEndian.PutUint32(dst[4*i:], uint32(r[i])|uint32(g[i])<<8|uint32(b[i])<<16|uint32(a[i])<<24)
		}
	default:
		for c := range n {
			for i, v := range p(c) {
				dst[i*n+c] = v
			}
		}
	}
}

// addTo0 adds b to dst, byte by byte; the two do not overlap.
func addTo0(dst, b []byte) {
	i := 0
	for ; i+8 <= len(dst); i += 8 {
		binary.LittleEndian.PutUint64(dst[i:], addBytes(binary.LittleEndian.Uint64(dst[i:]), binary.LittleEndian.Uint64(b[i:])))
	}
	for ; i < len(dst); i++ {
		dst[i] += b[i]
	}
}
