package main

import (
	"context"
	"encoding/hex"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	data "github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/archive"
	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/raw"
)

// checkRecipe compares a recipe with its record or, where it is named, with a
// local folder that holds the record's files or what their archives unpack to.
func checkRecipe(ctx context.Context, client *sources.Client, r *recipe.Recipe, folder string) (*checkResult, error) {
	var files *rawView
	var wrong []recipe.Mismatch
	var err error
	if folder != "" {
		files, wrong, err = localView(ctx, client, r, folder)
	} else {
		files, wrong, err = recordView(ctx, client, r)
	}
	if err != nil {
		return nil, err
	}
	defer files.Close()
	checked, err := r.Check(ctx, files)
	if err != nil {
		return nil, err
	}
	res := &checkResult{r.ID, *checked}
	res.Mismatches = append(wrong, res.Mismatches...)
	if res.Mismatches == nil {
		res.Mismatches = []recipe.Mismatch{}
	}
	return res, nil
}

// rawView is a raw namespace some of whose files are shown under other names.
type rawView struct {
	files *raw.Files
	list  []blob.Info       // sorted by path
	names map[string]string // shown -> own, where they differ
}

var _ convertcore.Raw = (*rawView)(nil)

func (v *rawView) Files(context.Context) ([]blob.Info, error) { return v.list, nil }
func (v *rawView) Close() error                               { return v.files.Close() }

func (v *rawView) Open(ctx context.Context, name string) (blob.Blob, error) {
	if own, ok := v.names[name]; ok {
		name = own
	}
	return v.files.Open(ctx, name)
}

// newView lists origins, archives entered; show gives the name that a file is
// shown under.
func newView(ctx context.Context, origins []raw.Origin, closed bool, show func(string) string) (*rawView, error) {
	v := &rawView{names: map[string]string{}, files: raw.New(raw.Options{
		List: raw.Origins(origins...), Keep: func(string) bool { return closed },
	})}
	list, err := v.files.Files(ctx)
	if err != nil {
		v.Close()
		return nil, err
	}
	for _, f := range list {
		if shown := show(f.Path); shown != f.Path {
			v.names[shown], f.Path = f.Path, shown
		}
		v.list = append(v.list, f)
	}
	slices.SortFunc(v.list, func(a, b blob.Info) int { return strings.Compare(a.Path, b.Path) })
	return v, nil
}

// recordView lists the record, or the records, through their platforms, without
// the files that the recipe names and that are not there.
func recordView(ctx context.Context, client *sources.Client, r *recipe.Recipe) (*rawView, []recipe.Mismatch, error) {
	there := *r
	there.Source.Files = nil
	var wrong []recipe.Mismatch
	type place struct{ platform, record string }
	lists := map[place][]blob.Info{}
	for i := range r.Source.Files {
		w := r.Source.Files[i]
		platform, record := r.Source.Place(&w)
		at := place{platform, record}
		have, known := lists[at]
		switch {
		case w.URL != "":
			size, err := sizeOf(ctx, client, platform, &w)
			if err != nil {
				wrong = append(wrong, recipe.Mismatch{Path: w.Name, Text: err.Error()})
				continue
			}
			have = []blob.Info{{Path: w.Name, Size: size}}
		case !known:
			var err error
			if have, err = listRecord(ctx, client, platform, record); err != nil {
				return nil, nil, err
			}
			lists[at] = have
		}
		bad, found := w.Check(have)
		wrong = append(wrong, bad...)
		if found {
			w.Size = 0 // what is there is looked into, whatever the recipe says
			there.Source.Files = append(there.Source.Files, w)
		}
	}
	var origins []raw.Origin
	if len(r.Source.Files) == 0 || len(there.Source.Files) > 0 {
		var err error
		if origins, err = data.Origins(ctx, client, r.ID, &there.Source); err != nil {
			return nil, nil, err
		}
	}
	v, err := newView(ctx, origins, r.Source.Closed, func(name string) string { return name })
	return v, wrong, err
}

func listRecord(ctx context.Context, client *sources.Client, platform, record string) ([]blob.Info, error) {
	s, err := client.Source(platform)
	if err != nil {
		return nil, err
	}
	files, err := s.Files(ctx, record)
	if err != nil {
		return nil, err
	}
	have := make([]blob.Info, len(files))
	for i, f := range files {
		have[i] = f.Info
	}
	return have, nil
}

