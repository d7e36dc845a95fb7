// Package blob is the leaf that every layer shares: immutable, random-access
// bytes, and what is known of them before they are read.
package blob

import (
	"bytes"
	"context"
	"io"
	"os"
)

// Blob is immutable random-access content. It is safe for many goroutines.
// ReadAt follows io.ReaderAt: a short read comes with an error, io.EOF at the
// end. The context that a blob was opened with bounds its reads too.
type Blob interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// Info names a blob inside a dataset's raw namespace.
type Info struct {
	Path string // slash-separated; archives are entered with "!/": "a.zip!/b/c.png"
	Size int64  // bytes; -1 when unknown
	Sum  string // "sha256:…", "md5:…" or "crc32:…" (lower-case hex); "" when unknown
}

// Span is a half-open range of bytes [Off, Off+Len).
type Span struct{ Off, Len int64 }

// Advisor is implemented by blobs that can bring several spans at less cost
// than one at a time, such as neighbouring ranges of a remote file.
type Advisor interface {
	// WillNeed brings the spans into reach. It is a hint: an error only says
	// why the later reads may fail too.
	WillNeed(ctx context.Context, spans []Span) error
}

// WillNeed passes the hint on where b takes it.
func WillNeed(ctx context.Context, b Blob, spans []Span) error {
	if a, ok := b.(Advisor); ok {
		return a.WillNeed(ctx, spans)
	}
	return nil
}

// Facts is a small persistent store of facts that stay true for ever:
// listings, archive indexes, headers. Keys are UTF-8 text with a prefix that
// names the owner ("zip:", "pin:"). A nil Facts is not valid; use NoFacts.
type Facts interface {
	Get(key string) (value []byte, ok bool)
	Set(key string, value []byte) error
}

// NoFacts forgets everything.
type NoFacts struct{}

func (NoFacts) Get(string) ([]byte, bool) { return nil, false }
func (NoFacts) Set(string, []byte) error  { return nil }

// Bytes returns data as a blob; data must not change afterwards.
func Bytes(data []byte) Blob { return bytesBlob{bytes.NewReader(data)} }

type bytesBlob struct{ *bytes.Reader }

func (bytesBlob) Close() error  { return nil }
func (b bytesBlob) Size() int64 { return b.Reader.Size() }

// File opens a local file. The file must not change while it is open.
func File(path string) (Blob, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &fileBlob{f, st.Size()}, nil
}

type fileBlob struct {
	*os.File
	size int64
}

func (f *fileBlob) Size() int64 { return f.size }

// Section returns the n bytes of b that start at off. Closing it closes b.
func Section(b Blob, off, n int64) Blob {
	return &section{io.NewSectionReader(b, off, n), b, off}
}

type section struct {
	*io.SectionReader
	base Blob
	off  int64
}

func (s *section) Close() error { return s.base.Close() }

func (s *section) WillNeed(ctx context.Context, spans []Span) error {
	moved := make([]Span, len(spans))
	for i, sp := range spans {
		moved[i] = Span{sp.Off + s.off, sp.Len}
	}
	return WillNeed(ctx, s.base, moved)
}

// Reader reads b from its first byte to its last.
func Reader(b Blob) *io.SectionReader { return io.NewSectionReader(b, 0, b.Size()) }

// ReadAll returns the whole content.
func ReadAll(b Blob) ([]byte, error) {
	buf := make([]byte, b.Size())
	n, err := b.ReadAt(buf, 0)
	if n == len(buf) {
		err = nil
	} else if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return buf[:n], err
}
