package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/nwaples/rardecode/v2"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func init() {
	Register(Type{
		Name:  "rar",
		Exts:  []string{".rar"},
		Magic: func(head []byte) bool { return len(head) > 7 && string(head[:6]) == "Rar!\x1a\x07" },
		Open:  openRar,
	})
}

// rarArchive is a RAR archive, of versions 1.5 to 5, in one or several
// volumes. A solid one is a single stream of all files, which is unpacked once
// into the spool; of any other each file is read for itself. Whole files are
// held to the archive's checksums.
type rarArchive struct {
	*index
	b     blob.Blob // all volumes
	env   Env
	names []string // of the volumes, in their order
	facts rarFacts
	solid *stream

	mu    sync.Mutex
	files []*stream // of an archive that is not solid, as they are asked for
}

// rarFacts are kept beside the index.
type rarFacts struct {
	Solid bool
	Sizes []int64 // of all files, in the order of the archive
}

var _ Indexed = (*rarArchive)(nil)

// maxRarHeaders bounds what a listing reads, and with it its memory: about
// half a million files.
const maxRarHeaders = 64 << 20

// openRar goes once over the headers, or reads nothing where the index is kept.
func openRar(ctx context.Context, b blob.Blob, env Env) (Archive, error) {
	a := &rarArchive{b: b, env: env, names: []string{"a.rar"}}
	if len(env.Volumes) > 1 && !cutVolume.MatchString(env.Volumes[0].Name) {
		a.names = nil
		for _, v := range env.Volumes {
			a.names = append(a.names, path.Base(v.Name))
		}
	}
	key := env.key("rar")
	if x, ok := load(env.Facts, key, b.Size()); ok {
		data, ok := env.Facts.Get(key + "/r")
		if data, err := unsqueeze(data, maxIndex); ok && err == nil && json.Unmarshal(data, &a.facts) == nil {
			a.index = x
			return a, a.begin()
		}
	}
	v := blob.WithContext(ctx, b)
	defer v.Close()
	if err := a.list(ctx, v); err != nil {
		return nil, err
	}
	if err := a.save(key); err != nil {
		a.warn.add("index not kept: %v", err)
	}
	return a, a.begin()
}

func (a *rarArchive) save(key string) error {
	if key == "" {
		return nil
	}
	data, err := json.Marshal(a.facts)
	if err == nil {
		data, err = squeeze(data)
	}
	if err == nil {
		err = a.env.Facts.Set(key+"/r", data)
	}
	if err != nil {
		return err
	}
	return a.index.save(a.env.Facts, key, a.b.Size(), sum(a.facts.Sizes))
}

// begin makes the streams.
func (a *rarArchive) begin() error {
	if !a.facts.Solid {
		a.files = make([]*stream, len(a.facts.Sizes))
		return nil
	}
	a.solid = newStream("rar", a.b, rarCodec{a, -1}, a.env, "rar")
	a.solid.size = sum(a.facts.Sizes)
	a.solid.refused = a.env.Limits.ratio(a.b.Size(), a.solid.size)
	return nil
}

func (a *rarArchive) options(fsys fs.FS) []rardecode.Option {
	return []rardecode.Option{rardecode.FileSystem(fsys), rardecode.MaxDictionarySize(a.env.Limits.Dictionary), rardecode.BufferSize(4096)}
}

