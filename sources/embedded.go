package sources

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func init() {
	Register("embedded", func(*Client) Source { return embeddedSource{} })
}

var (
	embeddedMu sync.Mutex
	embedded   = map[string]fs.FS{}
)

// RegisterEmbedded makes the files of fsys the record of that name on the
// platform "embedded". It is called from init; a second registration panics.
func RegisterEmbedded(name string, fsys fs.FS) {
	embeddedMu.Lock()
	defer embeddedMu.Unlock()
	if _, ok := embedded[name]; ok || name == "" || strings.Contains(name, "/") {
		panic(fmt.Sprintf("sources: embedded record %q: registered twice or misnamed", name))
	}
	embedded[name] = fsys
}

// embeddedSource serves what is linked into the program.
type embeddedSource struct{}

func (embeddedSource) record(name string) (fs.FS, error) {
	embeddedMu.Lock()
	defer embeddedMu.Unlock()
	if fsys := embedded[name]; fsys != nil {
		return fsys, nil
	}
	return nil, fmt.Errorf("embedded record %q: %w", name, fs.ErrNotExist)
}

func (s embeddedSource) Files(ctx context.Context, record string) ([]File, error) {
	fsys, err := s.record(record)
	if err != nil {
		return nil, err
	}
	var out []File
	err = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		out = append(out, File{blob.Info{Path: p, Size: st.Size()}, "embedded:" + record + "/" + p})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("embedded record %q: %w", record, err)
	}
	return sorted(out), nil
}

func (s embeddedSource) Open(_ context.Context, f File) (blob.Blob, error) {
	rest, ok := strings.CutPrefix(f.URL, "embedded:")
	record, name, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 {
		return nil, fmt.Errorf("%s: not an embedded file", f.Path)
	}
	fsys, err := s.record(record)
	if err != nil {
		return nil, err
	}
	file, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w: %w", f.URL, ErrGone, err)
	}
	if err != nil {
		return nil, err
	}
	st, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, err
	}
	if f.Size >= 0 && st.Size() != f.Size {
		file.Close()
		return nil, fmt.Errorf("%s: %w: %d bytes, expected %d", f.URL, ErrChanged, st.Size(), f.Size)
	}
	if ra, ok := file.(io.ReaderAt); ok { // embed.FS: no copy
		return &embeddedFile{io.NewSectionReader(ra, 0, st.Size()), file}, nil
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	return blob.Bytes(data), nil
}

// embeddedFile reads through a section, since embed's own ReadAt knows an
// error beyond the end in place of io.EOF.
type embeddedFile struct {
	*io.SectionReader
	io.Closer
}

func sorted(files []File) []File {
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return files
}
