package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
)

// exporter copies folders of the tree to a disk.
type exporter struct {
	fsys     iofs.FS
	to       string
	compress bool
	without  []string // names of folders of a dataset that are left out
	bar      *cli.Progress
	total    int64
	done     atomic.Int64
	bytes    atomic.Int64
}

// runExport copies datasets as they are in the tree, or a framework's layout of
// them. What is there already in its whole length is not copied again.
func runExport(ctx context.Context, p *program, args []string) error {
	ids, to := args[:len(args)-1], args[len(args)-1]
	if _, err := p.chosenRecipes(ids, false); err != nil {
		return err
	}
	fsys, done, err := p.treeFS(ctx)
	if err != nil {
		return err
	}
	defer done()
	e := &exporter{fsys: fsys, to: to, compress: p.opts.Compress, without: p.opts.Without}
	var dirs []string
	for _, id := range ids {
		dir, err := exportDir(fsys, p.opts.Format, id)
		if err != nil {
			return err
		}
		dirs = append(dirs, dir)
	}
	for _, dir := range dirs {
		if err := e.walk(ctx, dir, func(string, iofs.DirEntry) error { e.total++; return nil }); err != nil {
			return err
		}
	}
	e.bar = cli.NewProgress(p.stderr, p.opts.Progress, "export")
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(p.opts.Jobs)
	for _, dir := range dirs {
		if err = e.walk(gctx, dir, func(name string, d iofs.DirEntry) error {
			g.Go(func() error { return e.file(gctx, name, d) })
			return gctx.Err()
		}); err != nil {
			break
		}
	}
	if werr := g.Wait(); werr != nil { // what ended the walk
		err = werr
	}
	e.bar.Close()
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stderr, "%d files, %s below %s\n", e.total, cli.FormatBytes(e.bytes.Load()), to)
	return nil
}

// exportDir is the folder of the tree that has dataset id in a format.
func exportDir(fsys iofs.FS, format, id string) (string, error) {
	switch format {
	case "plain":
		return "datasets/" + id, nil
	case "nnunet":
		found, err := iofs.Glob(fsys, "views/nnunet/Dataset???_"+id)
		if err == nil && len(found) != 1 {
			err = fmt.Errorf("%s has no nnU-Net layout", id)
		}
		if err != nil {
			return "", err
		}
		return found[0], nil
	}
	return "views/" + format + "/" + id, nil
}

// target is where a path of the tree goes: a layout's folders stand alone, plain
// datasets below datasets/, so that the target is a tree of the same shape.
func (e *exporter) target(name string) string {
	if rest, ok := strings.CutPrefix(name, "views/"); ok {
		_, name, _ = strings.Cut(rest, "/")
	}
	return filepath.Join(e.to, filepath.FromSlash(name))
}

// walk makes the folders below dir and calls fn for each file and link.
func (e *exporter) walk(ctx context.Context, dir string, fn func(name string, d iofs.DirEntry) error) error {
	return iofs.WalkDir(e.fsys, dir, func(name string, d iofs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path.Dir(name) == dir && slices.Contains(e.without, d.Name()) {
				return iofs.SkipDir
			}
			return os.MkdirAll(e.target(name), 0o777)
		}
		return fn(name, d)
	})
}

// file copies one file, or makes a link as it is.
func (e *exporter) file(ctx context.Context, name string, d iofs.DirEntry) error {
	to := e.target(name)
	if d.Type()&iofs.ModeSymlink != 0 {
		link, err := iofs.ReadLink(e.fsys, name)
		if err != nil {
			return err
		}
		if old, err := os.Readlink(to); err == nil && old == link {
			e.step(name, 0)
			return nil
		}
		if err := os.Symlink(link, to); err != nil {
			return err
		}
		e.step(name, 0)
		return nil
	}
	info, err := d.Info()
	if err != nil {
		return err
	}
	if st, err := os.Stat(to); err == nil && st.ModTime().Equal(info.ModTime()) && (st.Size() == info.Size() || e.compress && compressible(name)) {
		e.step(name, 0)
		return nil
	}
	n, err := e.copy(ctx, name, to, info)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	e.step(name, n)
	return nil
}

func (e *exporter) step(name string, n int64) {
	e.bar.Show(cli.Step{Done: e.done.Add(1), Total: e.total, Bytes: e.bytes.Add(n), Name: name})
}

// copy writes beside the target and renames, so that what has the name is
// whole.
func (e *exporter) copy(ctx context.Context, name, to string, info iofs.FileInfo) (n int64, err error) {
	in, err := e.fsys.Open(name)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	tmp, err := os.CreateTemp(filepath.Dir(to), ".export-*")
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	var from io.Reader = readerWithContext{ctx, in}
	if e.compress && compressible(name) {
		var data []byte
		if data, err = io.ReadAll(from); err != nil {
			return 0, err
		}
		if data, err = deflate(name, data); err != nil {
			return 0, err
		}
		from = bytes.NewReader(data)
	}
	if n, err = io.Copy(tmp, from); err != nil {
		return n, err
	}
	if n != info.Size() && !(e.compress && compressible(name)) {
		return n, fmt.Errorf("%d bytes read, %d announced", n, info.Size())
	}
	if err = tmp.Chmod(0o644); err == nil {
		err = tmp.Close()
	}
	if err == nil {
		err = os.Chtimes(tmp.Name(), time.Time{}, info.ModTime())
	}
	if err == nil {
		err = os.Rename(tmp.Name(), to)
	}
	return n, err
}

type readerWithContext struct {
	ctx context.Context
	r   io.Reader
}

func (r readerWithContext) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
