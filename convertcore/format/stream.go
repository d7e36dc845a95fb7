package format

import (
	"bufio"
	"context"
	"io"

	"github.com/omnimedseg/omnimedfs/convertcore/inflate"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func isGzip(head []byte) bool { return len(head) >= 2 && head[0] == 0x1f && head[1] == 0x8b }

// stream reads a blob in order, inflated where it begins as gzip. Members that
// follow one another are one stream; anything else after a member is ignored.
type stream struct {
	*source
	blob blob.Blob
	size int64 // of the blob
	gzip bool
	br   *bufio.Reader
	z    *inflate.Members
}

func newStream(b blob.Blob, buffer int) (*stream, error) {
	src := newSource(b, 0)
	s := &stream{source: src, blob: b, size: b.Size(), br: bufio.NewReaderSize(src, buffer)}
	head, err := s.br.Peek(2)
	if err != nil {
		return nil, src.fault(noEOF(err))
	}
	if !isGzip(head) {
		return s, nil
	}
	s.gzip = true
	if s.z, err = inflate.NewMembers(s.br); err != nil {
		return nil, src.fault(noEOF(err))
	}
	return s, nil
}

func (s *stream) Close() error { return s.blob.Close() }

func (s *stream) Read(p []byte) (int, error) {
	if !s.gzip {
		return s.br.Read(p)
	}
	return s.z.Read(p)
}

// drain reads to the end of the present gzip member, where its checksum is.
// More than eager bytes before it are no padding but an attack.
func (s *stream) drain(ctx context.Context) error {
	if !s.gzip {
		return nil
	}
	buf := make([]byte, 64<<10)
	for left := eager; left > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := s.z.Gzip.Read(buf)
		switch left -= n; {
		case err == io.EOF:
			return nil
		case err != nil:
			return s.fault(err)
		}
	}
	return malformed("more than %d bytes after the voxels", eager)
}
