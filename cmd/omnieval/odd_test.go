package main

import (
	"encoding/json"
	"math"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
)

const python = "/usr/bin/python3"

// Odd masks in all formats, number types and orders, against SciPy's brute
// force.
func TestMetricsOfOddMasks(t *testing.T) {
	if exec.Command(python, "-c", "import numpy, scipy, nibabel, PIL").Run() != nil {
		t.Skip("needs python3-numpy, python3-scipy, python3-nibabel, python3-pil")
	}
	cmd := exec.Command(python, "testdata/odd.py", t.TempDir())
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, GT, Pred, Status string
		Spacing                []float64
		Metrics                map[string]*float64
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) < 60 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		args := []string{"metrics", c.GT, c.Pred, "--json", "--metrics", "dice,iou,hd,hd95,hd95_pooled,hd95_surfel,assd,masd,nsd@1,nsd@2"}
		if c.Spacing != nil {
			var s []string
			for _, v := range c.Spacing {
				s = append(s, strconv.FormatFloat(v, 'g', -1, 64))
			}
			args = append(args, "--spacing", strings.Join(s, ","))
		}
		var got struct {
			Metrics map[string]*float64
			Status  string
		}
		dec := json.NewDecoder(strings.NewReader(must(t, args...)))
		dec.DisallowUnknownFields() // metrics and status, nothing else
		if err := dec.Decode(&got); err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		if got.Status != c.Status || len(got.Metrics) != 10 {
			t.Errorf("%s: status %s with %d metrics, want %s with 10", c.Name, got.Status, len(got.Metrics), c.Status)
		}
		for name, want := range c.Metrics {
			have := got.Metrics[name]
			if (have == nil) != (want == nil) || want != nil && math.Abs(*have-*want) > 1e-9*max(1, *want) {
				t.Errorf("%s: %s is %v, want %v", c.Name, name, show(have), show(want))
			}
		}
	}
}

func show(v *float64) string {
	if v == nil {
		return "null"
	}
	return strconv.FormatFloat(*v, 'g', -1, 64)
}

func TestMetricsRefuses(t *testing.T) {
	nucleus, organ := "testdata/masks/nucleus.png", "testdata/masks/organ.nii.gz"
	for name, args := range map[string][]string{
		"2-D against 3-D": {nucleus, organ}, "missing file": {nucleus, filepath.Join(t.TempDir(), "x.png")},
		"spacing of other axes": {organ, organ, "--spacing", "1,2"}, "no image": {"odd_test.go", nucleus},
	} {
		if code, out, talk := omnieval(t, append([]string{"metrics", "--json"}, args...)...); code != cli.ExitError || out != "" || talk == "" {
			t.Errorf("%s: exit %d, %s %s", name, code, out, talk)
		}
	}
}

// What is compared all the same is talked of.
func TestMetricsTalks(t *testing.T) {
	dir := t.TempDir()
	nifti := func(name string, i float64) string {
		path := filepath.Join(dir, name)
		script := "import nibabel, numpy, sys; nibabel.save(nibabel.Nifti1Image(numpy.ones((3, 4, 5), 'u1'), numpy.diag([float(sys.argv[2]), 1, 2, 1])), sys.argv[1])"
		if text, err := exec.Command(python, "-c", script, path, strconv.FormatFloat(i, 'g', -1, 64)).CombinedOutput(); err != nil {
			t.Skipf("needs python3-nibabel: %s", text)
		}
		return path
	}
	a, mirrored := nifti("a.nii.gz", 1), nifti("b.nii.gz", -1)
	if code, out, talk := omnieval(t, "metrics", a, mirrored, "--metrics", "dice", "--json"); code != 0 || out != "{\"metrics\":{\"dice\":1},\"status\":\"ok\"}\n" || !strings.Contains(talk, "affine") {
		t.Errorf("mirrored: exit %d, %s %s", code, out, talk)
	}
	if code, _, talk := omnieval(t, "metrics", a, a, "--json"); code != 0 || talk != "" {
		t.Errorf("a file with itself: exit %d, %s", code, talk)
	}
	if code, _, talk := omnieval(t, "metrics", t.TempDir(), a); code != cli.ExitUsage || !strings.Contains(talk, "two folders") {
		t.Errorf("folder and file: exit %d, %s", code, talk)
	}
	if code, _, talk := omnieval(t, "metrics", filepath.Dir(a), dir); code != 0 || talk != "" {
		t.Errorf("folders: exit %d, %s", code, talk)
	}
	if code, _, talk := omnieval(t, "metrics", "testdata/masks", dir, "--json"); code != cli.ExitFailures || !strings.Contains(talk, "2 predictions have no truth") {
		t.Errorf("other folders: exit %d, %s", code, talk)
	}
}
