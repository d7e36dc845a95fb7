package verify

import (
	"context"
	"errors"
	"io"
	iofs "io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// treeRaw is raw/ of a dataset's folder as the converter knows it: archives,
// which are folders there, are entered by "!/".
type treeRaw struct {
	fsys      iofs.FS
	isArchive func(name string) bool
	once      sync.Once
	files     []blob.Info
	names     map[string]string // path in the tree by raw path
	err       error
}

// Files implements convertcore.Raw.
func (t *treeRaw) Files(context.Context) ([]blob.Info, error) {
	t.once.Do(func() {
		t.names = map[string]string{}
		t.err = iofs.WalkDir(t.fsys, "raw", func(name string, e iofs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			info, err := e.Info()
			if err != nil {
				return err
			}
			elems := strings.Split(strings.TrimPrefix(name, "raw/"), "/")
			for i := range elems[:len(elems)-1] {
				if t.isArchive(elems[i]) {
					elems[i] += "!"
				}
			}
			path := strings.Join(elems, "/")
			t.names[path] = name
			t.files = append(t.files, blob.Info{Path: path, Size: info.Size()})
			return nil
		})
		slices.SortFunc(t.files, func(a, b blob.Info) int { return strings.Compare(a.Path, b.Path) })
	})
	return t.files, t.err
}

// Open implements convertcore.Raw.
func (t *treeRaw) Open(ctx context.Context, path string) (blob.Blob, error) {
	if _, err := t.Files(ctx); err != nil {
		return nil, err
	}
	name, ok := t.names[path]
	if !ok {
		return nil, &iofs.PathError{Op: "open", Path: path, Err: iofs.ErrNotExist}
	}
	return openBlob(t.fsys, name)
}

// served opens the files of the dataset's folder by their own names.
type served struct{ fsys iofs.FS }

func (s served) Files(context.Context) ([]blob.Info, error) { return nil, nil }
func (s served) Open(_ context.Context, path string) (blob.Blob, error) {
	return openBlob(s.fsys, path)
}

// openBlob opens a file as a blob, by ranges where the file system can.
func openBlob(fsys iofs.FS, name string) (blob.Blob, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	if r, ok := f.(io.ReaderAt); ok {
		return &fileBlob{r, f, st.Size()}, nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, st.Size()+1))
	if err == nil && int64(len(data)) != st.Size() {
		err = errors.New(name + ": another length than announced")
	}
	if err != nil {
		return nil, err
	}
	return blob.Bytes(data), nil
}

type fileBlob struct {
	io.ReaderAt
	io.Closer
	size int64
}

func (b *fileBlob) Size() int64 { return b.size }
