package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/raw"
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
	Verified int         `json:"verified"`         // files that were read whole and have their checksum
	Unlike   []string    `json:"unlike,omitempty"` // sizes and checksums that the recipe says otherwise
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

// recordProbe asks the records of a recipe.
type recordProbe struct {
	client *sources.Client
	recipe *recipe.Recipe
	hash   int64 // files of up to so many bytes are read whole
}

// hashedFiles is how many files of a record are read whole at most.
const hashedFiles = 20

// recipeRecord asks the records of a recipe for their lists and licences,
// compares sizes and checksums with the recipe's, and asks for the ends of their
// first, last and largest file and, with --hash, for the whole of small ones.
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
	ask := recordProbe{client, r, p.opts.Hash}
	type place struct{ platform, record string }
	seen := map[place]bool{}
	var out []probed
	src := &r.Source
	for _, f := range append([]recipe.SourceFile{{}}, src.Files...) {
		platform, record := src.Place(&f)
		at := place{platform, record}
		if f.URL != "" {
			out = append(out, ask.url(ctx, platform, &f))
		} else if record != "" && !seen[at] {
			out = append(out, ask.record(ctx, platform, record))
		}
		seen[at] = true
	}
	failed := false
	for _, o := range out {
		failed = failed || o.Error != "" || len(o.Unlike) > 0
	}
	if p.opts.JSON {
		if err := printJSON(p.stdout, out); err != nil {
			return err
		}
	} else {
		for _, o := range out {
			fmt.Fprintf(p.stdout, "%s %s: %d files, %s, %d checksums, %d verified, license %s (recipe: %s) %s\n", o.Platform, o.Record, o.Files, size(o.Bytes), o.Sums, o.Verified, o.License, o.Recipe, o.Error)
			for _, u := range o.Unlike {
				fmt.Fprintf(p.stdout, "  %s\n", u)
			}
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

// url asks for a file that the recipe gives by its address.
func (p recordProbe) url(ctx context.Context, platform string, w *recipe.SourceFile) probed {
	f := sources.File{Info: blob.Info{Path: w.Name, Size: -1}, URL: w.URL}
	o := probed{Platform: platform, Record: w.URL, Recipe: p.recipe.License, Files: 1, Read: []probeRead{readEnds(ctx, p.client, platform, f)}}
	o.Error = o.Read[0].Error
	o.Bytes, f.Size = max(0, o.Read[0].Size), o.Read[0].Size
	if o.Error == "" {
		o.compare([]recipe.SourceFile{*w}, []sources.File{f})
		p.verify(ctx, &o, platform, []sources.File{f}, []recipe.SourceFile{*w})
	}
	return o
}

func (p recordProbe) record(ctx context.Context, platform, record string) (o probed) {
	o = probed{Platform: platform, Record: record, Recipe: p.recipe.License, Read: []probeRead{}}
	s, err := p.client.Source(platform)
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
		got := readEnds(ctx, p.client, platform, files[i])
		if o.Read = append(o.Read, got); got.Error != "" {
			o.Error = got.Path + ": " + got.Error
		}
	}
	var wants []recipe.SourceFile
	for _, w := range p.recipe.Source.Files {
		if at, of := p.recipe.Source.Place(&w); w.URL == "" && at == platform && of == record {
			wants = append(wants, w)
		}
	}
	o.compare(wants, files)
	p.verify(ctx, &o, platform, files, wants)
	return o
}

// compare notes where the recipe says another size or checksum, or names a file
// that is not there.
func (o *probed) compare(wants []recipe.SourceFile, files []sources.File) {
	have := make([]blob.Info, len(files))
	for i, f := range files {
		have[i] = f.Info
	}
	for _, w := range wants {
		bad, _ := w.Check(have)
		for _, m := range bad {
			o.Unlike = append(o.Unlike, m.String())
		}
	}
}

// verify reads small files whole and compares them with their checksums, the
// platform's and the recipe's.
func (p recordProbe) verify(ctx context.Context, o *probed, platform string, files []sources.File, wants []recipe.SourceFile) {
	tried := 0
	for _, f := range files {
		var sums []string
		if f.Sum != "" {
			sums = append(sums, f.Sum)
		}
		for _, w := range wants {
			if w.Sum != "" && w.Matches(f.Path) && !slices.Contains(sums, w.Sum) {
				sums = append(sums, w.Sum)
			}
		}
		if len(sums) == 0 || f.Size < 0 || f.Size > p.hash || p.hash == 0 || tried == hashedFiles {
			continue
		}
		tried++
		if err := p.hashes(ctx, platform, f, sums); err != nil {
			o.Error = f.Path + ": " + err.Error()
			continue
		}
		o.Verified++
	}
}

// hashes reads a file whole, once for each checksum.
func (p recordProbe) hashes(ctx context.Context, platform string, f sources.File, sums []string) error {
	b, err := p.client.Open(ctx, platform, f)
	if err != nil {
		return err
	}
	defer b.Close()
	for _, sum := range sums {
		if err := raw.VerifyBlob(b, sum); err != nil {
			return err
		}
	}
	return nil
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
