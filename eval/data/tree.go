package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Tree is the standard tree under one root folder.
type Tree struct{ root string }

// Open returns the tree at root, which must hold a folder "datasets". Nothing
// else is read.
func Open(root string) (*Tree, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	st, err := os.Stat(filepath.Join(abs, "datasets"))
	if err != nil {
		return nil, fmt.Errorf("%s is no standard tree: %w", root, err)
	}
	if !st.IsDir() {
		return nil, fmt.Errorf("%s is no standard tree: datasets is no folder", root)
	}
	return &Tree{abs}, nil
}

// Datasets lists the dataset ids, sorted.
func (t *Tree) Datasets() ([]string, error) { return list(filepath.Join(t.root, "datasets")) }

// Case is one image with the labels of its classes, as paths.
type Case struct {
	ID     string
	Images []string          // sorted by name: one, or one a channel
	Labels map[string]string // class -> label file
}

// Classes lists the classes that the case has labels of, sorted.
func (c *Case) Classes() []string {
	names := make([]string, 0, len(c.Labels))
	for n := range c.Labels {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Dataset is the listing of one dataset; no image data is read for it.
type Dataset struct {
	ID     string
	Cases  []Case              // sorted by ID
	Splits map[string][]string // the authors' own: "train", "val", "test" -> case ids
}

// Dataset lists one dataset: its labels name the cases.
func (t *Tree) Dataset(id string) (*Dataset, error) {
	if id == "" || id != filepath.Base(id) || id == "." || id == ".." {
		return nil, fmt.Errorf("dataset %q: not a name", id)
	}
	dir := filepath.Join(t.root, "datasets", id)
	labels, err := listLabels(filepath.Join(dir, "labels"))
	if err != nil {
		return nil, fmt.Errorf("dataset %s: %w", id, err)
	}
	images, err := list(filepath.Join(dir, "images"))
	if err != nil {
		return nil, fmt.Errorf("dataset %s: %w", id, err)
	}
	d := &Dataset{ID: id}
	if d.Splits, err = readSplits(filepath.Join(dir, "metadata", "splits.json")); err != nil {
		return nil, fmt.Errorf("dataset %s: %w", id, err)
	}
	for c, files := range labels {
		d.Cases = append(d.Cases, Case{ID: c, Labels: files})
	}
	sort.Slice(d.Cases, func(i, j int) bool { return d.Cases[i].ID < d.Cases[j].ID })
	d.giveImages(filepath.Join(dir, "images"), images)
	return d, nil
}

// giveImages hands every image to its case: "<case>.ext", else the longest
// case that "<case>_<channel>.ext" begins with.
func (d *Dataset) giveImages(dir string, images []string) {
	at := make(map[string]int, len(d.Cases))
	for i, c := range d.Cases {
		at[c.ID] = i
	}
	for _, name := range images {
		id, ok := Stem(name)
		if !ok {
			continue
		}
		i, found := at[id]
		for !found {
			cut := strings.LastIndexByte(id, '_')
			if cut < 0 {
				break
			}
			id = id[:cut]
			i, found = at[id]
		}
		if found {
			d.Cases[i].Images = append(d.Cases[i].Images, filepath.Join(dir, name))
		}
	}
}

// Select returns the cases of a split; "" and "all" mean all. A split that the
// authors did not give is an error.
func (d *Dataset) Select(split string) ([]Case, error) {
	if split == "" || split == "all" {
		return d.Cases, nil
	}
	ids := d.Splits[split]
	if len(ids) == 0 {
		return nil, fmt.Errorf("dataset %s: its authors give no split %q", d.ID, split)
	}
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	var out []Case
	for _, c := range d.Cases {
		if wanted[c.ID] {
			out = append(out, c)
		}
	}
	return out, nil
}

func list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir) // sorted
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// listLabels returns case -> class -> file.
func listLabels(dir string) (map[string]map[string]string, error) {
	classes, err := list(dir)
	if err != nil {
		return nil, err
	}
	out := make(map[string]map[string]string)
	for _, class := range classes {
		files, err := list(filepath.Join(dir, class))
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			id, ok := Stem(f)
			if !ok {
				continue
			}
			if out[id] == nil {
				out[id] = make(map[string]string)
			}
			out[id][class] = filepath.Join(dir, class, f)
		}
	}
	return out, nil
}

// readSplits reads the lists of splits.json and ignores what else it says. No
// file means no splits.
func readSplits(path string) (map[string][]string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("splits.json: %w", err)
	}
	splits := make(map[string][]string)
	for name, raw := range fields {
		var ids []string
		if json.Unmarshal(raw, &ids) == nil {
			splits[name] = ids
		}
	}
	return splits, nil
}

// Stem returns a file's name without the extension of a readable image; false
// where it has none.
func Stem(name string) (string, bool) {
	for _, ext := range []string{".nii.gz", ".nii", ".png", ".npy"} {
		if s, ok := strings.CutSuffix(name, ext); ok && s != "" {
			return s, true
		}
	}
	return "", false
}
