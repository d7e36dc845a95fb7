package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// probed is what one record of a recipe answers.
type probed struct {
	Platform string      `json:"platform"`
	Record   string      `json:"record"`
	License  string      `json:"license"` // as the platform gives it; "" where it does not
	Recipe   string      `json:"recipe_license"`
	Files    int         `json:"files"`
	Bytes    int64       `json:"bytes"` // of the files whose size is told
	Sums     int         `json:"checksums"`
	Error    string      `json:"error,omitempty"`
	Read     []probeRead `json:"read"`
}

// probeRead is one file of which the first and the last bytes were asked for.
type probeRead struct {
	Path    string `json:"path"`
	Size    int64  `json:"size"`
	Seconds string `json:"seconds"`
	Error   string `json:"error,omitempty"`
}

// recipeRecord asks the records of a recipe for their lists and licences, and
// for the ends of their first, last and largest file.
func recipeRecord(ctx context.Context, p *program, args []string) error {
	r, err := oneRecipe(&p.opts, args[0])
	if err != nil {
		return err
	}
	client, err := newClient(&p.opts, nil, p.log)
	if err != nil {
		return err
	}
	defer client.Close()
	type place struct{ platform, record string }
	seen := map[place]bool{}
	var out []probed
	src := &r.Source
	for _, f := range append([]recipe.SourceFile{{}}, src.Files...) {
		platform, record := src.Place(&f)
		at := place{platform, record}
		if f.URL != "" {
			one := probed{Platform: platform, Record: f.URL, Recipe: r.License, Files: 1, Read: []probeRead{readEnds(ctx, client, platform, sources.File{Info: blob.Info{Path: f.Name, Size: -1}, URL: f.URL})}}
			one.Bytes, one.Error = max(0, one.Read[0].Size), one.Read[0].Error
			out = append(out, one)
		} else if record != "" && !seen[at] {
			out = append(out, probeRecord(ctx, client, r, platform, record))
		}
		seen[at] = true
	}
	failed := false
	for _, o := range out {
		failed = failed || o.Error != ""
	}
	if p.opts.JSON {
		if err := printJSON(p.stdout, out); err != nil {
			return err
		}
	} else {
		for _, o := range out {
			fmt.Fprintf(p.stdout, "%s %s: %d files, %s, %d checksums, license %s (recipe: %s) %s\n", o.Platform, o.Record, o.Files, size(o.Bytes), o.Sums, o.License, o.Recipe, o.Error)
			for _, f := range o.Read {
				fmt.Fprintf(p.stdout, "  %s %s %s s %s\n", f.Path, size(f.Size), f.Seconds, f.Error)
			}
		}
	}
	if failed {
		return fmt.Errorf("%s: %w", r.ID, errProbe)
	}
	return nil
}

var errProbe = errors.New("a record does not answer as the recipe says")

func probeRecord(ctx context.Context, client *sources.Client, r *recipe.Recipe, platform, record string) (o probed) {
	o = probed{Platform: platform, Record: record, Recipe: r.License, Read: []probeRead{}}
	s, err := client.Source(platform)
	var files []sources.File
	if err == nil {
		files, err = s.Files(ctx, record)
	}
	if err == nil {
		if l, ok := s.(sources.Licenser); ok {
			o.License, err = l.License(ctx, record)
		}
	}
	if err != nil {
		o.Error = err.Error()
		return o
	}
	o.Files = len(files)
	if len(files) == 0 {
		return o
	}
	largest := 0
	for i, f := range files {
		o.Bytes += max(0, f.Size)
		if f.Sum != "" {
			o.Sums++
		}
		if f.Size > files[largest].Size {
			largest = i
		}
	}
	done := map[int]bool{}
	for _, i := range []int{0, largest, len(files) - 1} {
		if done[i] {
			continue
		}
		done[i] = true
		got := readEnds(ctx, client, platform, files[i])
		if o.Read = append(o.Read, got); got.Error != "" {
			o.Error = got.Path + ": " + got.Error
		}
	}
	return o
}

// readEnds reads the first and the last bytes of a file.
func readEnds(ctx context.Context, client *sources.Client, platform string, f sources.File) (got probeRead) {
	start := time.Now()
	got = probeRead{Path: f.Path, Size: f.Size}
	b, err := client.Open(ctx, platform, f)
	if err == nil {
		defer b.Close()
		got.Size = b.Size()
		p := make([]byte, min(512, b.Size()))
		for _, off := range []int64{0, b.Size() - int64(len(p))} {
			if n, rerr := b.ReadAt(p, off); len(p) > 0 && (n < len(p) || rerr != nil && rerr != io.EOF) {
				err = fmt.Errorf("bytes %d to %d: %d came: %w", off, off+int64(len(p)), n, errors.Join(rerr))
				break
			}
		}
	}
	if err != nil {
		got.Error = err.Error()
	}
	got.Seconds = fmt.Sprintf("%.2f", time.Since(start).Seconds())
	return got
}
