package view

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"slices"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// picture is a preview being painted.
type picture struct {
	dst     *image.RGBA
	view    convertcore.View // as stored, row 0 on top
	masks   []*classMask     // their "at" as view
	pose    pose
	box     image.Rectangle // where the image goes
	caption string
}

// newPicture reads the slice of image and masks and lays it out.
func newPicture(modality string, img *dataset.Pixels, c cut, masks []*classMask) (*picture, error) {
	p := &picture{dst: image.NewRGBA(image.Rect(0, 0, previewSide, previewSide+previewLegend)), pose: pose{y: 1}}
	h := img.Header
	spacing := [3]float64{1, 1, 1}
	if h.Form == convertcore.NIfTI {
		p.pose, spacing = c.pose(), c.spacing
	}
	for _, m := range masks {
		if err := p.readMask(h, c, m); err != nil {
			return nil, err
		}
	}
	if err := p.readImage(modality, img, c, masks); err != nil {
		return nil, err
	}
	w, ht := float64(h.Dims[p.pose.x])*spacing[p.pose.x], float64(h.Dims[p.pose.y])*spacing[p.pose.y]
	scale := previewSide / math.Max(w, ht)
	bw, bh := max(1, int(math.Round(w*scale))), max(1, int(math.Round(ht*scale)))
	x0, y0 := (previewSide-bw)/2, (previewSide-bh)/2
	p.box = image.Rect(x0, y0, x0+bw, y0+bh)
	p.masks = masks
	return p, nil
}

// readMask takes the slice of a mask; one on another grid has no pixels.
func (p *picture) readMask(image convertcore.Header, c cut, m *classMask) error {
	if geom.SameGrid(image, m.pixels.Header) != nil {
		m.name += " (on another grid)"
		return nil
	}
	if image.Form == convertcore.PNG {
		all, err := blob.ReadAll(m.pixels)
		m.at = all
		if err != nil {
			return err
		}
	} else {
		v, err := c.slice(m.pixels)
		if err != nil {
			return err
		}
		m.at = v.Payload()
	}
	for _, v := range m.at {
		if v != 0 {
			m.count++
		}
	}
	return nil
}

// readImage takes the slice of the image through a window that shows it.
func (p *picture) readImage(modality string, img *dataset.Pixels, c cut, masks []*classMask) error {
	h := img.Header
	if h.Form == convertcore.PNG {
		all, err := blob.ReadAll(img)
		if err != nil {
			return err
		}
		r, err := convertcore.NewRaster(h.Dims[0], h.Dims[1], h.Channels, h.Bits, all)
		if err != nil {
			return err
		}
		p.view = r.View(convertcore.Percentiles(r.Values(), 0.2, 99.8))
		return nil
	}
	v, err := c.slice(img)
	if err != nil {
		return err
	}
	values := v.Values()
	win := convertcore.Percentiles(values, 1, 99.5)
	if modality == "ct" {
		win = ctWindow(values, masks)
	}
	if p.view, err = v.View(c.axis, 0, 0, win); err != nil {
		return err
	}
	// View has voxel 0 at the bottom.
	row := 3 * p.view.W
	for a, b := 0, p.view.H-1; a < b; a, b = a+1, b-1 {
		for k := range row {
			p.view.RGB[a*row+k], p.view.RGB[b*row+k] = p.view.RGB[b*row+k], p.view.RGB[a*row+k]
		}
	}
	return nil
}

// ctWindow is one of the usual windows in Hounsfield units, by the middle value
// of what the classes cover: soft tissue, lung or bone.
func ctWindow(values []float64, masks []*classMask) convertcore.Window {
	var in []float64
	for i, x := range values {
		if slices.ContainsFunc(masks, func(m *classMask) bool { return i < len(m.at) && m.at[i] != 0 }) {
			in = append(in, x)
		}
	}
	win := convertcore.Window{Center: 40, Width: 400}
	if len(in) == 0 {
		return win
	}
	slices.Sort(in)
	switch middle := in[len(in)/2]; {
	case middle < -300:
		win = convertcore.Window{Center: -500, Width: 1500}
	case middle > 250:
		win = convertcore.Window{Center: 400, Width: 1800}
	}
	return win
}

// source returns the half-open span of stored pixels under pixel i of n on the
// screen, at least one.
func source(i, n, size int, flip bool) (lo, hi int) {
	lo, hi = i*size/n, (i+1)*size/n
	if hi <= lo {
		hi = lo + 1
	}
	if flip {
		lo, hi = size-hi, size-lo
	}
	return lo, hi
}

// under calls fn with the index of every stored pixel under a screen pixel of
// the box.
func (p *picture) under(x, y int, fn func(i int)) {
	across, down := p.view.W, p.view.H
	swapped := p.pose.x > p.pose.y // the stored rows run along the earlier axis
	if swapped {
		across, down = down, across
	}
	x0, x1 := source(x, p.box.Dx(), across, p.pose.flipX)
	y0, y1 := source(y, p.box.Dy(), down, p.pose.flipY)
	for v := y0; v < y1; v++ {
		for u := x0; u < x1; u++ {
			if swapped {
				fn(u*p.view.W + v)
			} else {
				fn(v*p.view.W + u)
			}
		}
	}
}

