package miniature

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
)

// isShapes reports whether a class is drawn from a file of shapes.
func isShapes(cl *recipe.Class) bool {
	_, ok := cl.Select["polygons"]
	return ok
}

// shapeFile collects the shapes of one raw file, by image.
type shapeFile struct {
	sel    map[string]any // of any of its classes
	images []shapeImage
}

type shapeImage struct {
	name   string // of the image's file
	w, h   int
	shapes []rectangle
}

// rectangle is pixels x0 ≤ x < x1, y0 ≤ y < y1 of a class.
type rectangle struct {
	class          string
	x0, y0, x1, y1 int
}

// ring is the outline of a rectangle, as the options of the recipe count.
func (r rectangle) ring(sel map[string]any, h int) [][2]float64 {
	offset, scale := 0.5, 1.0
	if sel["origin"] == "corner" {
		offset = 0
	}
	if s, ok := sel["scale"]; ok {
		scale = num(s)
	}
	var out [][2]float64
	for _, p := range [][2]int{{r.x0, r.y0}, {r.x1, r.y0}, {r.x1, r.y1}, {r.x0, r.y1}} {
		x, y := float64(p[0])-offset, float64(p[1])-offset
		if sel["y_up"] == true {
			// y' counts from the lower edge, where the first row's centre is h-1
			// or, by corners, h.
			y = float64(h) - 2*offset - y
		}
		q := [2]float64{x / scale, y / scale}
		if sel["yx"] == true {
			q[0], q[1] = q[1], q[0]
		}
		out = append(out, q)
	}
	return out
}

// wordsOf are the classes of a file that a selector takes; none: all.
func wordsOf(sel map[string]any) (out []string) {
	switch v := sel["class"].(type) {
	case nil:
	case []any:
		for _, x := range v {
			out = append(out, fmt.Sprint(x))
		}
	default:
		out = append(out, fmt.Sprint(v))
	}
	return out
}

// shapes adds the outlines of a case to the files of a group, and its masks.
func (b *builder) shapes(g *group, i int, c *Case, bound binding, grid *Picture) error {
	cl := g.classes[0]
	if grid.D > 1 {
		return cannot("shapes on volumes")
	}
	paths, err := b.shapePaths(cl, i, c, bound)
	if err != nil {
		return err
	}
	image := ""
	for _, ch := range b.channels() {
		if c.Images[ch.Name] == grid {
			image = path.Base(c.Raw["images/"+ch.Name][0])
		}
	}
	im := shapeImage{name: image, w: grid.W, h: grid.H}
	n := len(g.classes)
	if grid.W < 2*n {
		return cannot("%d classes of shapes in %d columns", n, grid.W)
	}
	for k, cl := range g.classes {
		word := "thing"
		if words := wordsOf(cl.Select); len(words) > 0 {
			word = words[i%len(words)]
		}
		x0, x1 := k*grid.W/n, (k+1)*grid.W/n
		y := b.rng.IntN(grid.H - 8)
		im.shapes = append(im.shapes, rectangle{word, x0, y, x1, y + 3}, rectangle{word, x0 + 1, y + 5, x1, y + 8})
	}
	if b.outlines == nil {
		b.outlines = map[string]*shapeFile{}
	}
	for k, p := range paths {
		f := b.outlines[p]
		if f == nil {
			f = &shapeFile{sel: cl.Select}
			b.outlines[p] = f
		}
		if k == i%len(paths) {
			f.images = append(f.images, im)
		}
	}
	for _, cl := range g.classes {
		mask := make([]byte, grid.pixels())
		words := wordsOf(cl.Select)
		for _, s := range im.shapes {
			for y := s.y0; y < s.y1 && (words == nil || slices.Contains(words, s.class)); y++ {
				for x := s.x0; x < s.x1; x++ {
					mask[y*grid.W+x] = 1
				}
			}
		}
		c.Masks[cl.Name], c.Raw["labels/"+cl.Name] = mask, paths
	}
	return nil
}

// shapePaths are the files of a group in a case: those of the record that the
// pattern means where it stands for files of the record itself.
func (b *builder) shapePaths(cl *recipe.Class, i int, c *Case, bound binding) ([]string, error) {
	p, err := b.choose(cl.Label, bound)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, f := range b.r.Source.Files {
		if p.Match(f.Name, make([]string, len(p.Names()))) && len(p.Names()) == 0 {
			out = append(out, f.Name)
		}
	}
	if out != nil {
		slices.Sort(out)
		return out, nil
	}
	texts, err := b.labelTexts(cl, c, bound.texts)
	if err != nil {
		return nil, err
	}
	one, err := b.fill(p, recipe.Filling{Texts: texts, Star: "shapes", Folder: folderOf(i), Alt: 0}, cl.Table)
	return []string{one}, err
}

// outlineFiles writes the files of shapes.
func (b *builder) outlineFiles() error {
	for name, f := range b.outlines {
		data, err := f.encode()
		if err != nil {
			return err
		}
		b.extra[name] = data
	}
	return nil
}

