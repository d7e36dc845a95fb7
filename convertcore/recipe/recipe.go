// Package recipe reads the TOML files that describe datasets, one each, and
// drives the generic Converter from them. A new dataset is a new file in the
// folder datasets; the README's "Adding a dataset" goes through one.
package recipe

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// SchemaVersion is what a recipe's "schema" must be.
const SchemaVersion = 1

// Modalities are the nine of the paper.
var Modalities = []string{"ct", "mri", "ultrasound", "xray", "fundus", "oct", "dermoscopy", "endoscopy", "microscopy"}

// The two values of Recipe.Status. Verified is short for verified layout:
// platform, record, license, layout and the values of every class each rest on
// evidence, which the recipe names. Whether real files were converted too is a
// fact of its own, see Recipe.Converted.
const (
	Verified   = "verified"
	Unverified = "unverified"
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
	License   string    `toml:"license"`      // SPDX
	Status    string    `toml:"status"`       // Verified or Unverified
	Missing   string    `toml:"missing"`      // what an unverified recipe lacks
	Derived   []string  `toml:"derived_from"` // IDs of datasets whose images or labels are in this one too
	Notes     string    `toml:"notes"`        // what a user of the dataset should know
	Synthetic bool      `toml:"synthetic"`
	Overlap   bool      `toml:"overlap"`   // classes of different files or selectors share pixels
	Published time.Time `toml:"published"` // the modification time of every file; absent: 1 January of citation.year, else of 1970
	Images    int       `toml:"n_images"`  // as the authors state; 0 unknown
	Citation  Citation  `toml:"citation"`
	Source    Source    `toml:"source"`
	Case      CaseRule  `toml:"case"`
	Channels  []Channel `toml:"channel"`
	Classes   []Class   `toml:"class"`
	Tables    []Table   `toml:"table"`
	Splits    []Split   `toml:"split"`
	Examples  []Example `toml:"example"`
	Evidence  []Fact    `toml:"evidence"`

	hash [32]byte
}

// RawOnly reports whether the recipe says nothing of the layout, as an
// unverified one may: the dataset is listed with its raw files and metadata,
// and no case and no mask is guessed.
func (r *Recipe) RawOnly() bool {
	return r.Status == Unverified && len(r.Case.Image) == 0 && len(r.Channels) == 0 && len(r.MaskClasses()) == 0
}

// Converted reports whether real files of the dataset were converted and
// compared with an independent reading: the fact "converted" among the
// evidence says which.
func (r *Recipe) Converted() bool {
	return slices.ContainsFunc(r.Evidence, func(f Fact) bool { return f.Fact == "converted" || strings.HasPrefix(f.Fact, "converted:") })
}

// Hash identifies all that decides the converted bytes.
func (r *Recipe) Hash() [32]byte { return r.hash }

// Form is the standard form of the dataset's images and masks: PNG in 2-D,
// unless case.float2d is "nifti".
func (r *Recipe) Form() convertcore.Form {
	if r.Dim == 3 || r.Case.Float2D == asNIfTI {
		return convertcore.NIfTI
	}
	return convertcore.PNG
}

// Citation is what a BibTeX entry is made of. Where a DOI or URL leads to them,
// authors and year may be unknown.
type Citation struct {
	Title   string   `toml:"title"`
	Authors []string `toml:"authors"` // "others" last where the list is cut, as in BibTeX
	Year    int      `toml:"year"`
	Venue   string   `toml:"venue"`
	DOI     string   `toml:"doi"`
	URL     string   `toml:"url"`
}

// Source is where the raw files are.
type Source struct {
	Platform string       `toml:"platform"` // as registered in package sources
	Record   string       `toml:"record"`   // the platform's item; "" where each file has a url
	Files    []SourceFile `toml:"file"`     // those that are needed; without a url they are picked from the record's by name
	// Closed leaves archives what they are, files of raw/: where the mere list
	// of their members costs the whole of them, as with zips made on the fly.
	Closed bool `toml:"closed"`
}

// SourceFile is one raw file of the record, or all those whose names match.
type SourceFile struct {
	Name     string `toml:"name"`     // a pattern of path.Match; with a url the name itself
	Platform string `toml:"platform"` // where the file is of another record than Source's
	Record   string `toml:"record"`
	URL      string `toml:"url"`
	Size     int64  `toml:"size"` // 0 unknown
	Sum      string `toml:"sum"`  // "sha256:…" or "md5:…"
}

