package archive

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// zipMember is an opened member. Its local header is read with its first bytes.
type zipMember struct {
	ctx  context.Context
	name string
	m    member
	src  blob.Blob // of the archive, bound to ctx
	env  Env

	mu     sync.Mutex
	closed bool
	data   int64 // where the data begins; 0 before the local header was read
	err    error // for good
	// stored: the CRC of what was read in order from the start
	crc uint32
	seq int64
	// packed: what was unpacked so far, and where it goes on
	out  *spill
	in   *window
	flat io.ReadCloser
}

var _ blob.Blob = (*zipMember)(nil)

func newZipMember(ctx context.Context, b blob.Blob, name string, m *member, env Env) *zipMember {
	z := &zipMember{ctx: ctx, name: name, m: *m, env: env}
	z.src = blob.Ahead(ctx, b, z.span())
	return z
}

func (z *zipMember) Size() int64 { return z.m.size }

func (z *zipMember) Close() error {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.closed {
		return nil
	}
	z.closed = true
	z.stop()
	if z.out != nil {
		z.out.close()
	}
	return z.src.Close()
}

func (z *zipMember) stop() {
	if z.flat != nil {
		z.flat.Close()
		z.flat, z.in = nil, nil
	}
}

// WithContext returns another opening of the same member.
func (z *zipMember) WithContext(ctx context.Context) blob.Blob {
	return newZipMember(ctx, z.src, z.name, &z.m, z.env)
}

// WillNeed brings the member's packed bytes, of a long stored one those of the
// spans.
func (z *zipMember) WillNeed(ctx context.Context, spans []blob.Span) error {
	if len(spans) == 0 {
		return nil
	}
	if z.m.meth != methodStore || z.m.size <= smallMember {
		return blob.WillNeed(ctx, z.src, []blob.Span{z.span()})
	}
	z.mu.Lock()
	err := z.locate(0)
	data := z.data
	z.mu.Unlock()
	if err != nil {
		return err
	}
	moved := make([]blob.Span, len(spans))
	for i, s := range spans {
		moved[i] = blob.Span{Off: s.Off + data, Len: s.Len}
	}
	return blob.WillNeed(ctx, z.src, moved)
}

// WriteTo writes the whole member and keeps nothing of it.
func (z *zipMember) WriteTo(w io.Writer) (int64, error) {
	z.mu.Lock()
	err := z.locate(0)
	z.mu.Unlock()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", z.name, err)
	}
	in := newWindow(z.src, z.data, z.m.csize)
	n := int64(0)
	err = func() error {
		var r io.Reader = in
		if z.m.meth != methodStore {
			u, err := unpackers[z.m.meth](in, z.m.size, z.env.Limits)
			if err != nil {
				return err
			}
			defer u.Close()
			r = u
		}
		crc := crc32.NewIEEE()
		buf := make([]byte, 256<<10)
		for {
			k, err := io.ReadFull(r, buf)
			crc.Write(buf[:k])
			if n += int64(k); n > z.m.size {
				return fmt.Errorf("%w: more than the %d bytes declared", ErrFormat, z.m.size)
			}
			if _, werr := w.Write(buf[:k]); werr != nil {
				return werr
			}
			if err == io.EOF || err == io.ErrUnexpectedEOF && in.err == nil && n == z.m.size {
				break
			}
			if err != nil {
				return err
			}
		}
		if n < z.m.size {
			return io.ErrUnexpectedEOF
		}
		return z.check(crc.Sum32())
	}()
	if err != nil {
		err = fmt.Errorf("%s: %w", z.name, unpackError(err, in.err, n, z.m.size))
	}
	return n, err
}

func (z *zipMember) span() blob.Span {
	return blob.Span{Off: z.m.off, Len: min(z.m.limit-z.m.off, int64(z.m.head)+z.m.csize)}
}

func (z *zipMember) ReadAt(p []byte, off int64) (int, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	switch {
	case z.closed:
		return 0, fs.ErrClosed
	case off < 0:
		return 0, errors.New("negative offset")
	case z.err != nil:
		return 0, z.err
	}
	n, err := z.readAt(p, off)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%s: %w", z.name, err)
		if errors.Is(err, ErrChecksum) || errors.Is(err, ErrFormat) {
			z.err = err
			n = 0 // wrong bytes are worse than none
		}
	}
	return n, err
}

