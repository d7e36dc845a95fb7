package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func init() {
	Register(Type{
		Name:  "tar",
		Exts:  []string{".tar"},
		Magic: func(head []byte) bool { return len(head) >= 262 && string(head[257:262]) == "ustar" },
		Open:  openTar,
	})
}

type tarArchive struct {
	*index
	b blob.Blob
}

var _ Indexed = (*tarArchive)(nil)

// openTar goes once over the headers and skips the data between them, or reads
// nothing where the index is kept. A tar has no checksums of its members.
func openTar(ctx context.Context, b blob.Blob, env Env) (Archive, error) {
	key := env.key("tar")
	if x, ok := load(env.Facts, key, b.Size()); ok {
		return &tarArchive{x, b}, nil
	}
	v := blob.WithContext(ctx, b)
	defer v.Close()
	x, err := scanTar(ctx, v)
	if err != nil {
		return nil, err
	}
	if err := x.save(env.Facts, key, b.Size(), b.Size()); err != nil {
		x.warn.add("index not kept: %v", err)
	}
	return &tarArchive{x, b}, nil
}

func scanTar(ctx context.Context, b blob.Blob) (*index, error) {
	var out builder
	r := &headerReader{b: b, size: b.Size(), ahead: firstAhead}
	t := tar.NewReader(r)
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		h, err := t.Next()
		if err == io.EOF {
			if !r.ended() {
				out.warn.add("no end marker: the archive may be cut off")
			}
			return out.index(b.Size(), false), nil
		}
		if err != nil {
			return nil, r.explain(err)
		}
		if !isFile(h) {
			if h.Typeflag == tar.TypeLink {
				out.warn.add("%q: left out: a hard link to %q", h.Name, h.Linkname)
			}
			continue
		}
		m := member{off: r.at, csize: h.Size, size: h.Size}
		if sparse(h) {
			m.flags |= flagSparse
			m.csize = 0 // fewer bytes than the file has; how many is not told
			out.warn.add("%q: cannot be opened: sparse file", h.Name)
		} else if h.Size > b.Size()-r.at {
			return nil, fmt.Errorf("%w: %.80q reaches beyond the end: cut off", ErrFormat, h.Name)
		}
		if err := out.add(h.Name, m); err != nil {
			return nil, err
		}
	}
}

// isFile tells files from folders, links and devices.
func isFile(h *tar.Header) bool {
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
		return !strings.HasSuffix(h.Name, "/")
	}
	return false
}

func sparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for k := range h.PAXRecords {
		if strings.HasPrefix(k, "GNU.sparse.") {
			return true
		}
	}
	return false
}

func (t *tarArchive) Members(context.Context) ([]blob.Info, error) { return t.all(), nil }

func (t *tarArchive) Open(ctx context.Context, name string) (blob.Blob, error) {
	m, err := t.find(name)
	if err != nil {
		return nil, err
	}
	return blob.Section(blob.Ahead(ctx, t.b, blob.Span{Off: m.off, Len: m.size}), m.off, m.size), nil
}

// headerReader is what archive/tar reads headers through: it seeks over data.
// Its reads grow while headers lie close together and shrink to one block of
// the cache after a jump.
type headerReader struct {
	b        blob.Blob
	at, size int64
	start    int64
	buf      []byte // holds [start, start+len(buf))
	ahead    int64
	err      error // of the blob, other than its end
}

func (r *headerReader) Read(p []byte) (int, error) {
	if r.at >= r.size {
		return 0, io.EOF
	}
	if r.at < r.start || r.at >= r.start+int64(len(r.buf)) {
		if err := r.load(); err != nil {
			r.err = err
			return 0, err
		}
	}
	n := copy(p, r.buf[r.at-r.start:])
	r.at += int64(n)
	return n, nil
}

func (r *headerReader) load() error {
	gap := r.at - (r.start + int64(len(r.buf)))
	if gap >= 0 && gap <= r.ahead && len(r.buf) > 0 {
		r.ahead = min(maxAhead, 2*r.ahead)
	} else {
		r.ahead = firstAhead
	}
	// tar reads the last byte of what it skips, then a header: the first read
	// after a jump must hold both.
	to := min(r.size, max((r.at+r.ahead)/firstAhead*firstAhead, r.at+1536))
	r.start, r.buf = r.at, make([]byte, to-r.at)
	if err := readFull(r.b, r.buf, r.at); err != nil {
		r.buf = nil
		return err
	}
	return nil
}

// ended reports whether what was read last is the block of zeros that ends an
// archive.
func (r *headerReader) ended() bool {
	end := r.at - r.start
	if end < 512 || end > int64(len(r.buf)) {
		return false
	}
	return len(bytes.Trim(r.buf[end-512:end], "\x00")) == 0
}

func (r *headerReader) Seek(off int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		off += r.at
	case io.SeekEnd:
		off += r.size
	}
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	r.at = off
	return off, nil
}

func (r *headerReader) explain(err error) error {
	if r.err != nil {
		return r.err
	}
	return fmt.Errorf("%w: header before byte %d: %w", ErrFormat, r.at, err)
}
