package archive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sort"

	"github.com/bodgit/sevenzip"
	"github.com/mikelolasagasti/xz"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func init() {
	Register(Type{
		Name:  "7z",
		Exts:  []string{".7z"},
		Magic: func(head []byte) bool { return bytes.HasPrefix(head, sevenMagic) },
		Open:  openSeven,
	})
	sevenzip.RegisterDecompressor([]byte{0x21}, unlzma2)
}

// sevenArchive is a 7z archive: its files lie in folders, each one stream. A
// folder of one file is unpacked for that file; a solid one is unpacked once,
// into the spool.
type sevenArchive struct {
	*index
	streams []*stream
	starts  []int64 // where the folders begin, in the places of the members
}

var _ Indexed = (*sevenArchive)(nil)

// openSeven reads the header at the archive's end, or nothing where the index
// is kept.
func openSeven(ctx context.Context, b blob.Blob, env Env) (Archive, error) {
	key := env.key("7z")
	if x, ok := load(env.Facts, key, b.Size()); ok {
		if folders, ok := loadFolders(env.Facts, key, b.Size()); ok {
			return newSeven(b, env, x, folders)
		}
	}
	v := blob.WithContext(ctx, b)
	defer v.Close()
	header, err := readSeven(ctx, v, env)
	if err != nil {
		return nil, err
	}
	x, folders, err := parseSeven(header, b.Size(), env.Limits)
	if err != nil {
		return nil, err
	}
	a, err := newSeven(b, env, x, folders)
	if err != nil {
		return nil, err
	}
	if err = saveFolders(env.Facts, key, folders); err == nil {
		err = x.save(env.Facts, key, b.Size(), a.starts[len(folders)])
	}
	if err != nil {
		x.warn.add("index not kept: %v", err)
	}
	return a, nil
}

func saveFolders(facts blob.Facts, key string, folders []sevenFolder) error {
	if key == "" {
		return nil
	}
	data, err := json.Marshal(folders)
	if err == nil {
		data, err = squeeze(data)
	}
	if err != nil {
		return err
	}
	return saveParts(facts, key+"/f", data)
}

func loadFolders(facts blob.Facts, key string, size int64) (folders []sevenFolder, ok bool) {
	data, ok := loadParts(facts, key+"/f")
	if !ok {
		return nil, false
	}
	data, err := unsqueeze(data, maxIndex)
	if err != nil || json.Unmarshal(data, &folders) != nil {
		return nil, false
	}
	for i := range folders {
		f := &folders[i]
		if f.Main < 0 || f.Main >= len(f.Unpack) || f.Off < 0 || f.packed() < 0 || f.Off+f.packed() > size || f.size() < 0 {
			return nil, false
		}
	}
	return folders, true
}

func newSeven(b blob.Blob, env Env, x *index, folders []sevenFolder) (*sevenArchive, error) {
	a := &sevenArchive{index: x, streams: make([]*stream, len(folders)), starts: make([]int64, len(folders)+1)}
	for i := range folders {
		f := &folders[i]
		a.starts[i+1] = a.starts[i] + f.size()
		a.streams[i] = f.stream(b, env, fmt.Sprint(i))
		a.streams[i].refused = f.check(env.Limits)
	}
	return a, nil
}

// stream shows a folder as an archive of its own: the signature, its packed
// streams, and a header of one folder and one file.
func (f *sevenFolder) stream(b blob.Blob, env Env, name string) *stream {
	h := f.header()
	start := make([]byte, sevenStart)
	copy(start, sevenMagic)
	start[7] = 4
	le.PutUint64(start[12:], uint64(f.packed()))
	le.PutUint64(start[20:], uint64(len(h)))
	le.PutUint32(start[28:], crc32.ChecksumIEEE(h))
	le.PutUint32(start[8:], crc32.ChecksumIEEE(start[12:]))
	src := newConcat(blob.Bytes(start), piece{b, f.Off, f.packed()}, blob.Bytes(h))
	s := newStream("7z", src, sevenCodec{}, env, "7z")
	s.size = f.size()
	s.spool += "/" + name
	return s
}

// header is that of an archive of the folder alone.
func (f *sevenFolder) header() []byte {
	h := []byte{k7Header, k7MainStreams, k7PackInfo, 0}
	h = appendNumber(h, uint64(len(f.Pack)))
	h = append(h, k7Size)
	for _, n := range f.Pack {
		h = appendNumber(h, uint64(n))
	}
	h = append(h, k7End, k7UnpackInfo, k7Folder, 1, 0)
	h = append(h, f.Spec...)
	h = append(h, k7UnpackSize)
	for _, n := range f.Unpack {
		h = appendNumber(h, n)
	}
	h = append(h, k7End, k7SubStreams, k7NumUnpackStream, 1, k7End, k7End)
	return append(h, k7Files, 1, k7Names, 5, 0, 'f', 0, 0, 0, k7End, k7End)
}

