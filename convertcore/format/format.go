// Package format reads raw medical image formats. One file is one format; each
// registers itself, with a reader of the header beside the decoder.
package format

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// headLen is how many first bytes tell the formats apart: a NIfTI-1 header has
// its magic at 344.
const headLen = 352

var formats []convertcore.Format

// Register adds a format; it is called from init. A second one of the same
// name panics, as that is a mistake of the program.
func Register(f convertcore.Format) {
	if slices.ContainsFunc(formats, func(g convertcore.Format) bool { return g.Name == f.Name }) {
		panic("format: " + f.Name + " registered twice")
	}
	formats = append(formats, f)
	slices.SortFunc(formats, func(a, b convertcore.Format) int { return strings.Compare(a.Name, b.Name) })
}

// All returns the registered formats, sorted by name.
func All() []convertcore.Format { return slices.Clone(formats) }

// For returns the format of a file by its name and first bytes. Without head
// the name decides; with it the content does, and the name where the content
// is no known format's. None is ErrUnsupported.
func For(path string, head []byte) (convertcore.Format, error) {
	for _, f := range formats {
		if f.Match(path, head) {
			return f, nil
		}
	}
	if len(head) > 0 {
		return For(path, nil)
	}
	return convertcore.Format{}, fmt.Errorf("%s: %w: no known image format", path, convertcore.ErrUnsupported)
}

// Detect is For with the first bytes read from raw: files are not always what
// their name says.
func Detect(ctx context.Context, raw convertcore.Raw, path string) (convertcore.Format, error) {
	b, err := raw.Open(ctx, filePath(path))
	if err != nil {
		return convertcore.Format{}, err
	}
	defer b.Close()
	head := make([]byte, max(0, min(headLen, b.Size())))
	if err := readFull(b, head, 0); err != nil {
		return convertcore.Format{}, fmt.Errorf("%s: %w", path, err)
	}
	return For(path, head)
}

// hasExt reports whether path ends in one of the extensions, in any case.
func hasExt(path string, exts ...string) bool {
	path = strings.ToLower(path)
	return slices.ContainsFunc(exts, func(e string) bool { return strings.HasSuffix(path, e) })
}

// openOne opens the only path of a format whose images are one file each.
func openOne(ctx context.Context, raw convertcore.Raw, paths []string) (blob.Blob, error) {
	if len(paths) != 1 {
		return nil, fmt.Errorf("%w: %d files for one image", convertcore.ErrFormat, len(paths))
	}
	return raw.Open(ctx, paths[0])
}

// malformed is an ErrFormat with its reason.
func malformed(reason string, args ...any) error {
	return fmt.Errorf("%w: %s", convertcore.ErrFormat, fmt.Sprintf(reason, args...))
}

// unsupported is an ErrUnsupported with its reason.
func unsupported(reason string, args ...any) error {
	return fmt.Errorf("%w: %s", convertcore.ErrUnsupported, fmt.Sprintf(reason, args...))
}

// readFull reads exactly len(p) bytes at off. A file that ends before is
// malformed; an error of the blob passes through.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	if len(p) == 0 {
		return nil
	}
	n, err := r.ReadAt(p, off)
	switch {
	case n == len(p):
		return nil
	case err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return malformed("%d bytes at %d are cut short", len(p), off)
	}
	return err
}

// eager is how much is allocated at a file's word for its size.
const eager = 64 << 20

// readAll returns the whole content. A size beyond eager is believed only as
// far as bytes arrive.
func readAll(b blob.Blob) ([]byte, error) {
	size := b.Size()
	if size < 0 || size > convertcore.MaxPayload {
		return nil, malformed("file of %d bytes", size)
	}
	buf := make([]byte, min(size, eager))
	for got := int64(0); ; {
		if err := readFull(b, buf[got:], got); err != nil {
			return nil, err
		}
		if got = int64(len(buf)); got == size {
			return buf, nil
		}
		buf = append(buf, make([]byte, min(got, size-got))...)
	}
}

// source reads a blob in order and remembers its error, so that a decoder's
// complaint is told from a reader's.
type source struct {
	r   io.Reader
	err error
}

func newSource(b blob.Blob, off int64) *source {
	return &source{r: io.NewSectionReader(b, off, max(0, b.Size()-off))}
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// fault is the reader's error where there is one, else ErrFormat with the
// decoder's.
func (s *source) fault(err error) error {
	if s.err != nil {
		return s.err
	}
	return malformed("%v", err)
}

// maxInflate is the largest ratio of a DEFLATE stream: 258 bytes for two bits.
// What declares more than that is a lie that needs no memory to find out.
const maxInflate = 1032
