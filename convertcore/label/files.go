package label

import (
	"bytes"
	"context"
	"sync"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// maxShapes bounds a file of shapes, in bytes.
const maxShapes = 1 << 30

// Files keeps the last few files that describe many cases as they were parsed,
// so that a COCO file of thousands of images is not read for each. It is safe
// for many goroutines.
type Files struct {
	mu    sync.Mutex
	parts []*parsedFile
}

type parsedFile struct {
	key   string
	once  sync.Once
	value any
	err   error
}

// keptFiles is one file a split, commonly three.
const keptFiles = 4

// NewFiles returns an empty store; one dataset has one.
func NewFiles() *Files { return &Files{} }

type filesKey struct{}

// WithFiles lets Draw share what it parses.
func WithFiles(ctx context.Context, f *Files) context.Context {
	return context.WithValue(ctx, filesKey{}, f)
}

// parsed returns what parse makes of a file's bytes, once for all callers that
// share a Files. An error is not kept.
func parsed[T any](ctx context.Context, kind string, raw convertcore.Raw, path string, parse func([]byte) (T, error)) (T, error) {
	read := func() (T, error) {
		var none T
		data, err := readAll(ctx, raw, path)
		if err != nil {
			return none, err
		}
		return parse(data)
	}
	f, ok := ctx.Value(filesKey{}).(*Files)
	if !ok {
		return read()
	}
	p := f.entry(kind + " " + path)
	p.once.Do(func() { p.value, p.err = read() })
	if p.err != nil {
		f.drop(p)
		var none T
		return none, p.err
	}
	return p.value.(T), nil
}

func (f *Files) entry(key string) *parsedFile {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, p := range f.parts {
		if p.key == key {
			f.parts = append(append(f.parts[:i:i], f.parts[i+1:]...), p)
			return p
		}
	}
	p := &parsedFile{key: key}
	if f.parts = append(f.parts, p); len(f.parts) > keptFiles {
		f.parts = f.parts[1:]
	}
	return p
}

func (f *Files) drop(p *parsedFile) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.parts {
		if f.parts[i] == p {
			f.parts = append(f.parts[:i:i], f.parts[i+1:]...)
			return
		}
	}
}

// readAll reads a file of shapes, without the mark that some editors put in
// front of UTF-8.
func readAll(ctx context.Context, raw convertcore.Raw, path string) ([]byte, error) {
	b, err := raw.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	if b.Size() > maxShapes {
		return nil, unsupported("file of %d bytes", b.Size())
	}
	data, err := blob.ReadAll(b)
	return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), err
}
