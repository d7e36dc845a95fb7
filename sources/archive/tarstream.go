package archive

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func init() {
	packed := func(name string, exts []string, c codec) {
		Register(Type{
			Name: "tar." + name, Exts: exts, Whole: true,
			Magic: func([]byte) bool { return false }, // a name must say that there is a tar in it
			Open: func(ctx context.Context, b blob.Blob, env Env) (Archive, error) {
				return openStream(ctx, b, env, c, "tar."+name, (*scan).tar)
			},
		})
		Register(Type{
			Name: name, Asked: []string{"." + name}, Whole: true,
			Magic: func([]byte) bool { return false },
			Open: func(ctx context.Context, b blob.Blob, env Env) (Archive, error) {
				return openStream(ctx, b, env, c, name, (*scan).single)
			},
		})
	}
	packed("gz", []string{".tar.gz", ".tgz"}, gzipCodec{})
	packed("bz2", []string{".tar.bz2", ".tbz2", ".tbz"}, bzip2Codec{})
	packed("xz", []string{".tar.xz", ".txz"}, xzCodec{})
	packed("zst", []string{".tar.zst", ".tzst"}, zstdCodec{})
}

// streamArchive is an archive within one packed stream.
type streamArchive struct {
	*index
	s *stream
}

var _ Indexed = (*streamArchive)(nil)

// openStream reads all of a packed archive once, and nothing where the index
// is kept.
func openStream(ctx context.Context, b blob.Blob, env Env, c codec, kind string, read func(*scan, *builder) error) (Archive, error) {
	if b.Size() == 0 {
		return nil, fmt.Errorf("%w: an empty file", ErrFormat)
	}
	s := newStream(kind, b, c, env, kind)
	if x, ok := loadStream(s, b); ok {
		return &streamArchive{x, s}, nil
	}
	s.points = []point{{}}
	if _, ok := c.(xzCodec); ok {
		v := blob.WithContext(ctx, b)
		points, size, err := xzPoints(v)
		v.Close()
		if err != nil {
			return nil, err
		}
		s.points, s.size = points, size
	}
	r, err := newScan(ctx, s)
	if err != nil {
		return nil, err
	}
	defer r.close()
	out := builder{limit: env.Limits.Members}
	if err := read(r, &out); err != nil {
		return nil, err
	}
	x := out.index(s.size, true)
	err = r.facts
	if err == nil {
		err = x.save(env.Facts, s.key, b.Size(), s.size)
	}
	if err != nil {
		x.warn.add("index not kept: %v", err)
	}
	return &streamArchive{x, s}, nil
}

// tar collects the members of a tar, with the CRC-32 that a tar itself lacks.
func (c *scan) tar(out *builder) error {
	t := tar.NewReader(struct{ io.Reader }{c})
	limits := c.s.env.Limits
	for {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return c.tarError(err)
		}
		if !isFile(h) {
			if h.Typeflag == tar.TypeLink {
				out.warn.add("%q: left out: a hard link to %q", h.Name, h.Linkname)
			}
			continue
		}
		m := member{off: c.n, csize: h.Size, size: h.Size}
		if sparse(h) {
			m.flags |= flagSparse
			m.csize = 0
			out.warn.add("%q: cannot be opened: sparse file", h.Name)
		} else {
			if h.Size > limits.Member {
				return fmt.Errorf("%w: %.80q has %d bytes", ErrLimit, h.Name, h.Size)
			}
			crc := crc32.NewIEEE()
			if _, err := io.Copy(crc, t); err != nil {
				return c.tarError(err)
			}
			m.crc = crc.Sum32()
		}
		if err := out.add(h.Name, m); err != nil {
			return err
		}
	}
	if c.eof {
		out.warn.add("no end marker: the archive may be cut off")
	}
	return c.finish()
}

// tarError tells a tar that is none from a stream that cannot be unpacked.
func (c *scan) tarError(err error) error {
	if errors.Is(err, tar.ErrHeader) {
		return fmt.Errorf("%w: header before byte %d of what it unpacks to: %w", ErrFormat, c.n, err)
	}
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	return c.explain(err)
}

// single makes of the stream the only member. Its name is the archive's
// without the extension, which the archive itself does not know.
func (c *scan) single(out *builder) error {
	crc := crc32.NewIEEE()
	if _, err := io.Copy(crc, struct{ io.Reader }{c}); err != nil {
		if c.ctx.Err() != nil {
			return context.Cause(c.ctx)
		}
		return c.explain(err)
	}
	if err := c.finish(); err != nil {
		return err
	}
	return out.add(SingleMember, member{csize: c.n, size: c.n, crc: crc.Sum32()})
}

// SingleMember is the name of what a .gz, .bz2, .xz or .zst file holds, which
// Open replaces by the file's own name without its extension.
const SingleMember = "content"

func (a *streamArchive) Members(context.Context) ([]blob.Info, error) { return a.all(), nil }

// Span is what must be read of the archive for the member: nothing where it is
// spooled, or will be as a whole.
func (a *streamArchive) Span(i int) blob.Span {
	m := &a.members[i]
	if m.flags != 0 {
		return blob.Span{}
	}
	k := a.s.before(m.off)
	if k < 0 || a.s.far(k) {
		return blob.Span{}
	}
	if e := a.s.env.Spool.find(a.s.spool); e != nil {
		e.release()
		return blob.Span{}
	}
	return a.s.span(m.off, m.size)
}

func (a *streamArchive) Open(ctx context.Context, name string) (blob.Blob, error) {
	m, err := a.find(name)
	if err != nil {
		return nil, err
	}
	return &streamMember{ctx: ctx, name: name, s: a.s, m: *m, hasCRC: a.hasCRC}, nil
}
