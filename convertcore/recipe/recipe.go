// Package recipe reads the TOML files that describe datasets, one each, and
// drives the generic Converter from them.
package recipe

import (
	"time"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// Recipe describes one dataset: where its raw files are, how they split into
// cases, and which pixels belong to which class.
type Recipe struct {
	Schema    int       `toml:"schema"`
	ID        string    `toml:"id"` // [a-z0-9.-]+
	Title     string    `toml:"title"`
	Modality  string    `toml:"modality"` // one of Modalities
	Dim       int       `toml:"dim"`      // 2 or 3
	Anatomy   string    `toml:"anatomy"`
	License   string    `toml:"license"` // SPDX
	Status    string    `toml:"status"`  // "verified" or "unverified"
	Missing   string    `toml:"missing"` // what an unverified recipe lacks
	Synthetic bool      `toml:"synthetic"`
	Published time.Time `toml:"published"` // the modification time of every file
	Images    int       `toml:"n_images"`  // as the authors state; 0 unknown
	Citation  Citation  `toml:"citation"`
	Source    Source    `toml:"source"`
	Case      CaseRule  `toml:"case"`
	Channels  []Channel `toml:"channel"`
	Classes   []Class   `toml:"class"`
	Splits    []Split   `toml:"split"`
	Examples  []Example `toml:"example"`
	Evidence  []Fact    `toml:"evidence"`

	hash [32]byte
}

// Hash identifies all that decides the converted bytes.
func (r *Recipe) Hash() [32]byte { return r.hash }

// Form is the standard form of the dataset's images and masks.
func (r *Recipe) Form() convertcore.Form {
	if r.Dim == 3 {
		return convertcore.NIfTI
	}
	return convertcore.PNG
}

// Citation is what a BibTeX entry is made of.
type Citation struct {
	Title   string   `toml:"title"`
	Authors []string `toml:"authors"`
	Year    int      `toml:"year"`
	Venue   string   `toml:"venue"`
	DOI     string   `toml:"doi"`
	URL     string   `toml:"url"`
}

// Source is where the raw files are.
type Source struct {
	Platform string       `toml:"platform"` // as registered in package sources
	Record   string       `toml:"record"`
	Files    []SourceFile `toml:"file"` // those that are needed; without a url they are picked from the record's by name
}

// SourceFile is one raw file of the record.
type SourceFile struct {
	Name string `toml:"name"`
	URL  string `toml:"url"`
	Size int64  `toml:"size"` // 0 unknown
	Sum  string `toml:"sum"`  // "sha256:…" or "md5:…"
}

// CaseRule, Channel, Class, Split, Example and Fact: see their fields' use in
// the README, "Adding a dataset".
type CaseRule struct {
	Image string `toml:"image"` // raw path pattern with {case} for single-channel images
}
type Channel struct {
	Name  string `toml:"name"`
	Image string `toml:"image"`
}
type Class struct {
	Name   string         `toml:"name"`
	Label  string         `toml:"label"`  // raw path pattern; {case} is bound, * matches many files that unite
	Select map[string]any `toml:"select"` // one selector: {values=[1]}, {above=0}, {color="#ff0000"}
}
type Split struct {
	Name string `toml:"name"`
	Case string `toml:"case"` // pattern over the image's raw path
}
type Example struct {
	Raw  string `toml:"raw"`
	Case string `toml:"case"`
}
type Fact struct {
	Fact       string `toml:"fact"`
	Source     string `toml:"source"`
	Confidence string `toml:"confidence"`
}

// Modalities are the nine of the paper.
var Modalities = []string{"ct", "mri", "ultrasound", "xray", "fundus", "oct", "dermoscopy", "endoscopy", "microscopy"}
