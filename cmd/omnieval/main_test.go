package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
	"github.com/omnimedseg/omnimedfs/eval/report"
	"github.com/omnimedseg/omnimedfs/eval/robot"
	"github.com/omnimedseg/omnimedfs/eval/session"
)

var update = flag.Bool("update", false, "write the golden pictures again")

// The test binary is the command itself where OMNIEVAL_MAIN is set.
func TestMain(m *testing.M) {
	if os.Getenv("OMNIEVAL_MAIN") != "" {
		os.Exit(execute(context.Background(), &streams{os.Stdout, os.Stderr, os.Getenv}, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// omnieval runs a command line in this process.
func omnieval(t *testing.T, args ...string) (code int, out, talk string) {
	t.Helper()
	var o, e bytes.Buffer
	code = execute(t.Context(), &streams{&o, &e, func(string) string { return "" }}, args)
	return code, o.String(), e.String()
}

func must(t *testing.T, args ...string) string {
	t.Helper()
	code, out, talk := omnieval(t, args...)
	if code != 0 {
		t.Fatalf("omnieval %s: exit %d\n%s", strings.Join(args, " "), code, talk)
	}
	return out
}

func tree(t *testing.T, n int) string {
	dir := t.TempDir()
	if err := discs(dir, n); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestSelftest(t *testing.T) { must(t, "selftest") }

// Killed without warning in the middle, then resumed: the bytes of a run that
// was left alone.
func TestKillAndResume(t *testing.T) {
	data, dir, whole := tree(t, 60), t.TempDir(), t.TempDir()
	args := []string{"run", "--data", data, "--model", "noisy-oracle", "--steps", "6", "--seed", "7", "--inflight", "2",
		"--users", "click:largest:center,scribble:random:random", "--quiet", "--out"}
	must(t, append(args, whole)...)
	cmd := exec.Command(os.Args[0], append(args, dir)...)
	cmd.Env = append(os.Environ(), "OMNIEVAL_MAIN=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	steps := filepath.Join(dir, session.StepsFile)
	for range 2000 {
		if st, err := os.Stat(steps); err == nil && st.Size() > 20_000 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	_ = cmd.Process.Signal(syscall.SIGKILL)
	if err := cmd.Wait(); err == nil {
		t.Skip("the run ended before it was killed")
	}
	must(t, "resume", dir, "--quiet")
	if err := sameRun(whole, dir); err != nil {
		t.Error(err)
	}
	for _, name := range []string{report.CasesFile, report.SummaryFile} {
		a, _ := os.ReadFile(filepath.Join(whole, name))
		b, _ := os.ReadFile(filepath.Join(dir, name))
		if len(a) == 0 || !bytes.Equal(a, b) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestMetricsOfGoldenCases(t *testing.T) {
	text, err := os.ReadFile("../../eval/testdata/golden/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Name     string
			Spacing  []float64 `json:"spacing_mm"`
			GT, Pred string
			Metrics  struct{ Recommended map[string]*float64 }
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	names := map[string]string{"dice": "dice", "iou": "iou", "hd": "hd", "hd95_maxdir_monai": "hd95", "hd95_pooled_medpy": "hd95_pooled",
		"hd95_surfel": "hd95_surfel", "assd_pooled": "assd", "masd_medpy_assd": "masd", "nsd_surfel_1mm": "nsd@1", "nsd_surfel_2mm": "nsd@2"}
	checked := 0
	for _, c := range file.Cases {
		spacing := strings.Trim(strings.ReplaceAll(fmt.Sprint(c.Spacing), " ", ","), "[]")
		out := must(t, "metrics", "../../eval/testdata/golden/"+c.GT, "../../eval/testdata/golden/"+c.Pred, "--spacing", spacing, "--json",
			"--metrics", "dice,iou,hd,hd95,hd95_pooled,hd95_surfel,assd,masd,nsd@1,nsd@2")
		var got comparison
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		for key, name := range names {
			want, ok := c.Metrics.Recommended[key]
			have, ok2 := got.Metrics[name]
			if !ok {
				continue
			}
			checked++
			if !ok2 || (want == nil) != (have == nil) || want != nil && (*want-*have > 1e-6 || *have-*want > 1e-6) {
				t.Errorf("%s: %s is %v, want %v", c.Name, name, have, want)
			}
		}
	}
	if checked < 200 {
		t.Errorf("only %d values were compared", checked)
	}
}

func TestMetricsOfFolders(t *testing.T) {
	data := tree(t, 3)
	gt, pred := filepath.Join(data, "datasets/discs/labels"), t.TempDir()
	if err := os.MkdirAll(filepath.Join(pred, "disc"), 0o755); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(gt, "disc/disc1.png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(pred, "disc/disc1.png"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, _ := omnieval(t, "metrics", gt, pred, "--metrics", "dice,hd", "--json")
	var list []comparison
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != cli.ExitFailures || len(list) != 3 {
		t.Fatalf("exit %d, %s (%v)", code, out, err)
	}
	if list[1].Status != "ok" || *list[1].Metrics["dice"] != 1 || list[0].Status != statusMissing || *list[0].Metrics["dice"] != 0 || list[0].Metrics["hd"] != nil {
		t.Errorf("list %s", out)
	}
}

func TestPromptsJSON(t *testing.T) {
	args := []string{"prompts", "testdata/masks/nucleus.png", "--user", "click:largest:random", "--json", "--seed"}
	a, b, c := must(t, append(args, "7")...), must(t, append(args, "7")...), must(t, append(args, "8")...)
	if a != b || a == c {
		t.Errorf("seed 7 gave %s and %s, seed 8 %s", a, b, c)
	}
	var p robot.Prompt
	if err := json.Unmarshal([]byte(a), &p); err != nil || len(p.Points) != 1 || len(p.Points[0]) != 2 {
		t.Errorf("%s: %v", a, err)
	}
	if code, _, talk := omnieval(t, "prompts", "testdata/masks/organ.nii.gz", "--user", "polygon"); code != cli.ExitError || !strings.Contains(talk, "2-D only") {
		t.Errorf("polygon on a volume: exit %d, %s", code, talk)
	}
	if out := must(t, "prompts", "testdata/masks/nucleus.png", "--pred", "testdata/masks/nucleus.png", "--json"); out != "null\n" {
		t.Errorf("a perfect prediction was prompted on: %s", out)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"dance"}, {"run"}, {"run", "--data", "x", "--out", "y", "--steps", "0"}, {"metrics", "a"}, {"users", "--nothing"},
		{"run", "--data", "x", "--out", "y", "--preset", "z"}, {"run", "--data", "x", "--out", "y", "--shard", "9/3"}} {
		if code, _, _ := omnieval(t, args...); code != cli.ExitUsage {
			t.Errorf("%q: exit %d, want %d", args, code, cli.ExitUsage)
		}
	}
	if got := splitUsers([]string{"a@dilate(L, 1) + b, c", "d"}); !slices.Equal(got, []string{"a@dilate(L, 1) + b", "c", "d"}) {
		t.Errorf("users %q", got)
	}
}

func TestReportHoldsItsPictures(t *testing.T) {
	data, dir := tree(t, 4), t.TempDir()
	must(t, "run", "--data", data, "--out", dir, "--model", "region-grow", "--steps", "2", "--quiet", "--metrics", "dice,hd95")
	must(t, "report", dir)
	for name, want := range map[string]string{report.HTMLFile: "data:image/png;base64,", report.MarkdownFile: "plots/curve-1-1.svg", report.ParquetFile: "PAR1"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %q (%v)", name, want, err)
		}
	}
}

func TestPythonWorker(t *testing.T) {
	if exec.Command("/usr/bin/python3", "-c", "import numpy, PIL").Run() != nil {
		t.Skip("needs python3 with numpy and PIL")
	}
	data := tree(t, 3)
	script, err := filepath.Abs("../../scripts/omnieval_worker.py")
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "s")
	modes := map[string][]string{"path": {"--worker", "/usr/bin/python3 -B " + script}, "raw": {"--worker", "/usr/bin/python3 -B " + script + " --raw"},
		"socket": {"--worker", "/usr/bin/python3 -B " + script, "--socket", socket}}
	if exec.Command("/usr/bin/python3", "-c", "import torch").Run() == nil {
		modes["unet"] = []string{"--worker", "/usr/bin/python3 -B " + script + " --model unet"}
	}
	var first []byte
	for name, flags := range modes {
		dir := t.TempDir()
		must(t, append([]string{"run", "--data", data, "--out", dir, "--steps", "3", "--quiet"}, flags...)...)
		steps, err := os.ReadFile(filepath.Join(dir, session.StepsFile))
		if err != nil {
			t.Fatal(err)
		}
		if name == "unet" {
			continue
		}
		if first == nil {
			first = steps
		}
		if !bytes.Equal(first, steps) {
			t.Errorf("%s: other records than over another channel", name)
		}
	}
}

// Every robot user on three real masks (testdata/masks/README.md), looked at by
// eye.
func TestPreviews(t *testing.T) {
	masks := []string{"nucleus.png", "vessel.png", "organ.nii.gz"}
	if underRace {
		masks = masks[:1]
	}
	for _, name := range masks {
		golden := filepath.Join("testdata/previews", strings.SplitN(name, ".", 2)[0]+".png")
		drawn := filepath.Join(t.TempDir(), "p.png")
		if *update {
			drawn = golden
		}
		must(t, "prompts", filepath.Join("testdata/masks", name), "--user", "all", "--seed", "7", "--preview", drawn)
		if !bytes.Equal(pixels(t, drawn), pixels(t, golden)) {
			t.Errorf("%s: drawn otherwise than %s; run with -update and look at it", name, golden)
		}
	}
}

// pixels are those of a PNG file, rows of RGBA.
func pixels(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	rgba := image.NewRGBA(img.Bounds())
	draw.Draw(rgba, rgba.Rect, img, image.Point{}, draw.Src)
	return append(rgba.Pix, fmt.Sprint(rgba.Rect)...)
}
