package report

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"strings"

	"github.com/omnimedseg/omnimedfs/eval/session"
)

// Names of the report's files in a run's folder.
const (
	HTMLFile     = "report.html"
	MarkdownFile = "report.md"
	PlotsDir     = "plots"
)

// Write writes everything that people read of a run: the tables,
// steps.parquet, plots/ (SVG and PNG), report.md and report.html, which holds
// its pictures and needs no other file. root is where the data is, for the
// pictures of the worst cases.
func Write(ctx context.Context, dir, root string) error {
	r, err := Load(dir, false)
	if err != nil {
		return err
	}
	if err := Tables(dir); err != nil {
		return err
	}
	if err := r.Parquet(); err != nil {
		return fmt.Errorf("%s: %w", ParquetFile, err)
	}
	if err := r.writeCVPR25(); err != nil {
		return err
	}
	plots, err := r.plots()
	if err != nil {
		return err
	}
	worst := r.worstCases()
	if err := r.drawWorst(ctx, worst, root); err != nil {
		return err
	}
	times, err := r.times()
	if err != nil {
		return err
	}
	if err := r.writePlots(plots, worst); err != nil {
		return err
	}
	p := &page{Info: r.Info, Main: r.names[r.main()], Rows: r.overview(), Times: times, Failed: r.failures()}
	return errors.Join(p.markdown(dir, plots, worst), p.html(dir, plots, worst))
}

// page is what both forms of the report say.
type page struct {
	Info   *session.Info
	Main   string
	Rows   []overviewRow
	Times  []timeRow
	Failed []failedRow
	Plots  []htmlPlot
	Worst  []htmlWorst
}

type overviewRow struct {
	Dataset, User string
	Cases         int
	AUC, Final    string
}

type failedRow struct {
	Status string
	Units  int
}

type htmlPlot struct {
	Title string
	SVG   template.HTML
}

type htmlWorst struct {
	Unit    string
	Final   string
	Status  string
	Data    template.URL
	Missing string
}

// overview is the main metric by dataset and user, and over all datasets.
func (r *Run) overview() []overviewRow {
	m := r.main()
	stat := func(name string) statistic {
		return statistic{r.names[m], name, func(u *unit) float64 {
			s := r.summed(u.filled[m]).Summarize(!r.lower[m])
			if name == "auc" {
				return s.AUC
			}
			return s.Final
		}}
	}
	var rows []overviewRow
	for _, user := range r.Info.Config.Users {
		auc, final := r.samples(stat("auc"), user, subsets[0].keep), r.samples(stat("final"), user, subsets[0].keep)
		for i := range min(len(auc), len(final)) {
			id := user + "\x00all\x00" + r.names[m] + "\x00"
			rows = append(rows, overviewRow{auc[i].dataset, user, len(auc[i].values),
				bootstrap(auc[i].values, id+"auc\x00"+auc[i].dataset).String(), bootstrap(final[i].values, id+"final\x00"+final[i].dataset).String()})
		}
	}
	return rows
}

// String is "mean [low, high]".
func (b interval) String() string { return fmt.Sprintf("%.4g [%.4g, %.4g]", b.mean, b.low, b.high) }

func (r *Run) failures() []failedRow {
	counts := make(map[string]int)
	var order []string
	for i := range r.units {
		u := &r.units[i]
		if u.failed == 0 {
			continue
		}
		if counts[u.status] == 0 {
			order = append(order, u.status)
		}
		counts[u.status]++
	}
	var rows []failedRow
	for _, s := range order {
		rows = append(rows, failedRow{s, counts[s]})
	}
	return rows
}

