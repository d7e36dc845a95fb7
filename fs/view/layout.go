package view

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/fs/tree"
)

// trainSet is a dataset split as training frameworks want it: cases with all
// channels and all masks, and cases to test on.
type trainSet struct {
	*labelled
	o     Options
	train []int // cases, in order
	test  []int
	// part counts the cases that are left out, since a channel or the mask of
	// a class is missing: absent is not the same as empty.
	part int
}

// newTrainSet splits by the authors' test split; a case without any mask is one
// to test on too.
func newTrainSet(d *dataset.Dataset, o Options) *trainSet {
	t := &trainSet{labelled: newLabelled(d), o: o}
	for c := range d.NumCases() {
		switch {
		case !t.has(c, t.images):
			t.part++
		case d.Split(c) == "test" || !t.any(c, t.masks):
			t.test = append(t.test, c)
		case t.has(c, t.masks):
			t.train = append(t.train, c)
		default:
			t.part++
		}
	}
	if t.refusal == "" && len(t.train) == 0 {
		t.refusal = "no case outside the test split has all channels and the masks of all classes"
	}
	return t
}

// ext is the extension that files are listed with.
func (t *trainSet) ext() string {
	if t.d.Recipe.Form() == convertcore.PNG {
		return ".png"
	}
	if t.o.Nii {
		return ".nii"
	}
	return ".nii.gz"
}

// nii tells whether a file listed as ext, or its twin, is the .nii.
func (t *trainSet) nii(twin bool) bool {
	return t.ext() != ".png" && (t.ext() == ".nii") != twin
}

// imageDir lists the channels of some cases; name gives the file name of a case
// and its channel's number.
func (t *trainSet) imageDir(cases []int, name func(c, channel int) string) (tree.Dir, error) {
	var names []string
	n := len(t.images)
	for _, c := range cases {
		for k := range t.images {
			names = append(names, name(c, k))
		}
	}
	return newFileDir(t.d.Recipe.Published, tree.KindFile, names, t.ext() != ".png", func(i int, twin bool) tree.Node {
		return &aliasPart{part{d: t.d, c: cases[i/n], slot: t.images[i%n], nii: t.nii(twin)}}
	})
}

// labelDir lists the label maps of those of the cases that have all masks.
func (t *trainSet) labelDir(cases []int) (tree.Dir, error) {
	var names []string
	var in []int
	for _, c := range cases {
		if t.has(c, t.masks) {
			in, names = append(in, c), append(names, t.d.CaseID(c)+t.ext())
		}
	}
	return newFileDir(t.d.Recipe.Published, tree.KindFile, names, t.ext() != ".png", func(i int, twin bool) tree.Node {
		return &labelFile{t.labelled, in[i], t.nii(twin)}
	})
}

// loadedDir is a folder that is made of a dataset when somebody looks into it.
func loadedDir(d *dataset.Dataset, make func(ctx context.Context) (tree.Dir, error)) tree.Dir {
	return tree.Lazy(d.Recipe.Published, func(ctx context.Context) (tree.Dir, error) {
		if err := d.Load(ctx); err != nil {
			return nil, err
		}
		return make(ctx)
	})
}

// refused is the folder of a dataset that a layout cannot hold.
func refused(t time.Time, layout, why string) tree.Dir {
	return tree.Static(t, tree.Bytes("README.txt", fmt.Appendf(nil, "This dataset has no %s layout: %s.\nIts images and masks are in datasets/.\n", layout, why), t))
}

// about is the README of a layout's folder.
func (t *trainSet) about(layout string) []byte {
	r := t.d.Recipe
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s layout of datasets/%s, made when it is read. License: %s. Cite: datasets/%s/metadata/CITATION.bib\n\n", r.Title, layout, r.ID, r.License, r.ID)
	fmt.Fprintf(&b, "%d cases to train on, %d to test on", len(t.train), len(t.test))
	if t.part > 0 {
		fmt.Fprintf(&b, "; %d left out, since a channel or the mask of a class is missing there (which is not the same as empty)", t.part)
	}
	b.WriteString(".\nValues of the label maps:\n")
	for v, name := range t.valueNames() {
		fmt.Fprintf(&b, "  %d %s\n", v, name)
	}
	if t.unsure {
		b.WriteString("Classes that share pixels cannot stand in one label map: such a case fails when it is read (EOPNOTSUPP), and nothing is cut.\n")
	}
	return []byte(b.String())
}

// marshal writes JSON for people: indented, with the keys in the order of v.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}
