package view

import (
	"context"
	"fmt"
	"strings"

	"github.com/omnimedseg/omnimedfs/fs/tree"
)

// The layout of the Medical Segmentation Decathlon, whose dataset.json MONAI's
// load_decathlon_datalist reads. A case of several channels is a list of files
// there, which MONAI's LoadImage stacks.
func init() {
	Register("views/msd", func(c *Catalog) tree.Node {
		var children []tree.Child
		for _, d := range c.mapped() {
			children = append(children, tree.Child{Name: d.Recipe.ID, Node: loadedDir(d, func(context.Context) (tree.Dir, error) {
				return msd(newTrainSet(d, c.Options))
			})})
		}
		return tree.Static(c.ModTime(), children...)
	})
}

func msd(t *trainSet) (tree.Dir, error) {
	at := t.d.Recipe.Published
	if t.refusal != "" {
		return refused(at, "Decathlon", t.refusal), nil
	}
	imagesTr, err := t.imageDir(t.train, t.msdName)
	if err != nil {
		return nil, err
	}
	labelsTr, err := t.labelDir(t.train)
	if err != nil {
		return nil, err
	}
	imagesTs, err := t.imageDir(t.test, t.msdName)
	if err != nil {
		return nil, err
	}
	return tree.Static(at,
		tree.Child{Name: "imagesTr", Node: imagesTr}, tree.Child{Name: "labelsTr", Node: labelsTr},
		tree.Child{Name: "imagesTs", Node: imagesTs},
		tree.Child{Name: "dataset.json", Node: newText(at, func(context.Context) ([]byte, error) { return t.msdJSON() })},
		tree.Bytes("README.txt", t.about("Decathlon"), at),
	), nil
}

// msdName is the name of the standard tree.
func (t *trainSet) msdName(c, channel int) string {
	name := t.d.FileName(c, t.images[channel])
	return strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, ".png"), ".gz"), ".nii") + t.ext()
}

func (t *trainSet) msdJSON() ([]byte, error) {
	r := t.d.Recipe
	type training struct {
		Image any    `json:"image"`
		Label string `json:"label"`
	}
	doc := struct {
		Name     string     `json:"name"`
		About    string     `json:"description"`
		Ref      string     `json:"reference"`
		License  string     `json:"licence"` // as the Decathlon spells it
		Size     string     `json:"tensorImageSize"`
		Modality ordered    `json:"modality"`
		Labels   ordered    `json:"labels"`
		NumTrain int        `json:"numTraining"`
		NumTest  int        `json:"numTest"`
		Training []training `json:"training"`
		Val      []training `json:"validation,omitempty"`
		Test     []any      `json:"test"`
	}{
		Name: r.ID, About: r.Title, Ref: r.Citation.DOI, License: r.License, Size: fmt.Sprintf("%dD", r.Dim),
		NumTest: len(t.test), Training: []training{}, Test: []any{},
	}
	for k, slot := range t.images {
		name := t.d.Slots()[slot].Name
		if name == "" {
			name = strings.ToUpper(r.Modality)
		}
		doc.Modality = append(doc.Modality, pair{fmt.Sprint(k), name})
	}
	for v, name := range t.valueNames() {
		doc.Labels = append(doc.Labels, pair{fmt.Sprint(v), name})
	}
	for _, c := range t.train {
		one := training{t.msdImage("imagesTr", c), "./labelsTr/" + t.d.CaseID(c) + t.ext()}
		if t.d.Split(c) == "val" {
			doc.Val = append(doc.Val, one)
		} else {
			doc.Training = append(doc.Training, one)
		}
	}
	doc.NumTrain = len(doc.Training)
	for _, c := range t.test {
		doc.Test = append(doc.Test, t.msdImage("imagesTs", c))
	}
	return marshal(doc)
}

// msdImage is the path of a case's image, or the list of those of its channels.
func (t *trainSet) msdImage(dir string, c int) any {
	var paths []string
	for k := range t.images {
		paths = append(paths, "./"+dir+"/"+t.msdName(c, k))
	}
	if len(paths) == 1 {
		return paths[0]
	}
	return paths
}