// writePlots writes the pictures as files.
func (r *Run) writePlots(plots []picture, worst []worst) error {
	dir := filepath.Join(r.Dir, PlotsDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, p := range plots {
		if err := errors.Join(os.WriteFile(filepath.Join(dir, p.name+".svg"), p.svg, 0o644),
			os.WriteFile(filepath.Join(dir, p.name+".png"), p.png, 0o644)); err != nil {
			return err
		}
	}
	for _, w := range worst {
		if w.Picture == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, w.Name), w.Picture, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (p *page) markdown(dir string, plots []picture, worst []worst) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%d units, seed %d, %s, %d steps. Metric: %s. Intervals: 95 %% bootstrap over cases.\n\n",
		p.Info.Model, p.Info.Units, p.Info.Config.Seed, p.Info.Config.Mode, p.Info.Config.Steps, p.Main)
	b.WriteString("| dataset | user | cases | AUC | Final |\n|---|---|---|---|---|\n")
	for _, r := range p.Rows {
		fmt.Fprintf(&b, "| %s | %s | %d | %s | %s |\n", r.Dataset, strings.ReplaceAll(r.User, "|", "\\|"), r.Cases, r.AUC, r.Final)
	}
	if len(p.Failed) > 0 {
		b.WriteString("\n## Failures\n\n| status | units |\n|---|---|\n")
		for _, f := range p.Failed {
			fmt.Fprintf(&b, "| %s | %d |\n", f.Status, f.Units)
		}
	}
	b.WriteString("\n## Times\n\nMilliseconds an interaction, median and 95th percentile.\n\n| user | model | simulator | metrics |\n|---|---|---|---|\n")
	for _, t := range p.Times {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", strings.ReplaceAll(t.User, "|", "\\|"), t.Model, t.Simulate, t.Metric)
	}
	b.WriteString("\n## Plots\n\n")
	for _, pl := range plots {
		fmt.Fprintf(&b, "![%s](%s/%s.svg)\n\n", pl.title, PlotsDir, pl.name)
	}
	b.WriteString("## Worst cases\n\nGreen: truth. Magenta: final prediction. Yellow and blue: prompts on foreground and background.\n\n")
	for _, w := range worst {
		fmt.Fprintf(&b, "%s: %s %s (%s)\n\n", w.Unit, p.Main, number(w.Final), w.Status)
		if w.Picture != nil {
			fmt.Fprintf(&b, "![%s](%s/%s)\n\n", w.Unit.Case, PlotsDir, w.Name)
		} else {
			fmt.Fprintf(&b, "(no picture: %s)\n\n", w.Missing)
		}
	}
	return os.WriteFile(filepath.Join(dir, MarkdownFile), []byte(b.String()), 0o644)
}

var htmlTemplate = template.Must(template.New("report").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Info.Model}}</title>
<style>body{font:15px sans-serif;max-width:1100px;margin:2em auto;padding:0 1em}table{border-collapse:collapse}
td,th{padding:.25em .8em;border-bottom:1px solid #ccc;text-align:left}figure{display:inline-block;margin:.5em;vertical-align:top}
figure img{max-width:340px}figcaption{max-width:340px;font-size:12px;overflow-wrap:anywhere}.plot svg{max-width:100%;height:auto}</style></head><body>
<h1>{{.Info.Model}}</h1>
<p>{{.Info.Units}} units, seed {{.Info.Config.Seed}}, {{.Info.Config.Mode}}, {{.Info.Config.Steps}} steps{{with .Info.Config.Preset}}, preset {{.}}{{end}}.
Metric: {{.Main}}. Intervals: 95&nbsp;% bootstrap over cases. Configuration {{.Info.ConfigHash}}.</p>
<table><tr><th>dataset<th>user<th>cases<th>AUC<th>Final</tr>
{{range .Rows}}<tr><td>{{.Dataset}}<td>{{.User}}<td>{{.Cases}}<td>{{.AUC}}<td>{{.Final}}</tr>
{{end}}</table>
{{if .Failed}}<h2>Failures</h2><table><tr><th>status<th>units</tr>{{range .Failed}}<tr><td>{{.Status}}<td>{{.Units}}</tr>{{end}}</table>{{end}}
<h2>Times</h2><p>Milliseconds an interaction, median and 95th percentile.</p>
<table><tr><th>user<th>model<th>simulator<th>metrics</tr>
{{range .Times}}<tr><td>{{.User}}<td>{{.Model}}<td>{{.Simulate}}<td>{{.Metric}}</tr>
{{end}}</table>
<h2>Plots</h2>{{range .Plots}}<div class="plot" title="{{.Title}}">{{.SVG}}</div>
{{end}}<h2>Worst cases</h2><p>Green: truth. Magenta: final prediction. Yellow and blue: prompts on foreground and background. Orange: boxes and polygons.</p>
{{range .Worst}}<figure>{{if .Data}}<img alt="{{.Unit}}" src="{{.Data}}">{{else}}(no picture: {{.Missing}}){{end}}
<figcaption>{{.Unit}}<br>{{.Final}} ({{.Status}})</figcaption></figure>
{{end}}</body></html>
`))

func (p *page) html(dir string, plots []picture, worst []worst) error {
	for _, pl := range plots {
		_, svg, _ := bytes.Cut(pl.svg, []byte("<svg")) // the XML declaration has no place in HTML
		// The SVG was drawn by this program; titles were escaped when drawn.
		p.Plots = append(p.Plots, htmlPlot{pl.title, template.HTML("<svg" + string(svg))})
	}
	for _, w := range worst {
		h := htmlWorst{Unit: w.Unit.String(), Final: p.Main + " " + number(w.Final), Status: w.Status, Missing: w.Missing}
		if w.Picture != nil {
			h.Data = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(w.Picture))
		}
		p.Worst = append(p.Worst, h)
	}
	var b bytes.Buffer
	if err := htmlTemplate.Execute(&b, p); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, HTMLFile), b.Bytes(), 0o644)
}
