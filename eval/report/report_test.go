package report

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/omnimedseg/omnimedfs/eval/data"
	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/model"
	"github.com/omnimedseg/omnimedfs/eval/session"
)

var update = flag.Bool("update", false, "write the golden tables again")

// testRun is a run over three small cases, one of them without the class.
func testRun(t *testing.T) (root, dir string) {
	t.Helper()
	root, dir = t.TempDir(), t.TempDir()
	for i := range 3 {
		m, err := mask.New([]int{24, 32}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if i < 2 {
			m.FillBall(mask.Point{0, 11, 12 + 3*i}, 6, true)
		}
		img := m.AppendBytes(nil, 120, mask.COrder)
		for k := range img {
			img[k] += byte(20 + k%7)
		}
		for name, raw := range map[string][]byte{"images": img, "labels/disc": m.AppendBytes(nil, 1, mask.COrder)} {
			path := filepath.Join(root, "datasets/discs", name, fmt.Sprintf("c%d.npy", i))
			var b bytes.Buffer
			if err := data.WriteNPY(&b, "|u1", m.Dims(), raw); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	c := session.Default()
	c.Users, c.Steps, c.Seed, c.Model = []string{"click:largest:center", "box:all:sloppy"}, 3, 7, "noisy-oracle"
	c.Metrics = []string{"dice", "hd95"}
	m, err := model.Open(c.Model)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.Run(t.Context(), &c, m, session.Options{Data: root, Dir: dir, Inflight: 1}); err != nil {
		t.Fatal(err)
	}
	if err := Write(context.Background(), dir, root); err != nil {
		t.Fatal(err)
	}
	return root, dir
}

// times are not the same in every run.
var timesTable = regexp.MustCompile(`(?s)## Times.*## Plots`)

func TestGoldenTables(t *testing.T) {
	_, dir := testRun(t)
	for _, name := range []string{CasesFile, SummaryFile, MarkdownFile} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got = timesTable.ReplaceAll(got, []byte("## Plots"))
		golden := filepath.Join("testdata", name)
		if *update {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// The finals of cases.csv are the last records, the AUC the trapezoid.
func TestCasesAreTheRecords(t *testing.T) {
	_, dir := testRun(t)
	curves := make(map[string][]float64)
	if err := session.Records(dir, func(r *session.Record) error {
		key := r.Case + " " + r.User
		curves[key] = append(curves[key], *r.Metrics["dice"])
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, CasesFile))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 7 {
		t.Fatalf("%d rows of 7, %v", len(rows), err)
	}
	column := make(map[string]int)
	for i, n := range rows[0] {
		column[n] = i
	}
	for _, row := range rows[1:] {
		v := curves[row[1]+" "+row[3]]
		auc := (v[0]/2 + v[1] + v[2]/2) / 2
		if got := row[column["dice_final"]]; got != number(v[2]) {
			t.Errorf("%v: final %s, want %s", row[:4], got, number(v[2]))
		}
		if got := row[column["dice_auc"]]; got != number(auc) {
			t.Errorf("%v: AUC %s, want %s", row[:4], got, number(auc))
		}
	}
}

func TestPicturesAndMarkup(t *testing.T) {
	_, dir := testRun(t)
	html, err := os.ReadFile(filepath.Join(dir, HTMLFile))
	if err != nil {
		t.Fatal(err)
	}
	balanced(t, string(html))
	if strings.Contains(string(html), "ZgotmplZ") || strings.Contains(string(html), "no picture") {
		t.Error("report.html lacks a picture or holds what its template refused")
	}
	md, err := os.ReadFile(filepath.Join(dir, MarkdownFile))
	if err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(`\]\((plots/[^)]*)\)`).FindAllStringSubmatch(string(md), -1)
	if len(links) != 5+3 { // a curve, the finals, three NoC; three cases
		t.Errorf("%d pictures in report.md, want 8", len(links))
	}
	for _, l := range links {
		text, err := os.ReadFile(filepath.Join(dir, l[1]))
		if err != nil {
			t.Error(err)
		} else if strings.HasSuffix(l[1], ".svg") {
			wellFormed(t, l[1], text)
		} else if _, err := png.Decode(bytes.NewReader(text)); err != nil {
			t.Errorf("%s: %v", l[1], err)
		}
	}
}

func wellFormed(t *testing.T, name string, text []byte) {
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
	}
}

// balanced checks that every element that needs an end has one, in order.
func balanced(t *testing.T, html string) {
	void := map[string]bool{"meta": true, "img": true, "br": true, "td": true, "th": true, "p": true}
	var open []string
	for _, m := range regexp.MustCompile(`<(/?)([a-zA-Z][a-zA-Z0-9]*)[^>]*?(/?)>`).FindAllStringSubmatch(html, -1) {
		switch name := m[2]; {
		case void[name] || m[3] == "/":
		case m[1] == "":
			open = append(open, name)
		case len(open) == 0 || open[len(open)-1] != name:
			t.Fatalf("</%s> closes %v", name, open)
		default:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("never closed: %v", open)
	}
}

func TestParquetIsTheRecords(t *testing.T) {
	_, dir := testRun(t)
	f, err := os.Open(filepath.Join(dir, ParquetFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	type row struct {
		Case    string   `parquet:"case"`
		User    string   `parquet:"user"`
		Step    int32    `parquet:"step"`
		Dice    *float64 `parquet:"dice"`
		HD95    *float64 `parquet:"hd95"`
		Prompts string   `parquet:"prompts"`
	}
	r := parquet.NewGenericReader[row](f)
	rows := make([]row, r.NumRows())
	if _, err := r.Read(rows); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	i := 0
	if err := session.Records(dir, func(rec *session.Record) error {
		prompts, _ := json.Marshal(rec.Prompts)
		want := row{rec.Case, rec.User, int32(rec.Step), rec.Metrics["dice"], rec.Metrics["hd95"], string(prompts)}
		if d := cmp.Diff(want, rows[i]); d != "" {
			t.Errorf("row %d (-want +got):\n%s", i, d)
		}
		i++
		return nil
	}); err != nil || i != len(rows) {
		t.Errorf("%d rows, %d records, %v", len(rows), i, err)
	}
}