// sizeOf asks for the size of a file by its URL.
func sizeOf(ctx context.Context, client *sources.Client, platform string, w *recipe.SourceFile) (int64, error) {
	b, err := client.Open(ctx, platform, sources.File{Info: blob.Info{Path: w.Name, Size: -1}, URL: w.URL})
	if err != nil {
		return 0, err
	}
	defer b.Close()
	return b.Size(), nil
}

// localView lists a folder. Checksums that the recipe gives are compared.
func localView(ctx context.Context, client *sources.Client, r *recipe.Recipe, folder string) (*rawView, []recipe.Mismatch, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, nil, err
	}
	local, err := client.Source("local")
	if err != nil {
		return nil, nil, err
	}
	files, err := local.Files(ctx, folder)
	if err != nil {
		return nil, nil, err
	}
	open := func(ctx context.Context, o raw.Origin) (blob.Blob, error) {
		return client.Open(ctx, "local", sources.File{Info: o.Info, URL: o.URL})
	}
	var origins []raw.Origin
	for _, f := range files {
		origins = append(origins, raw.Origin{Info: f.Info, URL: f.URL, Open: open})
	}
	show := unpacked(r, folder, files)
	wrong, err := checkLocal(r, folder, files, show)
	if err != nil {
		return nil, nil, err
	}
	v, err := newView(ctx, origins, r.Source.Closed, show)
	return v, wrong, err
}

// checkLocal compares the sizes and checksums of the files that the recipe
// names. One that is there unpacked has neither.
func checkLocal(r *recipe.Recipe, folder string, files []sources.File, show func(string) string) ([]recipe.Mismatch, error) {
	var have []blob.Info
	for _, f := range files {
		shown := show(f.Path)
		name, _, in := strings.Cut(shown, "!/")
		if in {
			have = append(have, blob.Info{Path: name, Size: -1})
			continue
		}
		info := f.Info
		for _, w := range r.Source.Files {
			if w.Sum == "" || !w.Matches(info.Path) {
				continue
			}
			sum, err := sumOf(filepath.Join(folder, filepath.FromSlash(f.Path)), w.Sum)
			if err != nil {
				return nil, err
			}
			info.Sum = sum
		}
		have = append(have, info)
	}
	var wrong []recipe.Mismatch
	for _, w := range r.Source.Files {
		bad, _ := w.Check(have)
		wrong = append(wrong, bad...)
	}
	return wrong, nil
}

// sumOf returns the checksum of a file, of the same kind as like.
func sumOf(name, like string) (string, error) {
	h, err := blob.NewHash(like)
	if err != nil {
		return "", err
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	kind, _, _ := strings.Cut(like, ":")
	return kind + ":" + hex.EncodeToString(h.Sum(nil)), nil
}

// unpacked returns how files of a folder are shown: those of a folder that an
// archive of the recipe was unpacked to as members of it.
func unpacked(r *recipe.Recipe, folder string, files []sources.File) func(string) string {
	prefixes := map[string]string{} // folder -> archive
	var absent []string
	for _, name := range archivesOf(r) {
		if slices.ContainsFunc(files, func(f sources.File) bool { return f.Path == name }) {
			continue
		}
		for _, dir := range []string{name, stem(name)} {
			if st, err := os.Stat(filepath.Join(folder, filepath.FromSlash(dir))); err == nil && st.IsDir() {
				prefixes[dir+"/"] = name
				name = ""
				break
			}
		}
		if name != "" {
			absent = append(absent, name)
		}
	}
	return func(name string) string {
		for dir, arc := range prefixes {
			if rest, ok := strings.CutPrefix(name, dir); ok {
				return arc + "!/" + rest
			}
		}
		if len(absent) == 1 && len(prefixes) == 0 && !archive.IsArchive(name) {
			return absent[0] + "!/" + name // the folder is what the only archive holds
		}
		return name
	}
}

// archivesOf lists the archives that a recipe names, in its files or patterns.
func archivesOf(r *recipe.Recipe) (out []string) {
	for _, f := range r.Source.Files {
		if archive.IsArchive(f.Name) && !slices.Contains(out, f.Name) {
			out = append(out, f.Name)
		}
	}
	return out
}

// stem cuts the endings of an archive's name.
func stem(name string) string {
	for archive.IsArchive(name) {
		ext := path.Ext(name)
		name = strings.TrimSuffix(name, ext)
		if in := path.Ext(name); in != ".tar" {
			return name
		}
	}
	return name
}