func (p *picture) paint() error {
	draw.Draw(p.dst, p.dst.Bounds(), image.NewUniform(color.RGBA{16, 16, 16, 255}), image.Point{}, draw.Src)
	for y := range p.box.Dy() {
		for x := range p.box.Dx() {
			var sum [3]int
			n := 0
			p.under(x, y, func(i int) {
				for k := range sum {
					sum[k] += int(p.view.RGB[3*i+k])
				}
				n++
			})
			p.dst.SetRGBA(p.box.Min.X+x, p.box.Min.Y+y, color.RGBA{uint8(sum[0] / n), uint8(sum[1] / n), uint8(sum[2] / n), 255})
		}
	}
	// Small classes last, so that those that lie in others stay to be seen.
	order := slices.Clone(p.masks)
	slices.SortStableFunc(order, func(a, b *classMask) int { return b.count - a.count })
	for _, m := range order {
		p.contour(m)
	}
	p.letters()
	p.legend()
	return nil
}

// contourWidth is the width of contours in screen pixels.
const contourWidth = 2

// contour draws the inner edge of a class. A screen pixel belongs to it where
// any pixel below does, so that small structures stay to be seen.
func (p *picture) contour(m *classMask) {
	if m.count == 0 {
		return
	}
	w, h := p.box.Dx(), p.box.Dy()
	in := make([]bool, w*h)
	for y := range h {
		for x := range w {
			p.under(x, y, func(i int) { in[y*w+x] = in[y*w+x] || m.at[i] != 0 })
		}
	}
	at := func(x, y int) bool { return x >= 0 && y >= 0 && x < w && y < h && in[y*w+x] }
	col := classColors[m.class%len(classColors)]
	dash := m.class / len(classColors) // 0 a line, then broken ever shorter
	for y := range h {
		for x := range w {
			edge := at(x, y) && !(at(x-contourWidth, y) && at(x+contourWidth, y) && at(x, y-contourWidth) && at(x, y+contourWidth))
			if edge && (dash == 0 || (x+y)%(12/dash+2) < 6/dash+1) {
				p.dst.SetRGBA(p.box.Min.X+x, p.box.Min.Y+y, col)
			}
		}
	}
}

func (p *picture) letters() {
	mid := previewSide / 2
	for _, l := range []struct {
		text string
		x, y int
	}{{p.pose.left, 6, mid + 5}, {p.pose.right, previewSide - 13, mid + 5}, {p.pose.top, mid - 3, 15}, {p.pose.bottom, mid - 3, previewSide - 6}} {
		if l.text == "" {
			continue
		}
		for _, d := range [][2]int{{-1, 0}, {1, 0}, {0, -1}, {0, 1}} {
			p.write(l.text, l.x+d[0], l.y+d[1], color.Black)
		}
		p.write(l.text, l.x, l.y, color.White)
	}
}

const (
	lineHeight = 18
	glyph      = 7 // width of a letter of basicfont
)

// legend names the classes of the slice with their colours, the largest first
// where not all find room.
func (p *picture) legend() {
	y := previewSide + 14
	p.write(clip(p.caption, (previewSide-12)/glyph), 6, y, color.White)
	shown := slices.Clone(p.masks)
	slices.SortStableFunc(shown, func(a, b *classMask) int { return b.count - a.count })
	shown = slices.DeleteFunc(shown, func(m *classMask) bool { return m.count == 0 && m.at != nil })
	x := 6
	y += lineHeight
	for i, m := range shown {
		name := clip(m.name, 32)
		if width := 20 + glyph*len([]rune(name)) + 12; x+width > previewSide && x > 6 {
			x, y = 6, y+lineHeight
		}
		if last := previewSide + previewLegend - 6; y+lineHeight > last && x+300 > previewSide || y > last {
			p.write(fmt.Sprintf("+%d more", len(shown)-i), x, min(y, last), color.White)
			return
		}
		col := classColors[m.class%len(classColors)]
		draw.Draw(p.dst, image.Rect(x, y-10, x+14, y+2), image.NewUniform(col), image.Point{}, draw.Src)
		if dash := m.class / len(classColors); dash > 0 {
			for k := range dash {
				draw.Draw(p.dst, image.Rect(x+3+4*k, y-10, x+5+4*k, y+2), image.NewUniform(color.Black), image.Point{}, draw.Src)
			}
		}
		p.write(name, x+20, y, color.White)
		x += 20 + glyph*len([]rune(name)) + 12
	}
	if len(shown) == 0 {
		p.write("no class in this picture", 6, y, color.White)
	}
}

// clip cuts text to n letters.
func clip(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n-1]) + "~"
	}
	return text
}

func (p *picture) write(text string, x, y int, c color.Color) {
	d := font.Drawer{Dst: p.dst, Src: image.NewUniform(c), Face: basicfont.Face7x13, Dot: fixed.P(x, y)}
	d.DrawString(text)
}

// rgb is the picture without alpha.
func (p *picture) rgb() []byte {
	out := make([]byte, 0, len(p.dst.Pix)/4*3)
	for i := 0; i < len(p.dst.Pix); i += 4 {
		out = append(out, p.dst.Pix[i:i+3]...)
	}
	return out
}
