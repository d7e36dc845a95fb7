package view

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/fs/tree"
)

// The layout of nnU-Net v2, as its documentation/dataset_format.md describes it:
// DatasetNNN_Name with imagesTr/<case>_<channel>.ext, labelsTr/<case>.ext of
// consecutive values, imagesTs, dataset.json. The numbers of the catalog's
// datasets are those of a list that only grows.
func init() {
	Register("views/nnunet", func(c *Catalog) tree.Node {
		numbers := nnunetNumbers(c.Datasets)
		var children []tree.Child
		for _, d := range c.mapped() {
			name := fmt.Sprintf("Dataset%03d_%s", numbers[d.Recipe.ID], d.Recipe.ID)
			children = append(children, tree.Child{Name: name, Node: loadedDir(d, func(context.Context) (tree.Dir, error) {
				return nnunet(newTrainSet(d, c.Options))
			})})
		}
		return tree.Static(c.ModTime(), children...)
	})
}

//go:embed nnunet.txt
var nnunetList string

// nnunetFirst is the number of the list's first line: those below are the
// Decathlon's and people's own.
const nnunetFirst = 100

// nnunetNumbers gives every dataset its number. One that is not in the list (a
// user's own) gets one from 900 on by a hash of its id.
func nnunetNumbers(sets []*dataset.Dataset) map[string]int {
	out, taken := map[string]int{}, map[int]bool{}
	for i, id := range strings.Fields(nnunetList) {
		out[id] = nnunetFirst + i
	}
	for _, d := range sets { // sorted by id
		id := d.Recipe.ID
		if _, ok := out[id]; ok {
			continue
		}
		h := fnv.New32a()
		h.Write([]byte(id))
		n := 900 + int(h.Sum32()%100)
		for try := 0; taken[n] && try < 100; try++ {
			n = 900 + (n+1)%100
		}
		out[id], taken[n] = n, true
	}
	return out
}

func nnunet(t *trainSet) (tree.Dir, error) {
	at := t.d.Recipe.Published
	if t.refusal != "" {
		return refused(at, "nnU-Net", t.refusal), nil
	}
	name := func(c, channel int) string { return fmt.Sprintf("%s_%04d%s", t.d.CaseID(c), channel, t.ext()) }
	imagesTr, err := t.imageDir(t.train, name)
	if err != nil {
		return nil, err
	}
	labelsTr, err := t.labelDir(t.train)
	if err != nil {
		return nil, err
	}
	imagesTs, err := t.imageDir(t.test, name)
	if err != nil {
		return nil, err
	}
	labelsTs, err := t.labelDir(t.test)
	if err != nil {
		return nil, err
	}
	children := []tree.Child{
		{Name: "imagesTr", Node: imagesTr}, {Name: "labelsTr", Node: labelsTr},
		{Name: "imagesTs", Node: imagesTs}, {Name: "labelsTs", Node: labelsTs},
		{Name: "dataset.json", Node: newText(at, t.nnunetJSON)},
		tree.Bytes("README.txt", t.about("nnU-Net v2"), at),
	}
	if splits := t.nnunetSplits(); splits != nil {
		children = append(children, tree.Bytes("splits_final.json", splits, at))
	}
	return tree.Static(at, children...), nil
}

