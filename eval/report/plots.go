package report

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// picture is one plot in both forms.
type picture struct {
	name, title string
	svg, png    []byte
}

const (
	plotWidth  = 16 * vg.Centimeter
	plotHeight = 10 * vg.Centimeter
	bandAlpha  = 50
	// maxLines is how many users one plot of curves holds; more are split over
	// several plots.
	maxLines = 6
)

// palette is Okabe and Ito's, which color-blind readers can tell apart.
var palette = []color.RGBA{
	{0, 114, 178, 255}, {230, 159, 0, 255}, {0, 158, 115, 255},
	{204, 121, 167, 255}, {213, 94, 0, 255}, {86, 180, 233, 255},
}

// plots draws all plots of a run.
func (r *Run) plots() ([]picture, error) {
	var out []picture
	for di, d := range r.datasets() {
		for g, users := range slices.Collect(slices.Chunk(r.Info.Config.Users, maxLines)) {
			title := fmt.Sprintf("%s: %s by step", d, r.names[r.main()])
			p, err := r.curvePlot(title, d, users)
			if err == nil {
				out, err = render(out, fmt.Sprintf("curve-%d-%d", di+1, g+1), title, p)
			}
			if err != nil {
				return nil, fmt.Errorf("plot %q: %w", title, err)
			}
		}
		title := fmt.Sprintf("%s: distribution of the final %s", d, r.names[r.main()])
		p, err := r.finalPlot(title, d)
		if err == nil {
			out, err = render(out, fmt.Sprintf("final-%d", di+1), title, p)
		}
		if err != nil {
			return nil, fmt.Errorf("plot %q: %w", title, err)
		}
	}
	for _, t := range r.Info.Config.NoC {
		title := fmt.Sprintf("interactions to %s of %s (last bar: never)", r.names[r.main()], number(t))
		p, err := r.nocPlot(title, t)
		if err == nil {
			out, err = render(out, "noc-"+r.nocName(t), title, p)
		}
		if err != nil {
			return nil, fmt.Errorf("plot %q: %w", title, err)
		}
	}
	return out, nil
}

// datasets lists the datasets of the run, in order.
func (r *Run) datasets() []string {
	var out []string
	for i := range r.units {
		if n := len(out); n == 0 || out[n-1] != r.units[i].Dataset {
			out = append(out, r.units[i].Dataset)
		}
	}
	return out
}

func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.TextStyle.Font.Size = font.Length(12)
	p.Legend.Top = false
	p.Legend.TextStyle.Font.Size = font.Length(8)
	return p
}

// at returns the statistic "value of the main metric at the i-th step".
func (r *Run) at(i int) statistic {
	m := r.main()
	return statistic{r.names[m], "step", func(u *unit) float64 {
		if i < len(u.filled[m].Values) {
			return u.filled[m].Values[i]
		}
		return math.NaN()
	}}
}

// curvePlot is the mean over cases at every step with its 95 % band.
func (r *Run) curvePlot(title, dataset string, users []string) (*plot.Plot, error) {
	p := newPlot(title, "step", r.names[r.main()])
	steps := r.units[0].steps
	for k, user := range users {
		var mid, low, high plotter.XYs
		for i, step := range steps {
			for _, s := range r.samples(r.at(i), user, func(u *unit) bool { return u.Dataset == dataset }) {
				b := bootstrap(s.values, fmt.Sprintf("curve\x00%s\x00%s\x00%d", dataset, user, step))
				x := float64(step)
				mid = append(mid, plotter.XY{X: x, Y: b.mean})
				low = append(low, plotter.XY{X: x, Y: b.low})
				high = append(high, plotter.XY{X: x, Y: b.high})
			}
		}
		if len(mid) == 0 {
			continue
		}
		slices.Reverse(high)
		band, err := plotter.NewPolygon(append(low, high...))
		if err != nil {
			return nil, err
		}
		line, points, err := plotter.NewLinePoints(mid)
		if err != nil {
			return nil, err
		}
		c := palette[k%len(palette)]
		line.Color, points.Color, points.Shape = c, c, draw.CircleGlyph{}
		c.A = bandAlpha
		band.Color, band.LineStyle.Width = premultiplied(c), 0
		p.Add(band, line, points)
		p.Legend.Add(user, line, points)
	}
	p.Add(plotter.NewGrid())
	return p, nil
}

// premultiplied gives a color with alpha the form that color.RGBA demands.
func premultiplied(c color.RGBA) color.Color { return color.NRGBA(c) }

// finalPlot shows the final values of all cases: quartiles, median, outliers.
func (r *Run) finalPlot(title, dataset string) (*plot.Plot, error) {
	m := r.main()
	p := newPlot(title, "", r.names[m])
	s := statistic{r.names[m], "final", func(u *unit) float64 { return u.filled[m].Final() }}
	var names []string
	for k, user := range r.Info.Config.Users {
		names = append(names, fmt.Sprint(k+1))
		for _, d := range r.samples(s, user, func(u *unit) bool { return u.Dataset == dataset }) {
			box, err := plotter.NewBoxPlot(vg.Points(18), float64(k), plotter.Values(d.values))
			if err != nil {
				return nil, err
			}
			box.FillColor = premultiplied(color.RGBA{palette[0].R, palette[0].G, palette[0].B, bandAlpha})
			p.Add(box)
		}
	}
	p.X.Label.Text = "user, in the order of the run"
	p.NominalX(names...)
	return p, nil
}

// nocPlot is a bar for every number of interactions and one for never, the
// users side by side.
func (r *Run) nocPlot(title string, target float64) (*plot.Plot, error) {
	p := newPlot(title, "interactions", "units")
	p.Legend.Top = true
	m, users := r.main(), r.Info.Config.Users
	users = users[:min(len(users), maxLines)]
	var names []string
	for k, user := range users {
		var counts plotter.Values
		for i := range r.units {
			u := &r.units[i]
			if u.User != user {
				continue
			}
			n := u.curves[m].NoC(target)
			at := n.N - 1
			if n.Failed {
				at = n.Max
			}
			for len(counts) <= max(at, n.Max) {
				counts = append(counts, 0)
			}
			counts[max(at, 0)]++
		}
		if len(counts) == 0 {
			continue
		}
		width := vg.Points(min(20, 200/float64(len(counts)*len(users))))
		bars, err := plotter.NewBarChart(counts, width)
		if err != nil {
			return nil, err
		}
		bars.Color, bars.LineStyle.Width = palette[k%len(palette)], 0
		bars.Offset = width * vg.Length(float64(k)-float64(len(users)-1)/2)
		p.Add(bars)
		p.Legend.Add(user, bars)
		for i := len(names); i < len(counts); i++ {
			names = append(names, fmt.Sprint(i+1))
		}
	}
	if len(names) > 0 {
		names[len(names)-1] = "never"
	}
	p.NominalX(names...)
	p.Y.Max *= 1.3 // room for the legend
	return p, nil
}

// render draws a plot as SVG and PNG.
func render(out []picture, name, title string, p *plot.Plot) ([]picture, error) {
	pic := picture{name: name, title: title}
	var buf bytes.Buffer
	svg := vgsvg.New(plotWidth, plotHeight)
	p.Draw(draw.New(svg))
	if _, err := svg.WriteTo(&buf); err != nil {
		return out, err
	}
	pic.svg = bytes.Clone(buf.Bytes())
	buf.Reset()
	img := vgimg.New(plotWidth, plotHeight)
	p.Draw(draw.New(img))
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(&buf); err != nil {
		return out, err
	}
	pic.png = buf.Bytes()
	return append(out, pic), nil
}
