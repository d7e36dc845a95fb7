package label

import (
	"context"
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// {polygons="labelme", class="tumor"} draws the shapes of a file. The values
// of polygons are the formats of shapeFormats; class names those that are
// drawn (a text or a list; none: all), by the file's own words.
//
// Options: key (CSV, JSON: where the points are), class_key, image_key,
// separator (TXT, CSV), origin "corner" (the point (0,0) is the corner of the
// first pixel and not its centre), scale (pixels a unit), y_up, yx (y before
// x), angle "radians" or "degrees" of ellipses.
func init() {
	Register("polygons", newPolygons, "class", "key", "class_key", "image_key", "separator", "origin", "scale", "y_up", "yx", "header", "unlisted")
}

// shapesOf reads the shapes of a file by the key of the image that they are of; ""
// where the file is of one image.
type shapesOf func(data []byte, o *options) (map[string][]shape, error)

// shapeFormats are the values of "polygons"; many tells formats whose files
// are of many images.
var shapeFormats = map[string]struct {
	read shapesOf
	many bool
}{}

// registerShapes adds a format; it is called from init.
func registerShapes(name string, read shapesOf, many bool) {
	if _, ok := shapeFormats[name]; ok {
		panic("label: shapes " + name + " registered twice")
	}
	shapeFormats[name] = struct {
		read shapesOf
		many bool
	}{read, many}
}

// options are what the recipe says of a file of shapes.
type options struct {
	format, key, classKey, imageKey, separator, unlisted string
	header                                               bool
	classes                                              []string
	place                                                placing
}

// Polygons draws the shapes of a file onto the image's grid.
type Polygons struct{ options }

// manyPolygons is Polygons of files that describe many images.
type manyPolygons struct {
	*Polygons
	image string
}

func newPolygons(arg any) (convertcore.Selector, error) {
	table, ok := arg.(map[string]any)
	if !ok {
		table = map[string]any{"polygons": arg}
	}
	p := &Polygons{options{place: placing{scale: 1}}}
	texts := map[string]*string{"polygons": &p.format, "key": &p.key, "class_key": &p.classKey, "image_key": &p.imageKey, "separator": &p.separator, "unlisted": &p.unlisted}
	bools := map[string]*bool{"y_up": &p.place.yUp, "yx": &p.place.swap, "header": &p.header}
	for name, v := range table {
		switch {
		case texts[name] != nil:
			if *texts[name], ok = v.(string); !ok {
				return nil, fmt.Errorf("%s: %v is no text", name, v)
			}
		case bools[name] != nil:
			if *bools[name], ok = v.(bool); !ok {
				return nil, fmt.Errorf("%s: %v is neither true nor false", name, v)
			}
		}
	}
	f, ok := shapeFormats[p.format]
	if !ok {
		var names []string
		for name := range shapeFormats {
			names = append(names, name)
		}
		slices.Sort(names)
		return nil, fmt.Errorf("%q is none of %s", p.format, strings.Join(names, ", "))
	}
	if err := p.numbers(table); err != nil {
		return nil, err
	}
	if f.many || p.imageKey != "" {
		return &manyPolygons{Polygons: p}, nil
	}
	return p, nil
}

func (p *Polygons) numbers(table map[string]any) (err error) {
	switch v := table["origin"]; v {
	case "corner":
		p.place.offset = 0.5
	case nil, "center":
	default:
		return fmt.Errorf("origin: %v is neither corner nor center", v)
	}
	if v, ok := table["scale"]; ok {
		if p.place.scale, err = number(v); err != nil || !(p.place.scale > 0) || math.IsInf(p.place.scale, 0) {
			return fmt.Errorf("scale: %v is no factor", v)
		}
	}
	list, ok := table["class"].([]any)
	if !ok && table["class"] != nil {
		list = []any{table["class"]}
	}
	for _, v := range list {
		p.classes = append(p.classes, fmt.Sprint(v))
	}
	return nil
}

// Mask is not called: shapes are drawn.
func (p *Polygons) Mask([]byte, convertcore.Image) error {
	return unsupported("shapes are no pixels")
}

// Draw implements convertcore.Drawer.
func (p *Polygons) Draw(ctx context.Context, dst []byte, raw convertcore.Raw, paths []string, grid convertcore.Header) ([]string, error) {
	return nil, p.draw(ctx, dst, raw, paths, grid, "")
}

// ForCase implements Caser.
func (m *manyPolygons) ForCase(image string, _ *convertcore.Case) convertcore.Drawer {
	return &manyPolygons{m.Polygons, image}
}

// Draw draws the shapes of one image.
func (m *manyPolygons) Draw(ctx context.Context, dst []byte, raw convertcore.Raw, paths []string, grid convertcore.Header) ([]string, error) {
	return nil, m.draw(ctx, dst, raw, paths, grid, m.image)
}

func (p *Polygons) draw(ctx context.Context, dst []byte, raw convertcore.Raw, paths []string, grid convertcore.Header, image string) error {
	c, err := newCanvas(dst, grid)
	if err != nil {
		return err
	}
	known := false
	for _, file := range paths {
		kind := fmt.Sprintf("%s %q %q %q %q %v", p.format, p.key, p.classKey, p.imageKey, p.separator, p.header)
		all, err := parsed(ctx, kind, raw, file, func(data []byte) (map[string][]shape, error) {
			return shapeFormats[p.format].read(data, &p.options)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		list, ok := all[""], image == ""
		if image != "" {
			list, ok = forImage(all, image)
		}
		known = known || ok
		for i := range list {
			if len(p.classes) > 0 && !slices.Contains(p.classes, list[i].class) {
				continue
			}
			if err := list[i].draw(c, &p.place); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	if !known && image != "" && p.unlisted != "empty" {
		return mismatch("%s has nothing of %s", paths[0], image)
	}
	return nil
}

// forImage finds an image by its raw path, or by what of it the file names: the
// last elements of the path, the file name, or that without its extension.
func forImage(all map[string][]shape, image string) ([]shape, bool) {
	image = strings.ReplaceAll(image, "!/", "/")
	for rest := image; ; {
		if list, ok := all[rest]; ok {
			return list, true
		}
		i := strings.IndexByte(rest, '/')
		if i < 0 {
			break
		}
		rest = rest[i+1:]
	}
	base := path.Base(image)
	list, ok := all[strings.TrimSuffix(base, path.Ext(base))]
	return list, ok
}

// coordinate reads a finite number.
func coordinate(text string) (float64, error) {
	x, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, malformed("%.40q is no coordinate", text)
	}
	return x, nil
}
