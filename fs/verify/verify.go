// Package verify checks a dataset as a user sees it, a mount or an export,
// against its raw files: it converts them anew and compares everything.
package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	iofs "io/fs"
	"path"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
)

// Kinds of findings.
const (
	Metadata = "metadata" // licence, citation, splits or description are missing or differ
	Names    = "names"    // files are missing or nobody's
	Mapping  = "mapping"  // mapping.json names other raw files than the recipe
	Raw      = "raw"      // a raw file is missing, damaged or cannot be converted
	Format   = "format"   // a file that is no PNG or NIfTI
	Grid     = "grid"     // size, spacing, orientation or position
	Depth    = "depth"    // bits, sign, float, channels, slope or intercept
	Binary   = "binary"   // a mask with other values than 0 and 255 (PNG) or 1 (NIfTI)
	Empty    = "empty"    // an empty mask where the raw label has the class
	Pixels   = "pixels"   // other values than the raw files give
)

// Finding is something that does not hold.
type Finding struct {
	Dataset string `json:"dataset"`
	Path    string `json:"path"` // below the dataset's folder
	Kind    string `json:"kind"`
	Text    string `json:"text"`
}

func (f Finding) String() string { return f.Dataset + "/" + f.Path + ": " + f.Kind + ": " + f.Text }

// Report is what Run has looked at and found.
type Report struct {
	Dataset  string    `json:"dataset"`
	Cases    int       `json:"cases"`
	Images   int       `json:"images"`
	Masks    int       `json:"masks"`
	Empty    int       `json:"empty_masks"` // also in the raw labels
	RawFiles int       `json:"raw_files"`   // whose checksum was compared
	Findings []Finding `json:"findings"`
}

// Dataset is what is verified.
type Dataset struct {
	Recipe *recipe.Recipe
	FS     iofs.FS // the dataset's folder: images, labels, metadata, raw
	// IsArchive tells whether a folder of that name below raw/ is an archive.
	IsArchive func(name string) bool
	// Step is called after each file; it may be nil.
	Step func(done, total int, path string)
}

type run struct {
	Dataset
	report *Report
	raw    *treeRaw
	cases  []convertcore.Case
	done   int
	total  int
}

// Run verifies a dataset. Only the end of ctx is an error; what does not hold
// is in the report. One case is in memory at a time.
func Run(ctx context.Context, d Dataset) (*Report, error) {
	r := &run{Dataset: d, report: &Report{Dataset: d.Recipe.ID, Findings: []Finding{}}}
	r.raw = &treeRaw{fsys: d.FS, isArchive: d.IsArchive}
	if _, err := r.raw.Files(ctx); err != nil {
		r.find("raw", Raw, "%v", err)
	}
	r.metadata()
	conv := d.Recipe.Converter()
	var err error
	if r.cases, err = conv.Cases(ctx, r.raw); err != nil {
		r.find("raw", Raw, "no cases: %v", err)
		return r.report, ctx.Err()
	}
	r.report.Cases = len(r.cases)
	names := r.names()
	r.total = len(names)
	r.mapping(ctx, names)
	r.splits()
	for i := range r.cases {
		if err := r.oneCase(ctx, conv, &r.cases[i]); err != nil {
			return r.report, err
		}
	}
	return r.report, ctx.Err()
}

func (r *run) find(path, kind, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.report.Findings = append(r.report.Findings, Finding{r.Recipe.ID, path, kind, text})
}

func (r *run) step(path string) {
	r.done++
	if r.Step != nil {
		r.Step(r.done, r.total, path)
	}
}

// metadata checks licence, citation and description.
func (r *run) metadata() {
	text := func(name string) string {
		data, err := iofs.ReadFile(r.FS, "metadata/"+name)
		if err != nil {
			r.find("metadata/"+name, Metadata, "%v", errors.Unwrap(err))
		}
		return string(data)
	}
	if s := text("LICENSE"); s != "" && !strings.Contains(s, r.Recipe.License) {
		r.find("metadata/LICENSE", Metadata, "does not name %s", r.Recipe.License)
	} else if s != "" && strings.TrimSpace(s) == "" {
		r.find("metadata/LICENSE", Metadata, "is empty")
	}
	if s := text("CITATION.bib"); s != "" && !strings.Contains(s, "@") {
		r.find("metadata/CITATION.bib", Metadata, "is no BibTeX")
	}
	var doc struct {
		ID      string `json:"id"`
		License string `json:"license"`
		Recipe  string `json:"recipe_sha256"`
	}
	if !r.json("metadata/dataset.json", &doc) {
		return
	}
	hash := r.Recipe.Hash()
	for _, c := range [][3]string{{"id", doc.ID, r.Recipe.ID}, {"license", doc.License, r.Recipe.License}, {"recipe_sha256", doc.Recipe, fmt.Sprintf("%x", hash)}} {
		if c[1] != c[2] {
			r.find("metadata/dataset.json", Metadata, "%s is %q, the recipe's %q", c[0], c[1], c[2])
		}
	}
}

func (r *run) json(name string, into any) bool {
	data, err := iofs.ReadFile(r.FS, name)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		r.find(name, Metadata, "%v", err)
	}
	return err == nil
}

// file is where a part of a case stands.
func file(r *recipe.Recipe, c *convertcore.Case, p *convertcore.Part) string {
	dir, name := "images", c.ID
	if p.Kind == convertcore.KindLabel {
		dir = "labels/" + p.Name
	} else if p.Name != "" {
		name += "_" + p.Name
	}
	return dir + "/" + name + r.Form().Ext()
}

// names compares the files that are there with those that the recipe makes of
// the raw files, and returns the latter with their raw files.
func (r *run) names() map[string][]string {
	want := map[string][]string{}
	for i := range r.cases {
		c := &r.cases[i]
		for _, parts := range [][]convertcore.Part{c.Images, c.Labels} {
			for k := range parts {
				want[file(r.Recipe, c, &parts[k])] = parts[k].Raw
			}
		}
	}
	seen := map[string]bool{}
	for _, top := range []string{"images", "labels"} {
		err := iofs.WalkDir(r.FS, top, func(p string, e iofs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			name := p
			if strings.HasSuffix(name, ".nii") { // listed so with --nifti nii
				name += ".gz"
			}
			seen[name] = true
			if _, ok := want[name]; !ok {
				r.find(p, Names, "no case of the raw files has this file")
			}
			return nil
		})
		if err != nil {
			r.find(top, Names, "%v", err)
		}
	}
	for name := range want {
		if !seen[name] {
			r.find(name, Names, "is missing")
		}
	}
	return want
}

// splits compares splits.json with the recipe's.
func (r *run) splits() {
	var doc map[string][]string
	if !r.json("metadata/splits.json", &doc) {
		return
	}
	want := map[string][]string{}
	for i := range r.cases {
		if s := r.cases[i].Split; s != "" {
			want[s] = append(want[s], r.cases[i].ID)
		}
	}
	for _, s := range []string{"train", "val", "test"} {
		if !slices.Equal(doc[s], want[s]) {
			r.find("metadata/splits.json", Metadata, "%s has other cases than the recipe says", s)
		}
	}
}

// rawName turns a raw path into its place below the dataset's folder.
func rawName(p string) string { return path.Join("raw", strings.ReplaceAll(p, "!/", "/")) }
