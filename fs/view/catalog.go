package view

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/fs/tree"
)

// The catalog files of the root are made from the recipes: no request is made.
func init() {
	Register("README.txt", catalogFile(readme))
	Register("catalog.json", catalogFile(catalogJSON))
	Register("catalog.tsv", catalogFile(catalogTSV))
	Register("LICENSES.tsv", catalogFile(licensesTSV))
}

func catalogFile(text func([]*recipe.Recipe) []byte) func(*Catalog) tree.Node {
	return func(c *Catalog) tree.Node {
		recipes := make([]*recipe.Recipe, len(c.Datasets))
		for i, d := range c.Datasets {
			recipes[i] = d.Recipe
		}
		return tree.Bytes("", text(recipes), c.ModTime()).Node
	}
}

func readme([]*recipe.Recipe) []byte {
	return []byte(`OmniMedFS: medical segmentation datasets in one standard form.

datasets/<id>/images/<case>.png | .nii.gz         the images, lossless (<case>.nii answers too)
datasets/<id>/labels/<class>/<case>.png | .nii.gz  one binary mask a class: 0/255 in PNG, 0/1 in NIfTI
datasets/<id>/metadata/                            dataset.json mapping.json splits.json LICENSE CITATION.bib
                                                   DICOM: slices/<case>.json, each slice's SOP Instance UID and file
datasets/<id>/splits/ preview/                     links for the authors' splits; pictures with contours
datasets/<id>/raw/                                 the original files, archives opened as folders
by-modality/ by-license/ by-class/ by-anatomy/     the same datasets, found otherwise
views/nnunet/ msd/ bids/ prompts/                  the same images and masks in other people's layouts
catalog.json catalog.tsv LICENSES.tsv              what is here
.omnimedfs/                                        status, metrics and errors of this mount

Nothing is downloaded until a file is read; sizes are exact before that.
A file that cannot be read fails with an error: "omnimedfs why PATH" tells the reason.
Each dataset has its own license and asks to be cited: see its metadata folder.
`)
}

type catalogRow struct {
	ID        string   `json:"id"`
	Title     string   `json:"title"`
	Modality  string   `json:"modality"`
	Dim       int      `json:"dim"`
	Anatomy   string   `json:"anatomy"`
	Classes   []string `json:"classes"`
	License   string   `json:"license"`
	Images    int      `json:"n_images,omitempty"`
	Platform  string   `json:"platform"`
	Record    string   `json:"record"`
	Status    string   `json:"status"`
	Missing   string   `json:"missing,omitempty"`
	RawOnly   bool     `json:"raw_only,omitempty"`
	Converted bool     `json:"converted"`
	Derived   []string `json:"derived_from,omitempty"`
	Synthetic bool     `json:"synthetic,omitempty"`
	DOI       string   `json:"doi,omitempty"`
}

func rowOf(r *recipe.Recipe) catalogRow {
	return catalogRow{r.ID, r.Title, r.Modality, r.Dim, r.Anatomy, r.ClassNames(), r.License, r.Images,
		r.Source.Platform, r.Source.Record, r.Status, r.Missing, r.RawOnly(), r.Converted(), r.Derived, r.Synthetic, r.Citation.DOI}
}

func catalogJSON(recipes []*recipe.Recipe) []byte {
	rows := make([]catalogRow, len(recipes))
	for i, r := range recipes {
		rows[i] = rowOf(r)
	}
	// Strings and numbers always marshal.
	data, _ := json.MarshalIndent(rows, "", "  ")
	return append(data, '\n')
}

func catalogTSV(recipes []*recipe.Recipe) []byte {
	var b strings.Builder
	b.WriteString("id\tmodality\tdim\tlicense\tstatus\tplatform\trecord\tn_images\tclasses\ttitle\n")
	for _, r := range recipes {
		tsvLine(&b, r.ID, r.Modality, fmt.Sprint(r.Dim), r.License, r.Status, r.Source.Platform, r.Source.Record,
			fmt.Sprint(r.Images), strings.Join(r.ClassNames(), ","), r.Title)
	}
	return []byte(b.String())
}

func licensesTSV(recipes []*recipe.Recipe) []byte {
	var b strings.Builder
	b.WriteString("license\tid\tmodality\tplatform\trecord\ttitle\tcite\tstated_by\n")
	for _, r := range recipes {
		cite := r.Citation.DOI
		if cite == "" {
			cite = r.Citation.URL
		}
		tsvLine(&b, r.License, r.ID, r.Modality, r.Source.Platform, r.Source.Record, r.Title, cite, strings.Join(statedBy(r), "; "))
	}
	return []byte(b.String())
}

// tsvLine writes one row; tabs and line ends inside a value become spaces.
func tsvLine(b *strings.Builder, values ...string) {
	for i, v := range values {
		if i > 0 {
			b.WriteByte('\t')
		}
		b.WriteString(strings.Join(strings.FieldsFunc(v, func(c rune) bool {
			return c == '\t' || c == '\n' || c == '\r'
		}), " "))
	}
	b.WriteByte('\n')
}
