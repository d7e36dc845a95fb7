package report

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

const (
	sheetSide    = 256 // of a tile
	sheetColumns = 5
	sheetGap     = 6 // between tiles
)

// Sheet draws overlays side by side, each with its caption below; of a volume
// the caption ends with the slice that is shown. One overlay has the usual
// size, several are smaller.
func Sheet(views []View) image.Image {
	tiles, texts := make([]*image.RGBA, len(views)), make([][]string, len(views))
	cell := image.Pt(sheetSide, 0)
	for i, v := range views {
		if v.Side <= 0 && len(views) > 1 {
			v.Side = sheetSide
		}
		tiles[i] = overlay(v, v.plane())
		cell.X, cell.Y = max(cell.X, tiles[i].Rect.Dx()), max(cell.Y, tiles[i].Rect.Dy())
	}
	lines := 1
	for i, v := range views {
		text := v.Caption
		if p := v.plane(); v.Truth.NDim() == 3 {
			text += fmt.Sprintf(" slice %d", p.index)
		}
		texts[i] = wrap(text, (cell.X-4)/basicfont.Face7x13.Advance)
		lines = max(lines, len(texts[i]))
	}
	step := image.Pt(cell.X+sheetGap, cell.Y+lines*basicfont.Face7x13.Height+sheetGap)
	columns := min(sheetColumns, len(views))
	rows := (len(views) + sheetColumns - 1) / sheetColumns
	sheet := image.NewRGBA(image.Rect(0, 0, columns*step.X-sheetGap, rows*step.Y-sheetGap))
	draw.Draw(sheet, sheet.Rect, image.White, image.Point{}, draw.Src)
	for i, tile := range tiles {
		at := image.Pt(i%sheetColumns*step.X, i/sheetColumns*step.Y)
		draw.Draw(sheet, tile.Rect.Add(at), tile, image.Point{}, draw.Src)
		write(sheet, at.Add(image.Pt(2, cell.Y)), texts[i])
	}
	return sheet
}

// wrap cuts text into lines of at most n bytes.
func wrap(text string, n int) []string {
	var lines []string
	for len(text) > n {
		cut := strings.LastIndexAny(text[:n], " :?&")
		if cut < n/2 {
			cut = n - 1
		}
		lines, text = append(lines, strings.TrimSpace(text[:cut+1])), strings.TrimSpace(text[cut+1:])
	}
	return append(lines, text)
}

// write puts lines of black text below the point at.
func write(dst draw.Image, at image.Point, lines []string) {
	face := basicfont.Face7x13
	d := font.Drawer{Dst: dst, Src: image.NewUniform(color.Black), Face: face}
	for i, line := range lines {
		d.Dot = fixed.P(at.X, at.Y+i*face.Height+face.Ascent+1)
		d.DrawString(line)
	}
}
