package archive

import (
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// zstdCodec unpacks .zst (RFC 8878). A point is where a frame begins. Many
// files are one frame, and then there is one point.
type zstdCodec struct{}

// frameEvery is how many packed bytes lie between two points at least.
const frameEvery = 256 << 10

func (zstdCodec) open(src blob.Blob, s *stream, i int, mark marker) (io.ReadCloser, error) {
	p := s.points[i]
	at := p.in / 8
	d, err := newZstd(nil, s.env.Limits)
	if err != nil {
		return nil, err
	}
	return &zstdFrames{in: newWindow(src, at, src.Size()-at), d: d, out: p.out, last: at, mark: mark}, nil
}

// zstdFrames hands the decoder one frame at a time.
type zstdFrames struct {
	in   *window
	d    *zstd.Decoder
	out  int64
	mark marker
	last int64 // of the last point
	open bool  // d is within a frame

	head  []byte // to be handed on
	pass  int64  // bytes to be handed on as they are
	check int64  // bytes behind the last block
	end   bool   // of the frame, once head and pass are used up
}

func (z *zstdFrames) Close() error {
	z.d.Close()
	return nil
}

func (z *zstdFrames) Read(p []byte) (int, error) {
	for {
		if z.open {
			n, err := z.d.Read(p)
			z.out += int64(n)
			if n > 0 || err != io.EOF {
				return n, err
			}
			z.open = false
		}
		if err := z.next(); err != nil {
			return 0, err
		}
	}
}

// next goes to the next frame with content.
func (z *zstdFrames) next() error {
	at := z.in.pos()
	var b [4]byte
	if n, err := io.ReadFull(z.in, b[:]); err != nil {
		if n == 0 && err == io.EOF {
			return io.EOF
		}
		return err
	}
	switch v := le.Uint32(b[:]); {
	case v&^0xf == 0x184d2a50:
		if _, err := io.ReadFull(z.in, b[:]); err != nil {
			return unexpected(err)
		}
		z.in.seek(z.in.pos() + int64(le.Uint32(b[:])))
		return nil
	case v != 0xfd2fb528:
		return fmt.Errorf("%w: no zstd frame at byte %d", ErrFormat, at)
	}
	if z.mark != nil && at-z.last >= frameEvery {
		if err := z.mark(point{in: at * 8, out: z.out}, nil); err != nil {
			return err
		}
		z.last = at
	}
	if err := z.frame(b[:]); err != nil {
		return err
	}
	z.open = true
	return z.d.Reset(frameOf{z})
}

// frame reads a frame's header (RFC 8878, section 3.1.1.1).
func (z *zstdFrames) frame(magic []byte) error {
	d, err := z.in.ReadByte()
	if err != nil {
		return unexpected(err)
	}
	single := int64(d >> 5 & 1)
	n := (1 - single) + []int64{0, 1, 2, 4}[d&3] + []int64{single, 2, 4, 8}[d>>6]
	z.head = append(append([]byte(nil), magic...), d)
	z.pass, z.check, z.end = n, int64(d>>2&1)*4, false
	return nil
}

// frameOf reads the bytes of the frame and ends with it.
type frameOf struct{ z *zstdFrames }

func (f frameOf) Read(p []byte) (int, error) {
	z := f.z
	for len(z.head) == 0 && z.pass == 0 {
		if z.end {
			return 0, io.EOF
		}
		var b [3]byte
		if _, err := io.ReadFull(z.in, b[:]); err != nil {
			return 0, unexpected(err)
		}
		h := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
		z.head = append(z.head[:0], b[:]...)
		switch h >> 1 & 3 {
		case 1:
			z.pass = 1
		case 3:
			return 0, fmt.Errorf("%w: zstd block of type 3", ErrFormat)
		default:
			z.pass = int64(h >> 3)
		}
		if h&1 != 0 {
			z.end = true
			z.pass += z.check
		}
	}
	if len(z.head) > 0 {
		n := copy(p, z.head)
		z.head = z.head[n:]
		return n, nil
	}
	n, err := z.in.Read(p[:min(int64(len(p)), z.pass)])
	z.pass -= int64(n)
	return n, unexpected(err)
}

// unexpected makes of an end one that came too early.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
