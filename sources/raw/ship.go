package raw

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/omnimedseg/omnimedfs/sources/archive"
	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/fetch"
)

// Index is all that a listing needs, made beforehand by BuildIndex and shipped
// with the catalog: with it in Options, Load asks nobody for anything. What it
// says of a file is held to what the platform says when a byte is first read.
type Index struct {
	Files  []blob.Info       // of the record, by Path
	Broken map[string]string // archives that could not be entered, and why
	facts  map[string][]byte // the archives' own indexes
}

// BuildIndex lists the raw files of o from the platform and the archives
// themselves, whatever is known already, and returns what that has shown.
// Archives without random access are downloaded for it once. o.Facts and
// o.Index are not looked at. Errors are those of Load.
func BuildIndex(ctx context.Context, o Options) (*Index, error) {
	facts := &recorder{m: map[string][]byte{}}
	o.Facts, o.Index, o.named = facts, nil, true
	f := New(o)
	defer f.Close()
	if err := f.Load(ctx); err != nil {
		return nil, err
	}
	x := &Index{Broken: map[string]string{}, facts: facts.m}
	t := f.peek()
	for _, o := range t.record() {
		info, err := f.sized(ctx, o)
		if err != nil {
			return nil, err
		}
		x.Files = append(x.Files, info)
	}
	slices.SortFunc(x.Files, func(a, b blob.Info) int { return strings.Compare(a.Path, b.Path) })
	for _, b := range t.broken {
		x.Broken[b.Path] = b.Err.Error()
	}
	return x, nil
}

// sized is the file with its size, which a record may not tell.
func (f *Files) sized(ctx context.Context, o *origin) (blob.Info, error) {
	info := o.Info
	if info.Size = o.size.Load(); info.Size >= 0 {
		return info, nil
	}
	b, err := o.open(ctx)
	if errors.Is(err, fetch.ErrGone) {
		return info, nil
	}
	if err != nil {
		return info, fmt.Errorf("%s: %w", o.Path, err)
	}
	defer b.Close()
	info.Size = b.Size()
	return info, nil
}

// Size is the number of bytes of the archives' indexes, packed as they are.
func (x *Index) Size() (n int64) {
	for _, v := range x.facts {
		n += int64(len(v))
	}
	return n
}

// WithoutPoints leaves out what random access within gzip needs: 32 KiB for
// every 2 MiB. Whoever reads from such a file then unpacks all of it first.
func (x *Index) WithoutPoints() *Index {
	y := &Index{x.Files, x.Broken, map[string][]byte{}}
	for k, v := range x.facts {
		if !archive.IsDictionary(k) {
			y.facts[k] = v
		}
	}
	return y
}

const (
	indexMagic = "omnimedfs-index 1\n"
	maxShipped = 1 << 30
)

// shipped is the form of an encoded index below zstd.
type shipped struct {
	Files  []blob.Info
	Broken map[string]string
	Facts  map[string][]byte
}

// Encode returns the index as a file: a line that names its form, then zstd
// over JSON. Equal indexes are equal files.
func (x *Index) Encode() ([]byte, error) {
	data, err := json.Marshal(shipped{x.Files, x.Broken, x.facts})
	if err != nil {
		return nil, err
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer enc.Close()
	return enc.EncodeAll(data, []byte(indexMagic)), nil
}

// DecodeIndex reads what Encode wrote.
func DecodeIndex(data []byte) (*Index, error) {
	rest, ok := strings.CutPrefix(string(data), indexMagic)
	if !ok {
		return nil, errors.New("not an index of raw files, or one of another version")
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxShipped))
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	raw, err := dec.DecodeAll([]byte(rest), nil)
	if err != nil {
		return nil, fmt.Errorf("index of raw files: %w", err)
	}
	var s shipped
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("index of raw files: %w", err)
	}
	return &Index{s.Files, s.Broken, s.Facts}, nil
}

// recorder keeps facts in memory.
type recorder struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (r *recorder) Get(key string) ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.m[key]
	return v, ok
}

func (r *recorder) Set(key string, v []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.m[key] = slices.Clone(v)
	return nil
}

// layered looks into an index before the facts of this machine.
type layered struct {
	x *Index
	blob.Facts
}

func (l layered) Get(key string) ([]byte, bool) {
	if v, ok := l.x.facts[key]; ok {
		return v, true
	}
	return l.Facts.Get(key)
}

