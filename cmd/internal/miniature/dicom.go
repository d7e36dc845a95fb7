package miniature

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"path"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
)

// DICOM as PS3.10 has it: explicit VR, little-endian.

type element struct {
	group, tag uint16
	vr         string
	value      []byte
}

func text(group, tag uint16, vr string, values ...any) element {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = fmt.Sprint(v)
	}
	return element{group, tag, vr, []byte(strings.Join(parts, `\`))}
}

func us(group, tag uint16, v int) element {
	return element{group, tag, "US", binary.LittleEndian.AppendUint16(nil, uint16(v))}
}

func sequence(group, tag uint16, items ...[]element) element {
	var out []byte
	for _, item := range items {
		body := elements(item)
		out = append(out, 0xfe, 0xff, 0x00, 0xe0)
		out = binary.LittleEndian.AppendUint32(out, uint32(len(body)))
		out = append(out, body...)
	}
	return element{group, tag, "SQ", out}
}

// elements writes a dataset; the caller has them in the order of their tags.
func elements(list []element) (out []byte) {
	le := binary.LittleEndian
	for _, e := range list {
		v := e.value
		if len(v)%2 == 1 {
			pad := byte(' ')
			if e.vr == "UI" || e.vr == "OB" {
				pad = 0
			}
			v = append(append([]byte(nil), v...), pad)
		}
		out = le.AppendUint16(out, e.group)
		out = le.AppendUint16(out, e.tag)
		out = append(out, e.vr...)
		switch e.vr {
		case "OB", "OW", "SQ":
			out = append(out, 0, 0)
			out = le.AppendUint32(out, uint32(len(v)))
		default:
			out = le.AppendUint16(out, uint16(len(v)))
		}
		out = append(out, v...)
	}
	return out
}

// part10 is a file of one object.
func part10(class, instance string, list []element) []byte {
	meta := elements([]element{{2, 1, "OB", []byte{0, 1}}, text(2, 2, "UI", class), text(2, 3, "UI", instance), text(2, 0x10, "UI", "1.2.840.10008.1.2.1"), text(2, 0x12, "UI", "1.2.826.0.1.3680043.2.1143")})
	out := append(make([]byte, 128), "DICM"...)
	out = append(out, elements([]element{{2, 0, "UL", binary.LittleEndian.AppendUint32(nil, uint32(len(meta)))}})...)
	out = append(out, meta...)
	return append(out, elements(append([]element{text(8, 0x16, "UI", class), text(8, 0x18, "UI", instance)}, list...))...)
}

func uidOf(words ...any) string {
	h := fnv.New64a()
	fmt.Fprint(h, words...)
	return fmt.Sprintf("1.2.826.0.1.3680043.9.%d", h.Sum64())
}

const ctClass = "1.2.840.10008.5.1.4.1.1.2"

// position is the center of a voxel in the patient, in LPS as DICOM has it.
func (p *Picture) position(x, y, z float64) [3]float64 {
	return lps([3]float64{p.Origin[0] + x*p.Spacing[0], p.Origin[1] + y*p.Spacing[1], p.Origin[2] + z*p.Spacing[2]})
}

func orientation() element { return text(0x20, 0x37, "DS", -1, 0, 0, 0, -1, 0) }

func (p *Picture) place(z int) element {
	o := p.position(0, 0, float64(z))
	return text(0x20, 0x32, "DS", o[0], o[1], o[2])
}

// ctSlices writes a volume as a series of CT images.
func ctSlices(p *Picture, series string) [][]byte {
	var out [][]byte
	n := p.W * p.H
	for z := range p.D {
		var px []byte
		for _, v := range p.Px[z*n : (z+1)*n] {
			px = binary.LittleEndian.AppendUint16(px, uint16(int16(v)))
		}
		out = append(out, part10(ctClass, uidOf(series, z), []element{
			text(8, 0x60, "CS", "CT"), text(0x18, 0x50, "DS", p.Spacing[2]),
			text(0x20, 0x0d, "UI", uidOf(series, "study")), text(0x20, 0x0e, "UI", series), text(0x20, 0x13, "IS", z+1),
			p.place(z), orientation(), text(0x20, 0x52, "UI", uidOf(series, "frame")),
			us(0x28, 2, 1), text(0x28, 4, "CS", "MONOCHROME2"), us(0x28, 0x10, p.H), us(0x28, 0x11, p.W),
			text(0x28, 0x30, "DS", p.Spacing[1], p.Spacing[0]), us(0x28, 0x100, 16), us(0x28, 0x101, 16), us(0x28, 0x102, 15), us(0x28, 0x103, 1),
			text(0x28, 0x1052, "DS", 0), text(0x28, 0x1053, "DS", 1), {0x7fe0, 0x10, "OW", px},
		}))
	}
	return out
}

// box is the voxels of one object.
type box struct {
	number                 int
	name                   string
	x0, y0, z0, x1, y1, z1 int
}

func (b box) has(x, y, z int) bool {
	return x >= b.x0 && x < b.x1 && y >= b.y0 && y < b.y1 && z >= b.z0 && z < b.z1
}

// segBytes writes boxes as a binary segmentation, a frame a slice and segment.
func segBytes(p *Picture, series string, boxes []box) []byte {
	var segments, frames [][]element
	var bits []byte
	n := 0
	for _, b := range boxes {
		segments = append(segments, []element{us(0x62, 4, b.number), text(0x62, 5, "LO", b.name), text(0x62, 8, "CS", "MANUAL")})
		for z := b.z0; z < b.z1; z++ {
			frames = append(frames, []element{
				sequence(8, 0x9124, []element{sequence(8, 0x2112, []element{text(8, 0x1150, "UI", ctClass), text(8, 0x1155, "UI", uidOf(series, z))})}),
				sequence(0x20, 0x9113, []element{p.place(z)}), sequence(0x62, 0x0a, []element{us(0x62, 0x0b, b.number)}),
			})
			for i := range p.W * p.H {
				if n%8 == 0 {
					bits = append(bits, 0)
				}
				if b.has(i%p.W, i/p.W, z) {
					bits[n/8] |= 1 << (n % 8)
				}
				n++
			}
		}
	}
	const class = "1.2.840.10008.5.1.4.1.1.66.4"
	return part10(class, uidOf(series, "seg"), []element{
		text(8, 0x60, "CS", "SEG"), sequence(8, 0x1115, []element{text(0x20, 0x0e, "UI", series)}),
		text(0x20, 0x0d, "UI", uidOf(series, "study")), text(0x20, 0x0e, "UI", uidOf(series, "segs")), text(0x20, 0x52, "UI", uidOf(series, "frame")),
		us(0x28, 2, 1), text(0x28, 4, "CS", "MONOCHROME2"), text(0x28, 8, "IS", len(frames)), us(0x28, 0x10, p.H), us(0x28, 0x11, p.W),
		us(0x28, 0x100, 1), us(0x28, 0x101, 1), us(0x28, 0x102, 0), us(0x28, 0x103, 0),
		text(0x62, 1, "CS", "BINARY"), sequence(0x62, 2, segments...),
		sequence(0x5200, 0x9229, []element{
			sequence(0x20, 0x9116, []element{orientation()}),
			sequence(0x28, 0x9110, []element{text(0x18, 0x50, "DS", p.Spacing[2]), text(0x28, 0x30, "DS", p.Spacing[1], p.Spacing[0])}),
		}),
		sequence(0x5200, 0x9230, frames...), {0x7fe0, 0x10, "OB", bits},
	})
}

// rtBytes writes boxes as a structure set, a contour a slice, along the voxels'
// edges.
func rtBytes(p *Picture, series string, boxes []box) []byte {
	var rois, contours [][]element
	for _, b := range boxes {
		rois = append(rois, []element{text(0x3006, 0x22, "IS", b.number), text(0x3006, 0x24, "UI", uidOf(series, "frame")), text(0x3006, 0x26, "LO", b.name)})
		var list [][]element
		for z := b.z0; z < b.z1; z++ {
			var points []any
			for _, c := range [][2]int{{b.x0, b.y0}, {b.x1, b.y0}, {b.x1, b.y1}, {b.x0, b.y1}} {
				o := p.position(float64(c[0])-0.5, float64(c[1])-0.5, float64(z))
				points = append(points, o[0], o[1], o[2])
			}
			list = append(list, []element{
				sequence(0x3006, 0x16, []element{text(8, 0x1150, "UI", ctClass), text(8, 0x1155, "UI", uidOf(series, z))}),
				text(0x3006, 0x42, "CS", "CLOSED_PLANAR"), text(0x3006, 0x46, "IS", 4), text(0x3006, 0x50, "DS", points...),
			})
		}
		contours = append(contours, []element{sequence(0x3006, 0x40, list...), text(0x3006, 0x84, "IS", b.number)})
	}
	refs := sequence(0x3006, 0x10, []element{text(0x20, 0x52, "UI", uidOf(series, "frame")), sequence(0x3006, 0x12, []element{
		sequence(0x3006, 0x14, []element{text(0x20, 0x0e, "UI", series)})})})
	return part10("1.2.840.10008.5.1.4.1.1.481.3", uidOf(series, "rt"), []element{
		text(8, 0x60, "CS", "RTSTRUCT"), text(0x20, 0x0d, "UI", uidOf(series, "study")), text(0x20, 0x0e, "UI", uidOf(series, "rts")),
		refs, sequence(0x3006, 0x20, rois...), sequence(0x3006, 0x39, contours...),
	})
}

// series writes the slices of a case's image and returns their raw paths.
func (b *builder) series(ch *recipe.Channel, i int, bound binding, c *Case, p *Picture) ([]string, error) {
	if p.D == 1 || p.C != 1 {
		return nil, cannot("a series in 2-D")
	}
	if ch.Stack != nil {
		return nil, cannot("stacked images")
	}
	p.Float, p.Turned = false, []string{"y"}
	for k := range p.Px {
		p.Px[k] = float64(b.rng.IntN(3000) - 1000)
	}
	pattern, err := b.choose(ch.Image, bound)
	if err != nil {
		return nil, err
	}
	var out []string
	for z, data := range ctSlices(p, seriesOf(bound, c, ch.Name)) {
		name, err := b.fill(pattern, recipe.Filling{Texts: bound.texts, Stars: repeated("1.3."+fmt.Sprint(i), pattern.Stars()-1), Star: fmt.Sprintf("s%02d", z), Folder: folderOf(i), Alt: i}, ch.Table)
		if err != nil {
			return nil, err
		}
		b.extra[name] = data
		out = append(out, name)
	}
	return out, nil
}

func repeated(s string, n int) (out []string) {
	for range n {
		out = append(out, s)
	}
	return out
}

// seriesOf is the UID of a case's series: the placeholder's where the layout has
// one.
func seriesOf(bound binding, c *Case, channel string) string {
	if uid, ok := bound.texts["series"]; ok {
		return uid
	}
	return uidOf(c.ID, channel)
}

// isObject reports whether a class is a segment or a ROI of a DICOM object.
func isObject(cl *recipe.Class) bool {
	_, seg := cl.Select["segment"]
	_, roi := cl.Select["roi"]
	return seg || roi
}

// objects writes the segmentation or structure set of a group.
func (b *builder) objects(g *group, i int, c *Case, bound binding, grid *Picture) error {
	cl := g.classes[0]
	paths, err := b.labelPaths(cl, i, c, bound)
	if err != nil {
		return err
	}
	name := paths[0]
	var boxes []box
	n := len(g.classes)
	for k, cl := range g.classes {
		want, ok := cl.Select["segment"]
		if !ok {
			want = cl.Select["roi"]
		}
		if list, ok := want.([]any); ok {
			want = list[0]
		}
		x := box{number: k + 1, x0: k * grid.W / n, x1: (k + 1) * grid.W / n, y0: b.rng.IntN(4), z0: b.rng.IntN(3)}
		x.y1, x.z1 = x.y0+2+b.rng.IntN(4), x.z0+1+b.rng.IntN(3)
		switch v := want.(type) {
		case int64:
			x.number, x.name = int(v), fmt.Sprintf("object %d", v)
		case string:
			if cl.Select["regex"] == true || strings.ContainsAny(v, "[") {
				return cannot("the pattern %q of a name", v)
			}
			x.name = strings.NewReplacer("*", "x", "?", "y", `\`, "").Replace(v)
		}
		boxes = append(boxes, x)
	}
	if _, ok := cl.Select["segment"]; ok {
		b.extra[name] = segBytes(grid, seriesOf(bound, c, cl.Channel), boxes)
	} else {
		b.extra[name] = rtBytes(grid, seriesOf(bound, c, cl.Channel), boxes)
	}
	for _, cl := range g.classes {
		mask := make([]byte, grid.pixels())
		for _, x := range boxes {
			if !named(cl, x) {
				continue
			}
			for j := range mask {
				if x.has(j%grid.W, j/grid.W%grid.H, j/grid.W/grid.H) {
					mask[j] = 1
				}
			}
		}
		c.Masks[cl.Name], c.Raw["labels/"+cl.Name] = mask, []string{name}
	}
	return nil
}

// named reports whether a class means an object, by its number or name.
func named(cl *recipe.Class, x box) bool {
	want, ok := cl.Select["segment"]
	if !ok {
		want = cl.Select["roi"]
	}
	list, ok := want.([]any)
	if !ok {
		list = []any{want}
	}
	for _, w := range list {
		switch v := w.(type) {
		case int64:
			if int(v) == x.number {
				return true
			}
		case string:
			name := x.name
			if cl.Select["ignore_case"] == true {
				v, name = strings.ToLower(v), strings.ToLower(name)
			}
			if ok, err := path.Match(v, name); ok && err == nil {
				return true
			}
		}
	}
	return false
}

// stacked writes the slices of a label map, a picture each.
func (b *builder) stacked(g *group, i int, c *Case, bound binding, grid *Picture) error {
	cl := g.classes[0]
	if cl.Stack == nil || cl.Stack.Axis != "" && cl.Stack.Axis != "z" || cl.Stack.Number != "" || cl.Stack.Spacing != nil {
		return cannot("series of labels")
	}
	pattern, err := b.choose(cl.Label, bound)
	if err != nil {
		return err
	}
	texts, err := b.labelTexts(cl, c, bound.texts)
	if err != nil {
		return err
	}
	first, err := b.fill(pattern, recipe.Filling{Texts: texts, Star: "g000", Folder: folderOf(i), Alt: i}, cl.Table)
	if err != nil {
		return err
	}
	pic, err := b.labelMap(g, grid, first)
	if err != nil {
		return err
	}
	stored := pic.flipped(grid.Turned).flipped(cl.Flip)
	var paths []string
	n := grid.W * grid.H * pic.C
	for z := range grid.D {
		name, err := b.fill(pattern, recipe.Filling{Texts: texts, Star: fmt.Sprintf("g%03d", z), Folder: folderOf(i), Alt: i}, cl.Table)
		if err != nil {
			return err
		}
		slice := newPicture(grid.W, grid.H, 1, pic.C)
		slice.Bits = max(8, stored.Bits)
		copy(slice.Px, stored.Px[z*n:(z+1)*n])
		b.put(name, piece{recipe.Reading{}, "", slice})
		paths = append(paths, name)
	}
	for _, cl := range g.classes {
		mask := make([]byte, grid.pixels())
		for j := range mask {
			ok, err := picks(cl.Select, pic.Px[j*pic.C:(j+1)*pic.C])
			if err != nil {
				return err
			}
			if ok {
				mask[j] = 1
			}
		}
		c.Masks[cl.Name], c.Raw["labels/"+cl.Name] = mask, paths
	}
	return nil
}