// Matches reports whether a raw file of the record is meant.
func (f *SourceFile) Matches(name string) bool {
	if f.URL != "" {
		return f.Name == name
	}
	ok, err := path.Match(f.Name, name)
	return ok && err == nil
}

// Place is the platform and the record that a file is of.
func (s *Source) Place(f *SourceFile) (platform, record string) {
	if f.Platform != "" {
		return f.Platform, f.Record
	}
	return s.Platform, s.Record
}

// CaseRule says which raw files are cases. Patterns are those of Compile. The
// text of {case} becomes the case's ID, see CaseID. A hidden file (".…", "._…"), one in
// "__MACOSX" and one that is a label is never an image.
type CaseRule struct {
	Image      Patterns `toml:"image"`       // of a dataset with one image a case
	ID         string   `toml:"id"`          // what IDs are made of; "" is "{case}"
	Exclude    []string `toml:"exclude"`     // patterns of images and labels to pass over
	IgnoreCase bool     `toml:"ignore_case"` // of letters, in patterns and IDs, which become lower-case
	Replace    Replace  `toml:"replace"`     // what becomes of the images' IDs
	Table      string   `toml:"table"`       // where placeholders of the ID are that the patterns lack
	Float2D    string   `toml:"float2d"`     // see Recipe.Form and readAs
	Index      *Index   `toml:"index"`       // cases are entries of the arrays that {index} names
	Labelled   bool     `toml:"labelled"`    // images without any label file are no cases
	Reading
}

// Channel is one of several images of a case, instead of CaseRule.Image.
type Channel struct {
	Name     string   `toml:"name"` // the suffix of the served file: <case>_<name>
	Image    Patterns `toml:"image"`
	Optional bool     `toml:"optional"` // not every case has it
	Replace  Replace  `toml:"replace"`
	Table    string   `toml:"table"`
	Reading
}

// Class is one structure that the authors outlined.
type Class struct {
	Name string `toml:"name"` // the folder in labels/
	// Label is a pattern with {case}. Several files of one case unite where it
	// holds a star (other than "**/"); without one they are an error. A file
	// that describes many cases (COCO, VIA …) needs no {case}.
	Label     Patterns       `toml:"label"`
	Select    map[string]any `toml:"select"`    // one selector of package label: {values=[1]}, {above=0}, {color="#ff0000"} …
	Channel   string         `toml:"channel"`   // whose grid the label is on; "" the first that a case has
	Optional  bool           `toml:"optional"`  // a case without a label file has no mask
	Absent    string         `toml:"absent"`    // "empty": no label file means that there is nothing there
	Consensus string         `toml:"consensus"` // of several files of one case: union, majority or intersection
	Grid      string         `toml:"grid"`      // "image": the label has no geometry, or a wrong one, and lies on the image's
	Resample  string         `toml:"resample"`  // "nearest": the label's grid differs
	Pair      string         `toml:"pair"`      // "order": names differ; labels and images pair by their place in natural order
	Flip      []string       `toml:"flip"`      // axes of the label to turn round before it is compared: x, y, z
	Replace   Replace        `toml:"replace"`   // what becomes of the labels' IDs before they are compared with the images'
	Table     string         `toml:"table"`
	Reading
}

// Split assigns cases to the authors' own split, the first that fits.
type Split struct {
	Name  string            `toml:"name"`  // train, val or test
	Case  string            `toml:"case"`  // pattern of the (first) image's raw path
	Cases []string          `toml:"cases"` // or case IDs
	ID    string            `toml:"id"`    // or a pattern of the case's ID
	Table string            `toml:"table"` // or those in a table: its column "case" holds IDs
	Where map[string]string `toml:"where"` // of the table: only rows with these texts in these columns
}

// Example is a raw path of an image and the case that it must become; "" where
// it must become none.
type Example struct {
	Raw  string `toml:"raw"`
	Case string `toml:"case"`
}

// Fact is something that the recipe relies on and where it was read.
type Fact struct {
	Fact       string `toml:"fact"` // "converted: …" where real files were converted
	Source     string `toml:"source"`
	Confidence string `toml:"confidence"` // high, medium or low
}
