package view

import (
	"slices"
	"sort"
	"strings"

	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/fs/tree"
)

// The cross-indexes are folders of relative links, known from the recipes.
func init() {
	Register("by-modality", crossIndex(func(d *dataset.Dataset) []string { return []string{d.Recipe.Modality} }))
	Register("by-license", crossIndex(func(d *dataset.Dataset) []string { return []string{d.Recipe.License} }))
	Register("by-anatomy", crossIndex(anatomies))
	Register("by-class", crossIndex(func(d *dataset.Dataset) []string { return d.Recipe.MaskClasses() }))
}

// crossIndex lists <value>/<id> for every value that keys gives for a dataset.
func crossIndex(keys func(*dataset.Dataset) []string) func(*Catalog) tree.Node {
	return func(c *Catalog) tree.Node {
		links := map[string][]tree.Child{}
		for _, d := range c.Datasets {
			for _, key := range keys(d) {
				if key == "" {
					key = "unknown"
				}
				links[key] = append(links[key], tree.Symlink(d.Recipe.ID, "../../datasets/"+d.Recipe.ID, d.Recipe.Published))
			}
		}
		var folders []tree.Child
		for key, in := range links {
			folders = append(folders, tree.Folder(key, c.ModTime(), in...))
		}
		sort.Slice(folders, func(i, j int) bool { return folders[i].Name < folders[j].Name })
		return tree.Static(c.ModTime(), folders...)
	}
}

// anatomies are the structures that a recipe names, separated by commas, in
// lower case.
func anatomies(d *dataset.Dataset) []string {
	var out []string
	for word := range strings.FieldsFuncSeq(strings.ToLower(d.Recipe.Anatomy), func(c rune) bool { return c == ',' || c == ';' || c == '/' }) {
		word = strings.TrimSpace(word)
		if tree.CheckName(word) == nil && !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	return out
}