// named is the key of a file in a shipped index: no platform's word for a
// version, which may differ from mirror to mirror.
func named(i blob.Info) string { return fmt.Sprintf("shipped %q %d %s", i.Path, i.Size, i.Sum) }

// origins are the files as the index has them. The platform is asked for where
// they are when one is opened.
func (f *Files) origins() []Origin {
	x := f.opt.Index
	var once sync.Mutex
	var listed map[string]Origin
	find := func(ctx context.Context, info blob.Info) (Origin, error) {
		once.Lock()
		defer once.Unlock()
		if listed == nil {
			list, err := f.opt.List(ctx)
			if err != nil {
				return Origin{}, err
			}
			listed = map[string]Origin{}
			for _, o := range list {
				listed[o.Path] = o
			}
		}
		o, ok := listed[info.Path]
		switch {
		case !ok:
			return o, fmt.Errorf("%s: %w: the record has it no more", info.Path, fetch.ErrGone)
		case o.Size >= 0 && info.Size >= 0 && o.Size != info.Size, comparable(o.Sum, info.Sum) && o.Sum != info.Sum:
			return o, fmt.Errorf("%s: %w: it is not the file that the index was made of", info.Path, fetch.ErrChanged)
		}
		return o, nil
	}
	open := func(ctx context.Context, indexed Origin) (blob.Blob, error) {
		info := indexed.Info
		return &late{ctx: ctx, size: info.Size, open: func(ctx context.Context) (blob.Blob, error) {
			o, err := find(ctx, info)
			if err != nil {
				return nil, err
			}
			b, err := o.Open(f.ctx, o)
			if err == nil && info.Size >= 0 && b.Size() != info.Size {
				b.Close()
				return nil, fmt.Errorf("%s: %w: %d bytes, %d in the index", info.Path, fetch.ErrChanged, b.Size(), info.Size)
			}
			return b, err
		}, base: &lateBase{}}, nil
	}
	out := make([]Origin, len(x.Files))
	for i, info := range x.Files {
		out[i] = Origin{Info: info, Key: named(info), Open: open}
	}
	return out
}

// comparable tells whether two sums are of one kind.
func comparable(a, b string) bool {
	ka, _, _ := strings.Cut(a, ":")
	kb, _, _ := strings.Cut(b, ":")
	return ka != "" && ka == kb
}

// late is a blob that is opened when it is first read.
type late struct {
	ctx  context.Context
	size int64
	open func(context.Context) (blob.Blob, error)
	base *lateBase // shared by its views
	view bool
}

type lateBase struct {
	mu sync.Mutex
	b  blob.Blob
}

func (l *late) get() (blob.Blob, error) {
	l.base.mu.Lock()
	defer l.base.mu.Unlock()
	if l.base.b == nil {
		b, err := l.open(l.ctx)
		if err != nil {
			return nil, err
		}
		l.base.b = b
	}
	return blob.WithContext(l.ctx, l.base.b), nil
}

func (l *late) Size() int64 {
	if l.size < 0 {
		if b, err := l.get(); err == nil {
			defer b.Close()
			return b.Size()
		}
	}
	return l.size
}

func (l *late) Close() error {
	l.base.mu.Lock()
	defer l.base.mu.Unlock()
	if l.view || l.base.b == nil {
		return nil
	}
	return l.base.b.Close()
}

func (l *late) WithContext(ctx context.Context) blob.Blob {
	return &late{ctx, l.size, l.open, l.base, true}
}

func (l *late) ReadAt(p []byte, off int64) (int, error) {
	if l.size >= 0 && off >= l.size {
		return 0, io.EOF
	}
	b, err := l.get()
	if err != nil {
		return 0, err
	}
	defer b.Close()
	return b.ReadAt(p, off)
}

func (l *late) WillNeed(ctx context.Context, spans []blob.Span) error {
	b, err := l.get()
	if err != nil {
		return err
	}
	defer b.Close()
	return blob.WillNeed(ctx, b, spans)
}

// known are the broken archives of an index.
func (x *Index) known(t *table) {
	for _, p := range slices.Sorted(maps.Keys(x.Broken)) {
		t.broken = append(t.broken, Broken{p, fmt.Errorf("%w: %s", archive.ErrFormat, x.Broken[p])})
	}
}
