package sources

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func init() {
	Register("local", func(*Client) Source { return localSource{} })
}

// localSource is a folder of this machine; the record is its absolute path.
// Symbolic links are followed inside the folder only.
type localSource struct{}

// Files lists the tree below the folder. A file's URL has the folder as its
// path and the file's name as its fragment, so that Open knows what it must
// not leave.
func (localSource) Files(ctx context.Context, record string) ([]File, error) {
	if !filepath.IsAbs(record) {
		return nil, fmt.Errorf("record %q: not an absolute path", record)
	}
	root, err := os.OpenRoot(record)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var out []File
	err = fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || d.IsDir() {
			return err
		}
		st, err := root.Stat(filepath.FromSlash(p))
		if d.Type()&fs.ModeSymlink != 0 && err != nil {
			return nil // it leads nowhere or out of the folder
		}
		if err != nil {
			return err
		}
		if !st.Mode().IsRegular() {
			return nil
		}
		u := url.URL{Scheme: "file", Path: record, Fragment: p}
		// A file that was written anew must not be taken for what the cache
		// holds of the old one.
		version := blob.Modified + strconv.FormatInt(st.ModTime().UnixNano(), 10)
		out = append(out, File{blob.Info{Path: p, Size: st.Size(), Sum: version}, u.String()})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", record, err)
	}
	return sorted(out), nil
}

func (localSource) Open(_ context.Context, f File) (blob.Blob, error) {
	u, err := url.Parse(f.URL)
	if err != nil || u.Scheme != "file" {
		return nil, fmt.Errorf("%s: not a file URL", f.Path)
	}
	if u.Fragment == "" { // written by hand: one file
		return openIn(filepath.Dir(u.Path), filepath.Base(u.Path), f.Size)
	}
	return openIn(u.Path, u.Fragment, f.Size)
}

// openIn opens the file at the slash-separated rel below folder and nothing
// outside it. A size of -1 is not checked.
func openIn(folder, rel string, size int64) (blob.Blob, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(filepath.FromSlash(rel))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w: %w", filepath.Join(folder, rel), ErrGone, err)
	}
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err == nil && size >= 0 && st.Size() != size {
		err = fmt.Errorf("%w: %d bytes, expected %d", ErrChanged, st.Size(), size)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", filepath.Join(folder, rel), err)
	}
	return &localFile{f, st}, nil
}

type localFile struct {
	*os.File
	st fs.FileInfo
}

func (f *localFile) Size() int64 { return f.st.Size() }

// Identity changes when the file is written anew.
func (f *localFile) Identity() string {
	return fmt.Sprintf("file:%s %d %d", f.Name(), f.st.Size(), f.st.ModTime().UnixNano())
}