// appendNumber writes the form of nine bytes, which any number fits into.
func appendNumber(b []byte, v uint64) []byte { return le.AppendUint64(append(b, 0xff), v) }

type sevenCodec struct{}

func (sevenCodec) open(src blob.Blob, s *stream, _ int, _ marker) (r io.ReadCloser, err error) {
	if s.refused != nil {
		return nil, s.refused
	}
	if s.size == 0 {
		return io.NopCloser(bytes.NewReader(nil)), nil
	}
	defer guard(&err)
	z, err := sevenzip.NewReader(src, src.Size())
	if err != nil {
		return nil, sevenError(err)
	}
	if len(z.File) != 1 {
		return nil, errSeven
	}
	rc, err := z.File[0].Open()
	if err != nil {
		return nil, sevenError(err)
	}
	return &guarded{rc}, nil
}

func sevenError(err error) error {
	var r *sevenzip.ReadError
	switch {
	case errors.As(err, &r) && r.Encrypted:
		return fmt.Errorf("%w: encrypted: %v", ErrUnsupported, err)
	case err.Error() == "sevenzip: unsupported compression algorithm" || errors.As(err, &r) && r.Err != nil && r.Err.Error() == "sevenzip: unsupported compression algorithm":
		return fmt.Errorf("%w: %v", ErrUnsupported, err)
	}
	return err
}

// guard makes of a panic of a library an error: it was not written for data
// that wants to break it.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: its decoder gave up: %v", ErrFormat, p)
	}
}

type guarded struct{ io.ReadCloser }

func (g *guarded) Read(p []byte) (n int, err error) {
	defer guard(&err)
	return g.ReadCloser.Read(p)
}

func (g *guarded) Close() (err error) {
	defer guard(&err)
	return g.ReadCloser.Close()
}

// lzma2Dictionary is the size that a property stands for.
func lzma2Dictionary(prop byte) int64 {
	if prop >= 40 {
		return 1<<32 - 1
	}
	return int64(2|prop&1) << (prop/2 + 11)
}

// unlzma2 unpacks LZMA2 as the block of an .xz file: that decoder is five
// times as fast as the one it takes the place of. A dictionary larger than
// what is unpacked is cut down to it.
func unlzma2(props []byte, size uint64, readers []io.ReadCloser) (io.ReadCloser, error) {
	if len(readers) != 1 || len(props) != 1 || props[0] > 40 {
		return nil, errSeven
	}
	prop := byte(0)
	for prop < props[0] && lzma2Dictionary(prop) < int64(min(size, 1<<40)) {
		prop++
	}
	head := append([]byte("\xfd7zXZ\x00"), 0, 0)
	head = le.AppendUint32(head, crc32.ChecksumIEEE(head[6:8]))
	block := []byte{2, 0, 0x21, 1, prop, 0, 0, 0}
	head = append(append(head, block...), le.AppendUint32(nil, crc32.ChecksumIEEE(block))...)
	z, err := xz.NewReader(io.MultiReader(bytes.NewReader(head), readers[0]), 1<<31)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(z, int64(min(size, 1<<62))), readers[0]}, nil
}

func (a *sevenArchive) Members(context.Context) ([]blob.Info, error) { return a.all(), nil }

// folder is the number of the folder that a member lies in.
func (a *sevenArchive) folder(m *member) int {
	return sort.Search(len(a.streams), func(k int) bool { return a.starts[k+1] > m.off })
}

// Span is the packed folder, where that is small or the member's alone.
func (a *sevenArchive) Span(i int) blob.Span {
	m := &a.members[i]
	if m.size == 0 || m.flags&^flagNoCRC != 0 {
		return blob.Span{}
	}
	k := a.folder(m)
	p := a.streams[k].src.(*concat).parts[1].(piece)
	if p.n > farAway && a.streams[k].size > m.size {
		return blob.Span{}
	}
	return blob.Span{Off: p.off, Len: p.n}
}

func (a *sevenArchive) Open(ctx context.Context, name string) (blob.Blob, error) {
	m, err := a.find(name)
	if err != nil {
		return nil, err
	}
	if m.size == 0 {
		return &streamMember{ctx: ctx, name: name, m: *m}, nil
	}
	k := a.folder(m)
	s := a.streams[k]
	if s.refused != nil {
		return nil, fmt.Errorf("%s: %w", name, s.refused)
	}
	in := *m
	in.off -= a.starts[k]
	return &streamMember{ctx: ctx, name: name, s: s, m: in, hasCRC: m.flags&flagNoCRC == 0}, nil
}
