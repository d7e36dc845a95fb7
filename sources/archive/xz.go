package archive

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/mikelolasagasti/xz"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// xzCodec unpacks .xz (The .xz File Format 1.2.1). The index at a stream's end
// tells its blocks, so the points are known beforehand. Many files are one
// block, and then there is one point.
type xzCodec struct{}

const (
	xzHeader = 12 // bytes of a stream's header, and of its footer
	// maxXzIndex bounds memory: about six million blocks.
	maxXzIndex = 64 << 20
)

var errXz = fmt.Errorf("%w: xz", ErrFormat)

// xzPoints reads the indexes of all streams, from the last one on.
func xzPoints(b blob.Blob) (points []point, size int64, err error) {
	end := b.Size()
	var streams [][]point
	blocks := 0
	for end > 0 {
		var pad [4]byte
		for end >= 4 {
			if err := readFull(b, pad[:], end-4); err != nil {
				return nil, 0, err
			}
			if pad != [4]byte{} {
				break
			}
			end -= 4
		}
		p, start, err := xzStream(b, end)
		if err != nil {
			return nil, 0, err
		}
		if blocks += len(p); blocks > maxPoints {
			return nil, 0, fmt.Errorf("%w: more than %d blocks", ErrLimit, maxPoints)
		}
		streams, end = append(streams, p), start
	}
	for i := len(streams) - 1; i >= 0; i-- {
		for _, p := range streams[i] {
			n := p.out
			p.out = size
			if size += n; size > 1<<60 || n < 0 {
				return nil, 0, errXz
			}
			points = append(points, p)
		}
	}
	if points == nil { // nothing in it
		points = []point{{}}
	}
	return points, size, nil
}

// xzStream reads the index of the stream that ends at end. The points' out is
// the size of their block.
func xzStream(b blob.Blob, end int64) (points []point, start int64, err error) {
	var f [xzHeader]byte
	if end < 2*xzHeader+8 || end%4 != 0 {
		return nil, 0, fmt.Errorf("%w: cut off", errXz)
	}
	if err := readFull(b, f[:], end-xzHeader); err != nil {
		return nil, 0, err
	}
	if f[10] != 'Y' || f[11] != 'Z' || le.Uint32(f[:]) != crc32.ChecksumIEEE(f[4:10]) {
		return nil, 0, fmt.Errorf("%w: no footer: cut off", errXz)
	}
	n := (int64(le.Uint32(f[4:])) + 1) * 4
	if n > end-2*xzHeader || n > maxXzIndex {
		return nil, 0, fmt.Errorf("%w: an index of %d bytes", errXz, n)
	}
	index := make([]byte, n)
	at := end - xzHeader - n
	if err := readFull(b, index, at); err != nil {
		return nil, 0, err
	}
	if index[0] != 0 || le.Uint32(index[n-4:]) != crc32.ChecksumIEEE(index[:n-4]) {
		return nil, 0, fmt.Errorf("%w: its index is damaged", errXz)
	}
	r := &indexReader{b: index[1 : n-4]}
	count := r.uint(uint64(n))
	points = make([]point, 0, count)
	total := int64(0)
	for range count {
		p := point{head: int64(r.uint(1 << 60)), out: int64(r.uint(1 << 60)), aux: int64(f[8])<<8 | int64(f[9])}
		p.in = total * 8
		if total += (p.head + 3) / 4 * 4; p.head < 5 || total > at-xzHeader {
			return nil, 0, errXz
		}
		points = append(points, p)
	}
	if start = at - total - xzHeader; r.bad || start < 0 {
		return nil, 0, errXz
	}
	for i := range points {
		points[i].in += (start + xzHeader) * 8
	}
	return points, start, nil
}

func (xzCodec) open(src blob.Blob, s *stream, i int, _ marker) (io.ReadCloser, error) {
	return &xzBlocks{src: src, s: s, i: i}, nil
}

// xzBlocks unpacks block by block, each as a file of its own, so that each is
// held to its checksum.
type xzBlocks struct {
	src blob.Blob
	s   *stream
	i   int
	r   *xz.Reader
	n   int64 // that the block has still to give
}

func (x *xzBlocks) Close() error { return nil }

func (x *xzBlocks) Read(p []byte) (int, error) {
	for {
		if x.r != nil {
			n, err := x.r.Read(p)
			if x.n -= int64(n); x.n < 0 {
				return 0, errXz
			}
			if n > 0 {
				return n, nil
			}
			if err != io.EOF {
				return 0, err
			}
			if x.n != 0 {
				return 0, errXz
			}
			x.r = nil
			x.i++
		}
		if x.i >= len(x.s.points) || x.s.points[x.i].head == 0 {
			return 0, io.EOF
		}
		if err := x.next(); err != nil {
			return 0, err
		}
	}
}

func (x *xzBlocks) next() error {
	p := x.s.points[x.i]
	x.n = x.s.size - p.out
	if x.i+1 < len(x.s.points) {
		x.n = x.s.points[x.i+1].out - p.out
	}
	flags := []byte{byte(p.aux >> 8), byte(p.aux)}
	head := append([]byte("\xfd7zXZ\x00"), flags...)
	head = le.AppendUint32(head, crc32.ChecksumIEEE(flags))
	index := binary.AppendUvarint([]byte{0, 1}, uint64(p.head))
	index = binary.AppendUvarint(index, uint64(x.n))
	for len(index)%4 != 0 {
		index = append(index, 0)
	}
	index = le.AppendUint32(index, crc32.ChecksumIEEE(index))
	back := append(le.AppendUint32(nil, uint32(len(index)/4-1)), flags...)
	tail := append(index, le.AppendUint32(nil, crc32.ChecksumIEEE(back))...)
	tail = append(append(tail, back...), "YZ"...)
	body := newWindow(x.src, p.in/8, (p.head+3)/4*4)
	var err error
	x.r, err = xz.NewReader(io.MultiReader(bytes.NewReader(head), body, bytes.NewReader(tail)), dictionary(x.s.env.Limits.Dictionary))
	return err
}