// list collects the files. A place is a byte in the stream of all of them.
func (a *rarArchive) list(ctx context.Context, v blob.Blob) (err error) {
	defer guard(&err)
	r := a.volumes(v)
	r.left = maxRarHeaders
	files, err := rardecode.List(a.names[0], a.options(r)...)
	if r.err != nil {
		return r.err
	}
	if err != nil {
		return rarError(err)
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	out := builder{limit: a.env.Limits.Members}
	at := int64(0)
	for i, f := range files {
		size := max(0, f.UnPackedSize)
		if f.UnKnownSize {
			return fmt.Errorf("%w: %.80q: its size is not told", ErrUnsupported, f.Name)
		}
		a.facts.Solid = a.facts.Solid || f.Solid
		a.facts.Sizes = append(a.facts.Sizes, size)
		m := member{off: at, size: size, csize: size}
		if at += size; at < 0 || at > 1<<61 {
			return fmt.Errorf("%w: sizes", ErrFormat)
		}
		// The number of the file takes the place of what a zip has there.
		m.crc, m.flags = uint32(i), flagNoCRC
		if f.Encrypted || f.HeaderEncrypted {
			m.flags |= flagEncrypted
		}
		switch {
		case f.IsDir:
		case f.LinkType == rardecode.LinkTypeHardLink || f.LinkType == rardecode.LinkTypeFileCopy:
			out.warn.add("%q: left out: a link to %q", f.Name, f.LinkTarget)
		case f.LinkType != rardecode.LinkTypeNone || f.Mode()&fs.ModeType != 0:
		case f.Version > 0:
			out.warn.add("%q: left out: version %d of a file that is there", f.Name, f.Version)
		default:
			if err := out.add(f.Name, m); err != nil {
				return err
			}
		}
	}
	a.index = out.index(at, true)
	return nil
}

func rarError(err error) error {
	switch {
	case errors.Is(err, rardecode.ErrArchiveEncrypted), errors.Is(err, rardecode.ErrArchivedFileEncrypted), errors.Is(err, rardecode.ErrBadPassword):
		return fmt.Errorf("%w: encrypted: %v", ErrUnsupported, err)
	case errors.Is(err, rardecode.ErrDictionaryTooLarge):
		return fmt.Errorf("%w: %v", ErrLimit, err)
	case errors.Is(err, rardecode.ErrUnsupportedDecoder), errors.Is(err, rardecode.ErrUnknownDecoder), errors.Is(err, rardecode.ErrUnknownVersion), errors.Is(err, rardecode.ErrMultipleDecoders):
		return fmt.Errorf("%w: %v", ErrUnsupported, err)
	case errors.Is(err, rardecode.ErrBadFileChecksum):
		return fmt.Errorf("%w: %v", ErrChecksum, err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, rardecode.ErrMultiVolume):
		return fmt.Errorf("%w: a volume is missing: %v", ErrFormat, err)
	}
	return fmt.Errorf("%w: %v", ErrFormat, err)
}

func (a *rarArchive) Members(context.Context) ([]blob.Info, error) { return a.all(), nil }

// Span is nothing: where a file's bytes are the library does not tell.
func (a *rarArchive) Span(int) blob.Span { return blob.Span{} }

func (a *rarArchive) Open(ctx context.Context, name string) (blob.Blob, error) {
	m, err := a.find(name)
	if err != nil {
		return nil, err
	}
	if m.size == 0 {
		return &streamMember{ctx: ctx, name: name, m: *m}, nil
	}
	in := *m
	s := a.solid
	if s == nil {
		if s, err = a.file(int(m.crc), m.size); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		in.off = 0
	}
	if s.refused != nil {
		return nil, fmt.Errorf("%s: %w", name, s.refused)
	}
	return &streamMember{ctx: ctx, name: name, s: s, m: in}, nil
}

// file is the stream of file i.
func (a *rarArchive) file(i int, size int64) (*stream, error) {
	if i >= len(a.files) {
		return nil, fmt.Errorf("%w: file %d", ErrFormat, i)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.files[i] == nil {
		s := newStream("rar", a.b, rarCodec{a, i}, a.env, "rar")
		s.size = size
		s.spool += fmt.Sprintf("/%d", i)
		s.refused = a.env.Limits.member(a.b.Size(), size)
		a.files[i] = s
	}
	return a.files[i], nil
}

// rarCodec unpacks one file, or all of a solid archive (-1).
type rarCodec struct {
	a *rarArchive
	i int
}

func (c rarCodec) open(src blob.Blob, s *stream, _ int, _ marker) (r io.ReadCloser, err error) {
	defer guard(&err)
	v := c.a.volumes(src)
	v.left = 1 << 62
	if c.i < 0 {
		z, err := rardecode.OpenReader(c.a.names[0], c.a.options(v)...)
		if err != nil {
			return nil, rarError(err)
		}
		return &guarded{&rarSolid{z: z, sizes: c.a.facts.Sizes}}, nil
	}
	files, err := rardecode.List(c.a.names[0], c.a.options(v)...)
	if err != nil {
		return nil, rarError(err)
	}
	if c.i >= len(files) || files[c.i].UnPackedSize != s.size {
		return nil, fmt.Errorf("%w: the kept index differs", ErrFormat)
	}
	f, err := files[c.i].Open()
	if err != nil {
		return nil, rarError(err)
	}
	return &guarded{&rarFile{f, s.size}}, nil
}

// rarFile reads a file; with its last byte comes the check of all.
type rarFile struct {
	io.ReadCloser
	left int64
}

func (f *rarFile) Read(p []byte) (int, error) {
	n, err := readChecked(f.ReadCloser, p, f.left)
	f.left -= int64(n)
	return n, err
}

func readChecked(r io.Reader, p []byte, left int64) (int, error) {
	n, err := r.Read(p[:min(int64(len(p)), left)])
	if left -= int64(n); left == 0 && err == nil {
		var one [1]byte
		var more int
		if more, err = r.Read(one[:]); more > 0 {
			err = fmt.Errorf("%w: more bytes than declared", ErrFormat)
		}
	}
	if err == io.EOF && left > 0 {
		err = io.ErrUnexpectedEOF
	}
	if err == io.EOF {
		return n, nil
	}
	if err != nil {
		return 0, rarError(err)
	}
	return n, nil
}

// rarSolid reads one file behind the other.
type rarSolid struct {
	z     *rardecode.ReadCloser
	sizes []int64
	i     int
	left  int64
}

func (r *rarSolid) Close() error { return r.z.Close() }

func (r *rarSolid) Read(p []byte) (int, error) {
	for r.left == 0 {
		h, err := r.z.Next()
		if err == io.EOF {
			return 0, io.EOF
		}
		if err != nil {
			return 0, rarError(err)
		}
		if r.i >= len(r.sizes) || max(0, h.UnPackedSize) != r.sizes[r.i] {
			return 0, fmt.Errorf("%w: the kept index differs", ErrFormat)
		}
		r.left = r.sizes[r.i]
		r.i++
	}
	n, err := readChecked(r.z, p, r.left)
	r.left -= int64(n)
	return n, err
}

// rarVolumes is the file system that the library looks for volumes in.
type rarVolumes struct {
	b     map[string]blob.Blob
	left  int64 // bytes that may still be read
	err   error // of a source
	names []string
}

// volumes shows the parts of b by their names.
func (a *rarArchive) volumes(b blob.Blob) *rarVolumes {
	v := &rarVolumes{b: map[string]blob.Blob{}, names: a.names}
	if len(a.names) == 1 {
		v.b[a.names[0]] = b
		return v
	}
	at := int64(0)
	for i, n := range a.names {
		size := a.env.Volumes[i].Blob.Size()
		v.b[n] = piece{b, at, size}
		at += size
	}
	return v
}

func (v *rarVolumes) Open(name string) (fs.File, error) {
	b, ok := v.b[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &rarVolume{headerReader{b: b, size: b.Size(), ahead: firstAhead}, v, name}, nil
}

// rarVolume is a volume as a file.
type rarVolume struct {
	headerReader
	v    *rarVolumes
	name string
}

func (f *rarVolume) Read(p []byte) (int, error) {
	if f.v.left < 0 {
		return 0, fmt.Errorf("%w: more than %d bytes of headers", ErrLimit, maxRarHeaders)
	}
	n, err := f.headerReader.Read(p)
	f.v.left -= int64(n)
	if f.headerReader.err != nil {
		f.v.err = f.headerReader.err
	} else if f.v.left < 0 && f.v.err == nil {
		f.v.err = fmt.Errorf("%w: more than %d bytes of headers", ErrLimit, maxRarHeaders)
	}
	return n, err
}

func (f *rarVolume) Close() error               { return nil }
func (f *rarVolume) Stat() (fs.FileInfo, error) { return rarInfo{f}, nil }

type rarInfo struct{ f *rarVolume }

func (i rarInfo) Name() string     { return path.Base(strings.TrimSpace(i.f.name)) }
func (i rarInfo) Size() int64      { return i.f.size }
func (rarInfo) Mode() fs.FileMode  { return 0o444 }
func (rarInfo) ModTime() time.Time { return time.Time{} }
func (rarInfo) IsDir() bool        { return false }
func (rarInfo) Sys() any           { return nil }
