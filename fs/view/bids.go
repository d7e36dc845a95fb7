package view

import (
	"context"
	"fmt"
	"strings"

	"github.com/omnimedseg/omnimedfs/fs/tree"
)

// The layout of BIDS (Brain Imaging Data Structure 1.9) for MRI, and of its draft
// for CT (extension proposal 24): images as sub-<case>/<datatype>/…, masks and
// label maps as a derivative.
func init() {
	Register("views/bids", func(c *Catalog) tree.Node {
		var children []tree.Child
		for _, d := range c.mapped() {
			if r := d.Recipe; r.Dim != 3 || r.Modality != "mri" && r.Modality != "ct" {
				continue
			}
			children = append(children, tree.Child{Name: d.Recipe.ID, Node: loadedDir(d, func(context.Context) (tree.Dir, error) {
				return bids(newTrainSet(d, c.Options))
			})})
		}
		return tree.Static(c.ModTime(), children...)
	})
}

// bidsSuffixes are what recipes call sequences and what BIDS does; contrast
// agent goes before the suffix.
var bidsSuffixes = map[string]string{
	"t1": "T1w", "t1w": "T1w", "mprage": "T1w", "t2": "T2w", "t2w": "T2w", "flair": "FLAIR", "t2f": "FLAIR", "t2flair": "FLAIR",
	"pd": "PDw", "pdw": "PDw", "t2star": "T2starw", "ct": "ct",
	"t1ce": "ce-gadolinium_T1w", "t1c": "ce-gadolinium_T1w", "t1gd": "ce-gadolinium_T1w", "t1post": "ce-gadolinium_T1w",
}

// bidsSuffix names channel k in BIDS, with its folder.
func (t *trainSet) bidsSuffix(k int) (datatype, suffix string, ok bool) {
	name := t.d.Slots()[t.images[k]].Name
	if name == "" && t.d.Recipe.Modality == "ct" {
		name = "ct"
	}
	suffix, ok = bidsSuffixes[strings.ToLower(strings.ReplaceAll(name, "-", ""))]
	datatype = "anat"
	if suffix == "ct" {
		datatype = "ct"
	}
	return datatype, suffix, ok
}

// bidsLabel keeps the letters and digits of a name, all that BIDS allows.
func bidsLabel(name string) string {
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return c
		}
		return -1
	}, name)
}

// bidsRefusal says why the dataset has no BIDS layout.
func (t *trainSet) bidsRefusal() string {
	for k := range t.images {
		if _, _, ok := t.bidsSuffix(k); !ok {
			name := t.d.Slots()[t.images[k]].Name
			if name == "" {
				return "the recipe does not say which MRI sequence its images are"
			}
			return "channel " + name + " has no suffix in BIDS"
		}
	}
	for _, names := range [][]string{t.caseIDs(), t.classes} {
		seen := map[string]string{}
		for _, name := range names {
			short := bidsLabel(name)
			if other, taken := seen[short]; taken || short == "" {
				return fmt.Sprintf("%q and %q are one label of letters and digits", other, name)
			}
			seen[short] = name
		}
	}
	return ""
}

func (t *trainSet) caseIDs() []string {
	out := make([]string, t.d.NumCases())
	for c := range out {
		out[c] = t.d.CaseID(c)
	}
	return out
}

func bids(t *trainSet) (tree.Dir, error) {
	at := t.d.Recipe.Published
	if why := t.bidsRefusal(); why != "" {
		return refused(at, "BIDS", why), nil
	}
	var subjects, derived []tree.Child
	var participants strings.Builder
	participants.WriteString("participant_id\tsource_case\tsplit\n")
	for c := range t.d.NumCases() {
		sub := "sub-" + bidsLabel(t.d.CaseID(c))
		images, err := t.bidsImages(c, sub)
		if err != nil {
			return nil, err
		}
		masks, err := t.bidsMasks(c, sub)
		if err != nil {
			return nil, err
		}
		subjects = append(subjects, tree.Folder(sub, at, images...))
		derived = append(derived, tree.Folder(sub, at, tree.Child{Name: "anat", Node: masks}))
		split := t.d.Split(c)
		if split == "" {
			split = "n/a"
		}
		fmt.Fprintf(&participants, "%s\t%s\t%s\n", sub, t.d.CaseID(c), split)
	}
	labels, err := t.bidsLabels(derived)
	if err != nil {
		return nil, err
	}
	about, err := t.bidsDescription("raw")
	if err != nil {
		return nil, err
	}
	return tree.Static(at, append(subjects,
		tree.Bytes("dataset_description.json", about, at),
		tree.Bytes("participants.tsv", []byte(participants.String()), at),
		tree.Bytes("README", t.about("BIDS"), at),
		tree.Bytes(".bidsignore", []byte("**/ct/\n*_ct.nii.gz\n*_ct.nii\n"), at),
		tree.Folder("derivatives", at, labels),
	)...), nil
}