// nnunetJSON writes dataset.json. How many channels the PNGs have is in the
// header of the first.
func (t *trainSet) nnunetJSON(ctx context.Context) ([]byte, error) {
	channels, err := t.channelNames(ctx)
	if err != nil {
		return nil, err
	}
	r := t.d.Recipe
	doc := struct {
		Channels ordered   `json:"channel_names"`
		Labels   ordered   `json:"labels"`
		Order    []int     `json:"regions_class_order,omitempty"`
		Training int       `json:"numTraining"`
		Ending   string    `json:"file_ending"`
		Name     string    `json:"name"`
		About    string    `json:"description"`
		Ref      string    `json:"reference,omitempty"`
		License  string    `json:"license"`
		Values   *[]string `json:"label_values,omitempty"` // ours, for people
	}{
		Channels: channels, Labels: ordered{{"background", 0}}, Training: len(t.train), Ending: t.ext(),
		Name: r.ID, About: r.Title, Ref: r.Citation.DOI, License: r.License,
	}
	for i, class := range t.classes {
		values := t.values(i)
		if len(values) == 1 {
			doc.Labels = append(doc.Labels, pair{class, values[0]})
		} else {
			doc.Labels = append(doc.Labels, pair{class, values})
		}
	}
	if t.regions() {
		names := t.valueNames()
		doc.Values = &names
		doc.Labels, doc.Order = t.regionOrder()
	}
	return marshal(doc)
}

// regionOrder lists the classes with most values first and, for each, the value
// that nnU-Net writes where it finds the class: the smallest combination that
// it is in. What is written later stands above, so that nested classes come
// back whole.
func (t *trainSet) regionOrder() (labels ordered, order []int) {
	labels = ordered{{"background", 0}}
	done := make([]bool, len(t.classes))
	for range t.classes {
		best := -1
		for i := range t.classes {
			if !done[i] && (best < 0 || len(t.values(i)) > len(t.values(best))) {
				best = i
			}
		}
		done[best] = true
		values := t.values(best)
		if len(values) == 1 {
			labels = append(labels, pair{t.classes[best], values[0]})
		} else {
			labels = append(labels, pair{t.classes[best], values})
		}
		order = append(order, values[0]) // sets are sorted by the number of classes
	}
	return labels, order
}

// channelNames names the channels as nnU-Net picks the normalization by: "CT",
// the recipe's channels, or the samples of a PNG.
func (t *trainSet) channelNames(ctx context.Context) (ordered, error) {
	r := t.d.Recipe
	one := strings.ToUpper(r.Modality)
	if names := r.ChannelNames(); len(names) > 0 {
		var out ordered
		for k, slot := range t.images {
			name := t.d.Slots()[slot].Name
			if strings.EqualFold(name, "ct") {
				name = "CT"
			}
			out = append(out, pair{fmt.Sprint(k), name})
		}
		return out, nil
	}
	if t.d.Recipe.Form() == convertcore.NIfTI {
		return ordered{{"0", one}}, nil
	}
	h, err := t.d.Header(ctx, t.train[0], t.images[0])
	if err != nil {
		return nil, err
	}
	var out ordered
	for k, name := range map[int][]string{1: {one}, 2: {one, "alpha"}, 3: {"R", "G", "B"}, 4: {"R", "G", "B", "alpha"}}[h.Channels] {
		out = append(out, pair{fmt.Sprint(k), name})
	}
	return out, nil
}

// nnunetSplits is splits_final.json of one fold, where the authors gave a
// validation split: it goes into nnUNet_preprocessed.
func (t *trainSet) nnunetSplits() []byte {
	var fold struct {
		Train []string `json:"train"`
		Val   []string `json:"val"`
	}
	for _, c := range t.train {
		if t.d.Split(c) == "val" {
			fold.Val = append(fold.Val, t.d.CaseID(c))
		} else {
			fold.Train = append(fold.Train, t.d.CaseID(c))
		}
	}
	if len(fold.Val) == 0 || len(fold.Train) == 0 {
		return nil
	}
	data, _ := marshal([]any{fold}) // strings always marshal
	return data
}

// ordered is a JSON object whose keys stay in order, since the order of
// regions counts.
type ordered []pair

type pair struct {
	key   string
	value any
}

func (o ordered) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, p := range o {
		if i > 0 {
			b = append(b, ',')
		}
		for k, v := range []any{p.key, p.value} {
			data, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			if b = append(b, data...); k == 0 {
				b = append(b, ':')
			}
		}
	}
	return append(b, '}'), nil
}