func (f *shapeFile) encode() ([]byte, error) {
	var doc any
	switch kind := f.sel["polygons"]; kind {
	case "coco":
		doc = f.coco()
	case "labelme":
		doc = f.labelMe()
	case "geojson":
		doc = f.geoJSON()
	case "json":
		var err error
		if doc, err = f.json(); err != nil {
			return nil, err
		}
	case "txt":
		return f.txt(), nil
	case "aperio":
		return f.aperio(), nil
	default:
		return nil, cannot("polygons = %v", kind)
	}
	return json.Marshal(doc)
}

type object = map[string]any

func (f *shapeFile) coco() any {
	var images, annotations, categories []object
	ids := map[string]int{}
	for i, im := range f.images {
		images = append(images, object{"id": i + 7, "file_name": im.name, "width": im.w, "height": im.h})
		for _, s := range im.shapes {
			id, ok := ids[s.class]
			if !ok {
				if id = len(ids) + 1; f.sel["class_key"] == "id" {
					fmt.Sscan(s.class, &id)
				}
				ids[s.class] = id
				categories = append(categories, object{"id": id, "name": s.class})
			}
			var flat []float64
			for _, p := range s.ring(f.sel, im.h) {
				flat = append(flat, p[0], p[1])
			}
			a := object{"id": len(annotations) + 1, "image_id": i + 7, "category_id": id, "iscrowd": 0, "segmentation": [][]float64{flat}}
			if key, ok := f.sel["class_key"].(string); ok && key != "id" {
				a[key] = json.Number(s.class)
			}
			annotations = append(annotations, a)
		}
	}
	return object{"images": images, "annotations": annotations, "categories": categories}
}

func (f *shapeFile) each(add func(im shapeImage, s rectangle)) {
	for _, im := range f.images {
		for _, s := range im.shapes {
			add(im, s)
		}
	}
}

func (f *shapeFile) labelMe() any {
	list := []object{}
	f.each(func(im shapeImage, s rectangle) {
		list = append(list, object{"label": s.class, "shape_type": "polygon", "points": s.ring(f.sel, im.h)})
	})
	return object{"version": "5.0", "shapes": list}
}

func (f *shapeFile) geoJSON() any {
	key := "properties.classification.name"
	if k, ok := f.sel["class_key"].(string); ok {
		key = k
	}
	list := []object{}
	f.each(func(im shapeImage, s rectangle) {
		ring := s.ring(f.sel, im.h)
		feature := object{"type": "Feature", "geometry": object{"type": "Polygon", "coordinates": [][][2]float64{append(ring, ring[0])}}}
		if err := setAt(feature, strings.Split(key, "."), s.class); err == nil {
			list = append(list, feature)
		}
	})
	return object{"type": "FeatureCollection", "features": list}
}

// json is a ring a shape, or a list of images with rings and classes beside them.
func (f *shapeFile) json() (any, error) {
	key, _ := f.sel["key"].(string)
	classKey, _ := f.sel["class_key"].(string)
	imageKey, _ := f.sel["image_key"].(string)
	var rings [][][2]float64
	if key == "" && classKey == "" && imageKey == "" {
		f.each(func(im shapeImage, s rectangle) { rings = append(rings, s.ring(f.sel, im.h)) })
		return rings, nil
	}
	field, ok := strings.CutPrefix(key, "*.")
	if !ok || strings.Contains(field, "*") || imageKey == "" {
		return nil, cannot("polygons = json with the key %q", key)
	}
	var list []object
	for _, im := range f.images {
		var rings [][][2]float64
		var classes []string
		for _, s := range im.shapes {
			rings, classes = append(rings, s.ring(f.sel, im.h)), append(classes, s.class)
		}
		list = append(list, object{field: rings, classKey: classes, imageKey: im.name})
	}
	return list, nil
}

func (f *shapeFile) txt() []byte {
	sep := " "
	if s, ok := f.sel["separator"].(string); ok {
		sep = s
	}
	var b strings.Builder
	f.each(func(im shapeImage, s rectangle) {
		for _, p := range s.ring(f.sel, im.h) {
			fmt.Fprintf(&b, "%g%s%g\n", p[0], sep, p[1])
		}
		b.WriteString("\n")
	})
	return []byte(b.String())
}

func (f *shapeFile) aperio() []byte {
	key := "Name"
	if k, ok := f.sel["class_key"].(string); ok {
		key = k
	}
	var b strings.Builder
	b.WriteString("<Annotations>")
	f.each(func(im shapeImage, s rectangle) {
		fmt.Fprintf(&b, "<Annotation %s=%q><Regions><Region NegativeROA=\"0\"><Vertices>", key, s.class)
		for _, p := range s.ring(f.sel, im.h) {
			fmt.Fprintf(&b, "<Vertex X=\"%g\" Y=\"%g\" Z=\"0\"/>", p[0], p[1])
		}
		b.WriteString("</Vertices></Region></Regions></Annotation>")
	})
	b.WriteString("</Annotations>")
	return []byte(b.String())
}