// bidsImages are the folders of a subject: one a datatype.
func (t *trainSet) bidsImages(c int, sub string) ([]tree.Child, error) {
	names, slots := map[string][]string{}, map[string][]int{}
	for k, slot := range t.images {
		if !t.d.Has(c, slot) {
			continue
		}
		datatype, suffix, _ := t.bidsSuffix(k)
		names[datatype] = append(names[datatype], sub+"_"+suffix+t.ext())
		slots[datatype] = append(slots[datatype], slot)
	}
	var out []tree.Child
	for datatype, in := range names {
		dir, err := newFileDir(t.d.Recipe.Published, tree.KindFile, in, true, func(k int, twin bool) tree.Node {
			return &aliasPart{part{d: t.d, c: c, slot: slots[datatype][k], nii: t.nii(twin)}}
		})
		if err != nil {
			return nil, err
		}
		out = append(out, tree.Child{Name: datatype, Node: dir})
	}
	return out, nil
}

// bidsMasks are the masks of a subject, and its label map where there is one.
func (t *trainSet) bidsMasks(c int, sub string) (tree.Dir, error) {
	var names []string
	var slots []int
	for i, slot := range t.masks {
		if slot >= 0 && t.d.Has(c, slot) {
			names, slots = append(names, sub+"_label-"+bidsLabel(t.classes[i])+"_mask"+t.ext()), append(slots, slot)
		}
	}
	if t.refusal == "" && t.has(c, t.masks) {
		names = append(names, sub+"_dseg"+t.ext())
	}
	return newFileDir(t.d.Recipe.Published, tree.KindFile, names, true, func(k int, twin bool) tree.Node {
		if k == len(slots) {
			return &labelFile{t.labelled, c, t.nii(twin)}
		}
		return &aliasPart{part{d: t.d, c: c, slot: slots[k], nii: t.nii(twin)}}
	})
}

// bidsLabels is the derivative: masks and the table of the label maps' values.
func (t *trainSet) bidsLabels(subjects []tree.Child) (tree.Child, error) {
	at := t.d.Recipe.Published
	about, err := t.bidsDescription("derivative")
	if err != nil {
		return tree.Child{}, err
	}
	table := []byte("index\tname\n")
	for v, name := range t.valueNames() {
		table = fmt.Appendf(table, "%d\t%s\n", v, name)
	}
	return tree.Folder("labels", at, append(subjects,
		tree.Bytes("dataset_description.json", about, at), tree.Bytes("dseg.tsv", table, at))...), nil
}

func (t *trainSet) bidsDescription(kind string) ([]byte, error) {
	r := t.d.Recipe
	type generator struct{ Name string }
	doc := struct {
		Name        string
		BIDSVersion string
		DatasetType string
		License     string
		Authors     []string
		References  []string    `json:"ReferencesAndLinks,omitempty"` // DatasetDOI would be that of the data alone
		GeneratedBy []generator `json:",omitempty"`
	}{Name: r.Title, BIDSVersion: "1.9.0", DatasetType: kind, License: r.License, Authors: r.Citation.Authors}
	if r.Citation.DOI != "" {
		doc.References = append(doc.References, "https://doi.org/"+r.Citation.DOI)
	}
	if r.Citation.URL != "" {
		doc.References = append(doc.References, r.Citation.URL)
	}
	if kind == "derivative" {
		doc.GeneratedBy = []generator{{"OmniMedFS"}}
	}
	return marshal(doc)
}