func (z *zipMember) readAt(p []byte, off int64) (int, error) {
	if off >= z.m.size && (off > 0 || z.m.size > 0) {
		return 0, io.EOF
	}
	end := min(off+int64(len(p)), z.m.size)
	if err := z.locate(end - off); err != nil {
		return 0, err
	}
	var n int
	var err error
	if z.m.meth == methodStore {
		n, err = z.readStored(p[:end-off], off)
	} else if err = z.unpack(end); err == nil {
		n, err = z.out.readAt(p[:end-off], off)
	}
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// smallMember is fetched whole at its first read: two blocks of the cache.
const smallMember = 32 << 10

// locate reads the local header, whose name and extra field may be longer than
// the directory's, to find where the data begins. Where all of the member is
// wanted, or it is small, its data comes in the same request.
func (z *zipMember) locate(want int64) error {
	if z.data > 0 {
		return nil
	}
	if s := z.span(); want >= z.m.size || s.Len <= smallMember {
		// An error here comes again with the read that follows.
		_ = blob.WillNeed(z.ctx, z.src, []blob.Span{s})
	}
	h := make([]byte, lenLocal)
	if err := readFull(z.src, h, z.m.off); err != nil {
		return err
	}
	if le.Uint32(h) != sigLocal {
		return fmt.Errorf("%w: no local header at byte %d", ErrFormat, z.m.off)
	}
	if le.Uint16(h[6:])&1 != 0 || le.Uint16(h[8:]) != z.m.meth {
		return fmt.Errorf("%w: the local header and the directory differ", ErrFormat)
	}
	data := z.m.off + lenLocal + int64(le.Uint16(h[26:])) + int64(le.Uint16(h[28:]))
	if data+z.m.csize > z.m.limit {
		return fmt.Errorf("%w: the data reaches into what follows", ErrFormat)
	}
	z.data = data
	return nil
}

// readStored reads at random; a reader that goes through the whole in order
// gets the CRC checked.
func (z *zipMember) readStored(p []byte, off int64) (int, error) {
	if err := readFull(z.src, p, z.data+off); err != nil {
		return 0, err
	}
	if off == 0 {
		z.crc, z.seq = 0, 0
	}
	if off == z.seq {
		z.crc = crc32.Update(z.crc, crc32.IEEETable, p)
		if z.seq += int64(len(p)); z.seq == z.m.size {
			if err := z.check(z.crc); err != nil {
				return 0, err
			}
		}
	}
	return len(p), nil
}

func (z *zipMember) check(crc uint32) error {
	if crc != z.m.crc {
		return fmt.Errorf("%w: crc32 is %08x, expected %08x", ErrChecksum, crc, z.m.crc)
	}
	return nil
}

// unpack goes on until the first end bytes are there; with the last one it
// checks that the data ends, too, and its CRC.
func (z *zipMember) unpack(end int64) error {
	if z.out == nil {
		z.out = newSpill(z.m.size, z.env.Spool)
	}
	if end <= z.out.n && (z.out.n < z.m.size || z.out.checked) {
		return nil
	}
	if z.m.meth == methodDeflate && z.out.n == 0 && end <= glanceBytes && z.m.csize > smallMember {
		if err := z.glance(end); err != nil || z.out.n >= end {
			return err
		}
	}
	if z.flat == nil {
		z.in = newWindow(z.src, z.data, z.m.csize)
		var err error
		if z.flat, err = unpackers[z.m.meth](z.in, z.m.size, z.env.Limits); err != nil {
			return z.broken(err)
		}
		// After a failed read the stream starts anew and skips what is there.
		if _, err := io.CopyN(io.Discard, z.flat, z.out.n); err != nil {
			return z.broken(err)
		}
	}
	if err := z.out.fill(z.flat, end); err != nil {
		return z.broken(err)
	}
	if z.out.n < z.m.size {
		return nil
	}
	var one [1]byte
	if n, err := io.ReadFull(z.flat, one[:]); n > 0 {
		return fmt.Errorf("%w: more than the %d bytes declared", ErrFormat, z.m.size)
	} else if err != io.EOF {
		return z.broken(err)
	}
	z.stop()
	if err := z.check(z.out.crc); err != nil {
		return err
	}
	z.out.checked = true
	return nil
}

// glanceBytes is the longest first read that is taken for a look at a file's
// header.
const glanceBytes = 8 << 10

// glance unpacks the first bytes from the first block of the cache that holds
// enough: inflate by itself reads on until it has made 32 KiB. What it cannot
// give it leaves to unpack, which then starts anew.
func (z *zipMember) glance(end int64) error {
	enough := (z.data+2*glanceBytes)/firstAhead*firstAhead - z.data
	if enough < glanceBytes/2 {
		enough += firstAhead
	}
	in := newWindow(z.src, z.data, min(enough, z.m.csize))
	flat := flate.NewReader(in)
	defer flat.Close()
	err := z.out.fill(flat, end)
	if in.err != nil {
		return in.err
	}
	var corrupt flate.CorruptInputError
	if errors.As(err, &corrupt) {
		return fmt.Errorf("%w: packed data is damaged at byte %d of %d", ErrChecksum, z.out.n, z.m.size)
	}
	return nil
}

// broken tells damaged data from a source that failed, which is asked again
// at the next read.
func (z *zipMember) broken(err error) error {
	src := z.in.err
	z.stop()
	return unpackError(err, src, z.out.n, z.m.size)
}
