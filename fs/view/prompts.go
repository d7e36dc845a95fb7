package view

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/robot"
	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// views/prompts/<id>/<user>/<class>/<case>.json is what a robot user would draw
// first on the mask of a class: what "omnieval prompts MASK --user USER --json"
// prints, filled up with line ends to a length that the kind of user has alone.
func init() {
	Register("views/prompts", func(c *Catalog) tree.Node {
		var children []tree.Child
		for _, d := range c.mapped() {
			var users []tree.Child
			for _, name := range robot.Names() {
				if d.Recipe.Dim == 3 && strings.HasPrefix(name, robot.Polygon+":") {
					continue // polygons are drawn in two dimensions
				}
				users = append(users, tree.Child{Name: name, Node: promptUser(d, name)})
			}
			children = append(children, tree.Folder(d.Recipe.ID, d.Recipe.Published, users...))
		}
		return tree.Static(c.ModTime(), children...)
	})
}

// promptSizes are the lengths of the files of each kind of user, in bytes.
var promptSizes = map[string]int64{robot.Click: 512, robot.Box: 1024, robot.Polygon: 64 << 10, robot.Scribble: 1 << 20}

func promptUser(d *dataset.Dataset, user string) tree.Dir {
	return loadedDir(d, func(context.Context) (tree.Dir, error) {
		var classes []tree.Child
		for slot, s := range d.Slots() {
			if s.Kind != convertcore.KindLabel {
				continue
			}
			var names []string
			var cases []int
			for c := range d.NumCases() {
				if d.Has(c, slot) {
					names, cases = append(names, d.CaseID(c)+".json"), append(cases, c)
				}
			}
			dir, err := newFileDir(d.Recipe.Published, tree.KindFile, names, false, func(k int, _ bool) tree.Node {
				return &promptFile{d, cases[k], slot, user}
			})
			if err != nil {
				return nil, err
			}
			classes = append(classes, tree.Child{Name: s.Name, Node: dir})
		}
		return tree.Static(d.Recipe.Published, classes...), nil
	})
}

type promptFile struct {
	d       *dataset.Dataset
	c, slot int
	user    string
}

func (f *promptFile) size() int64 {
	kind, _, _ := strings.Cut(f.user, ":")
	return promptSizes[kind]
}

func (f *promptFile) derived() *dataset.Derived {
	return &dataset.Derived{Dataset: f.d, Case: f.c, Slots: []int{f.slot}, Name: "prompt 1 of " + f.user}
}

func (f *promptFile) ModTime() time.Time                  { return f.d.Recipe.Published }
func (f *promptFile) KnownSize() (int64, bool)            { return f.size(), true }
func (f *promptFile) Size(context.Context) (int64, error) { return f.size(), nil }
func (f *promptFile) Resident() bool                      { return f.derived().Cached() }
func (f *promptFile) Open(ctx context.Context) (blob.Blob, error) {
	return f.derived().OpenBytes(ctx, func(ctx context.Context, w io.Writer) error {
		text, err := f.prompt(ctx)
		if err != nil {
			return err
		}
		if int64(len(text)) > f.size() {
			return fmt.Errorf("%w: the prompt has %d bytes, and files here %d; omnieval prompts prints it", convertcore.ErrUnsupported, len(text), f.size())
		}
		_, err = w.Write(append(text, bytes.Repeat([]byte{'\n'}, int(f.size())-len(text))...))
		return err
	})
}

// prompt is the JSON of the first prompt on an empty prediction; null where the
// mask is empty.
func (f *promptFile) prompt(ctx context.Context) ([]byte, error) {
	img, err := f.d.Image(ctx, f.c, f.slot)
	if err != nil {
		return nil, err
	}
	truth, err := toMask(img)
	if err != nil {
		return nil, err
	}
	user, err := robot.Parse(f.user)
	if err != nil {
		return nil, err
	}
	drawn, ok, err := user.Prompt(robot.Of(truth), robot.Key{User: user.Name()}.Rand())
	if err != nil {
		return nil, err
	}
	var v any
	if ok {
		v = drawn
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err = e.Encode(v)
	return b.Bytes(), err
}

// toMask gives a served mask its array order: rows and columns of a PNG, i, j, k
// of a volume.
func toMask(img convertcore.Image) (*mask.Mask, error) {
	h := img.Header()
	if h.Form == convertcore.PNG {
		return mask.FromBytes([]int{h.Dims[1], h.Dims[0]}, nil, img.Payload(), mask.COrder)
	}
	if h.Dims[3] != 1 {
		return nil, fmt.Errorf("%w: a mask of %d volumes", convertcore.ErrUnsupported, h.Dims[3])
	}
	dims, spacing := slices.Clone(h.Dims[:3]), []float64{1, 1, 1}
	lead := img.Lead()
	for a := range spacing { // pixdim, as omnieval reads it
		s := math.Abs(float64(math.Float32frombits(binary.LittleEndian.Uint32(lead[80+4*a:]))))
		if s > 0 && !math.IsInf(s, 0) {
			spacing[a] = s
		}
	}
	if binary.LittleEndian.Uint16(lead[40:]) == 2 { // dim[0]
		dims, spacing = dims[:2], spacing[:2]
	}
	return mask.FromBytes(dims, spacing, img.Payload(), mask.FortranOrder)
}
