package recipe

import (
	"embed"
	"io/fs"
)

// demo holds the demo catalog: its recipes, and their raw files in a folder
// each, made by scripts/make-demo.py.
//
//go:embed demo
var demo embed.FS

// Demo returns the recipes of the demo catalog, sorted by ID. Their platform is
// "embedded"; the record is a folder of DemoFS.
func Demo() ([]*Recipe, error) { return load(demo, "demo") }

// DemoFS holds the raw files of the demo datasets, a folder a record.
func DemoFS() fs.FS {
	sub, err := fs.Sub(demo, "demo")
	if err != nil { // only for an invalid name
		return demo
	}
	return sub
}
