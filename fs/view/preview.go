package view

import (
	"context"
	"image/color"
	"strings"
	"time"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// preview/<case>.png is a picture for eyes: the image, of a volume the slice
// with the most foreground, with the contours of all classes and a legend. All
// previews have the same number of bytes.
func init() {
	RegisterFolder("preview", func(d *dataset.Dataset, _ Options) tree.Dir {
		return loadedDir(d, func(context.Context) (tree.Dir, error) {
			l := newLabelled(d)
			var names []string
			var cases []int
			for c := range d.NumCases() {
				if l.any(c, l.images) {
					names, cases = append(names, d.CaseID(c)+".png"), append(cases, c)
				}
			}
			return newFileDir(d.Recipe.Published, tree.KindFile, names, false, func(k int, _ bool) tree.Node {
				return &preview{l, cases[k]}
			})
		})
	})
}

// The picture is previewSide pixels square, the legend below it.
const (
	previewSide    = 512
	previewLegend  = 96
	previewVersion = "preview 1"
)

var previewSize = convertcore.RasterHeader(previewSide, previewSide+previewLegend, 3, 8).EncodedSize()

// classColors are those of Okabe and Ito, which people who see red and green
// alike can tell apart ("Color Universal Design", 2008). From the eighth class
// on contours are broken.
var classColors = []color.RGBA{
	{230, 159, 0, 255}, {86, 180, 233, 255}, {0, 158, 115, 255}, {240, 228, 66, 255},
	{213, 94, 0, 255}, {204, 121, 167, 255}, {0, 114, 178, 255},
}

type preview struct {
	l *labelled
	c int
}

func (f *preview) derived() *dataset.Derived {
	var slots []int
	for _, slot := range append(f.l.images[:1:1], f.l.masks...) {
		if slot >= 0 {
			slots = append(slots, slot)
		}
	}
	return &dataset.Derived{Dataset: f.l.d, Case: f.c, Slots: slots, Name: previewVersion + " of " + strings.Join(f.l.classes, ",")}
}

func (f *preview) ModTime() time.Time                  { return f.l.d.Recipe.Published }
func (f *preview) KnownSize() (int64, bool)            { return previewSize, true }
func (f *preview) Size(context.Context) (int64, error) { return previewSize, nil }
func (f *preview) Resident() bool                      { return f.derived().Cached() }
func (f *preview) Open(ctx context.Context) (blob.Blob, error) {
	return f.derived().OpenImage(ctx, false, func(ctx context.Context) (convertcore.Image, error) { return f.draw(ctx) })
}

// image is the first channel that the case has.
func (f *preview) image() int {
	for _, slot := range f.l.images {
		if f.l.d.Has(f.c, slot) {
			return slot
		}
	}
	return f.l.images[0]
}

func (f *preview) draw(ctx context.Context) (convertcore.Image, error) {
	d := f.l.d
	img, err := d.Pixels(ctx, f.c, f.image())
	if err != nil {
		return nil, err
	}
	defer img.Close()
	masks, err := f.masks(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, m := range masks {
			m.pixels.Close()
		}
	}()
	cut, err := chooseCut(ctx, d.Recipe.Modality, img, masks)
	if err != nil {
		return nil, err
	}
	p, err := newPicture(d.Recipe.Modality, img, cut, masks)
	if err != nil {
		return nil, err
	}
	p.caption = d.CaseID(f.c) + cut.text(img.Header)
	if err := p.paint(); err != nil {
		return nil, err
	}
	return convertcore.NewRaster(previewSide, previewSide+previewLegend, 3, 8, p.rgb())
}

// classMask is an open mask of one class.
type classMask struct {
	class  int
	name   string
	pixels *dataset.Pixels
	at     []byte // of the chosen slice: 1 where the class is; see picture
	count  int    // of pixels in the slice
}

// masks opens those that the case has. A mask on another grid than the image's
// is left out by name: the other channels' are not drawn on this one.
func (f *preview) masks(ctx context.Context) ([]*classMask, error) {
	var out []*classMask
	fail := func(err error) ([]*classMask, error) {
		for _, m := range out {
			m.pixels.Close()
		}
		return nil, err
	}
	for i, slot := range f.l.masks {
		if slot < 0 || !f.l.d.Has(f.c, slot) {
			continue
		}
		p, err := f.l.d.Pixels(ctx, f.c, slot)
		if err != nil {
			return fail(err)
		}
		out = append(out, &classMask{class: i, name: f.l.classes[i], pixels: p})
	}
	return out, nil
}
