package session

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/model"
)

// The test binary is its own worker: OMNIEVAL_TEST_WORKER says how it
// misbehaves on case c2.
func TestMain(m *testing.M) {
	if mode := os.Getenv("OMNIEVAL_TEST_WORKER"); mode != "" {
		misbehave(mode)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// misbehave is a worker that answers every step with a full mask, except on
// case c2.
func misbehave(mode string) {
	in, out := bufio.NewReader(os.NewFile(3, "in")), os.NewFile(4, "out")
	send := func(v map[string]any, payload []byte) {
		if len(payload) > 0 {
			v["bytes"] = len(payload)
		}
		line, _ := json.Marshal(v)
		out.Write(append(append(line, '\n'), payload...))
	}
	send(map[string]any{"type": "hello", "protocol": 1, "name": "test-" + mode}, nil)
	bad := map[float64]bool{}
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var m map[string]any
		json.Unmarshal(line, &m)
		if n, ok := m["bytes"].(float64); ok {
			in.Discard(int(n))
		}
		switch m["type"] {
		case "open":
			bad[m["session"].(float64)] = m["case"] == "c2"
			send(map[string]any{"type": "opened", "session": m["session"]}, nil)
		case "step":
			full := bytes.Repeat([]byte{255}, 48*64/8)
			if bad[m["session"].(float64)] {
				switch mode {
				case "hang":
					time.Sleep(time.Hour)
				case "die":
					os.Exit(3)
				case "shape":
					full = full[:7]
				case "garbage":
					out.Write([]byte("this is not JSON\n"))
					continue
				case "error":
					send(map[string]any{"type": "result", "session": m["session"], "step": m["step"], "error": "out of memory"}, nil)
					continue
				}
			}
			fmt.Println("chatter on stdout {\"type\":\"result\"}")
			send(map[string]any{"type": "result", "session": m["session"], "step": m["step"], "mask": "bits", "ms": 1}, full)
		case "bye":
			return
		}
	}
}

// discTree writes cases c0 … of one disc each.
func discTree(t testing.TB, n int) string {
	root := t.TempDir()
	for i := range n {
		img, label := image.NewGray(image.Rect(0, 0, 64, 48)), image.NewGray(image.Rect(0, 0, 64, 48))
		for y := range 48 {
			for x := range 64 {
				img.SetGray(x, y, color.Gray{uint8(40 + (x*7+y*13+i)%23)})
				if dx, dy := x-20-i%20, y-24; dx*dx+dy*dy < 90+i {
					img.SetGray(x, y, color.Gray{uint8(180 + (x+y)%23)})
					label.SetGray(x, y, color.Gray{255})
				}
			}
		}
		writePNG(t, filepath.Join(root, "datasets/discs/images", fmt.Sprintf("c%d.png", i)), img)
		writePNG(t, filepath.Join(root, "datasets/discs/labels/disc", fmt.Sprintf("c%d.png", i)), label)
	}
	return root
}

func writePNG(t testing.TB, path string, img image.Image) {
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func config(name string) *Config {
	c := Default()
	c.Users, c.Steps, c.Seed, c.Model = []string{"click:largest:center", "scribble:random:random", "box:all:sloppy"}, 3, 7, name
	return &c
}

func runBuiltin(t testing.TB, ctx context.Context, tree, dir string, c *Config, inflight int, shard Shard) error {
	m, err := model.Open(c.Model)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Run(ctx, c, m, Options{Data: tree, Dir: dir, Inflight: inflight, Shard: shard})
	return err
}

func same(t *testing.T, a, b string) {
	t.Helper()
	for _, name := range []string{RunFile, StepsFile, FinalsFile} {
		x, err1 := os.ReadFile(filepath.Join(a, name))
		y, err2 := os.ReadFile(filepath.Join(b, name))
		if err1 != nil || err2 != nil || !bytes.Equal(x, y) {
			t.Errorf("%s differs (%v, %v)", name, err1, err2)
		}
	}
}

func TestFaultyWorkersAreRecordedAndTheRunGoesOn(t *testing.T) {
	tree := discTree(t, 5)
	for mode, want := range map[string]string{"none": StatusOK, "hang": model.StatusTimeout, "die": model.StatusCrash,
		"shape": model.StatusBadResult, "garbage": model.StatusCrash, "error": model.StatusError} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w, err := model.NewWorker(t.Context(), model.Options{Timeout: time.Second,
				Command: "OMNIEVAL_TEST_WORKER=" + mode + " exec " + os.Args[0]})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			dir := t.TempDir()
			c := config("worker")
			c.Users = c.Users[:1]
			out, err := Run(t.Context(), c, w, Options{Data: tree, Dir: dir, Inflight: 3})
			if err != nil {
				t.Fatal(err)
			}
			lines := 0
			err = Records(dir, func(r *Record) error {
				lines++
				status := StatusOK
				if r.Case == "c2" {
					status = want
				}
				if r.Status != status {
					t.Errorf("%s step %d: status %s (%s), want %s", r.Unit, r.Step, r.Status, r.Error, status)
				}
				if status != StatusOK && *r.Metrics["dice"] != 0 {
					t.Errorf("%s step %d: Dice %v after a failure, want 0", r.Unit, r.Step, *r.Metrics["dice"])
				}
				if status != StatusOK && r.Step == 1 && (r.Error == "" || len(r.Prompts) == 0) {
					t.Errorf("%s: failure without its reason or prompts: %+v", r.Unit, r)
				}
				return nil
			})
			if err != nil || lines != 15 {
				t.Errorf("%d records of 15, %v", lines, err)
			}
			if failed := map[bool]int{true: 0, false: 3}[want == StatusOK]; out.FailedSteps != failed {
				t.Errorf("%d failed steps, want %d", out.FailedSteps, failed)
			}
		})
	}
}

func TestWorkerThatDoesNotStart(t *testing.T) {
	_, err := model.NewWorker(t.Context(), model.Options{Command: "exit 1"})
	if !errors.Is(err, model.ErrWorker) {
		t.Errorf("error %v, want ErrWorker", err)
	}
	_, err = model.NewWorker(t.Context(), model.Options{Command: "sleep 60", Start: 200 * time.Millisecond})
	if !errors.Is(err, model.ErrWorker) {
		t.Errorf("silent worker: error %v, want ErrWorker", err)
	}
}

func TestBytesDoNotDependOnHowARunIsDone(t *testing.T) {
	tree, c := discTree(t, 20), config("noisy-oracle")
	one, eight := t.TempDir(), t.TempDir()
	if err := errors.Join(runBuiltin(t, t.Context(), tree, one, c, 1, Shard{}), runBuiltin(t, t.Context(), tree, eight, c, 8, Shard{})); err != nil {
		t.Fatal(err)
	}
	same(t, one, eight)

	var parts []string
	for i := range 7 {
		dir := t.TempDir()
		if err := runBuiltin(t, t.Context(), tree, dir, c, 2, Shard{i + 1, 7}); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, dir)
	}
	for _, order := range [][]int{{0, 1, 2, 3, 4, 5, 6}, {3, 6, 0, 5, 1, 4, 2}} {
		var dirs []string
		for _, i := range order {
			dirs = append(dirs, parts[i])
		}
		merged := filepath.Join(t.TempDir(), "m")
		if _, err := Merge(merged, dirs); err != nil {
			t.Fatal(err)
		}
		same(t, one, merged)
	}
	if _, err := Merge(filepath.Join(t.TempDir(), "m"), parts[:6]); !errors.Is(err, ErrStore) {
		t.Errorf("a missing shard: %v", err)
	}
	if _, err := Merge(filepath.Join(t.TempDir(), "m"), append(slices.Clone(parts), parts[2])); !errors.Is(err, ErrStore) {
		t.Errorf("a shard twice: %v", err)
	}
	other := config("noisy-oracle")
	other.Seed++
	dir := t.TempDir()
	if err := runBuiltin(t, t.Context(), tree, dir, other, 2, Shard{1, 7}); err != nil {
		t.Fatal(err)
	}
	if _, err := Merge(filepath.Join(t.TempDir(), "m"), append([]string{dir}, parts[1:]...)); !errors.Is(err, ErrStore) {
		t.Errorf("shards of two seeds: %v", err)
	}
}

// A run cut at every kind of place goes on to the same bytes.
func TestResume(t *testing.T) {
	tree, c := discTree(t, 6), config("noisy-oracle")
	whole := t.TempDir()
	if err := runBuiltin(t, t.Context(), tree, whole, c, 2, Shard{}); err != nil {
		t.Fatal(err)
	}
	steps, err := os.ReadFile(filepath.Join(whole, StepsFile))
	if err != nil {
		t.Fatal(err)
	}
	line := bytes.IndexByte(steps, '\n') + 1
	for name, cut := range map[string]int{"nothing": 0, "torn line": line / 2, "inside a unit": line + 5, "half": len(steps) / 2, "last byte": len(steps) - 1, "whole": len(steps)} {
		dir := t.TempDir()
		for _, f := range []string{RunFile, TimingsFile, FinalsFile} {
			text, err := os.ReadFile(filepath.Join(whole, f))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, f), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, StepsFile), steps[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		if err := runBuiltin(t, t.Context(), tree, dir, c, 2, Shard{}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		same(t, whole, dir)
		timings := 0
		if err := Timings(dir, func(*Timing) error { timings++; return nil }); err != nil || timings != bytes.Count(steps, []byte("\n")) {
			t.Errorf("%s: %d timings for %d records, %v", name, timings, bytes.Count(steps, []byte("\n")), err)
		}
	}
	c.Seed++
	if err := runBuiltin(t, t.Context(), tree, whole, c, 2, Shard{}); !errors.Is(err, ErrStore) {
		t.Errorf("another configuration in the same folder: %v", err)
	}
}

func TestOracleAndEmpty(t *testing.T) {
	tree := discTree(t, 2)
	for name, want := range map[string][]string{"oracle": {StatusOK, StatusIdle, StatusIdle}, "empty": {StatusOK, StatusOK, StatusOK}} {
		c := config(name)
		c.Users = c.Users[:1]
		dir := t.TempDir()
		if err := runBuiltin(t, t.Context(), tree, dir, c, 1, Shard{}); err != nil {
			t.Fatal(err)
		}
		_ = Records(dir, func(r *Record) error {
			if r.Status != want[r.Step-1] {
				t.Errorf("%s step %d: %s, want %s", name, r.Step, r.Status, want[r.Step-1])
			}
			if v := *r.Metrics["dice"]; v != map[string]float64{"oracle": 1, "empty": 0}[name] {
				t.Errorf("%s step %d: Dice %v", name, r.Step, v)
			}
			if name == "empty" && r.Metrics["hd95"] != nil {
				t.Errorf("HD95 of an empty prediction is %v, want null", *r.Metrics["hd95"])
			}
			return nil
		})
	}
}

func TestPresetsRun(t *testing.T) {
	tree := discTree(t, 2)
	for _, preset := range Presets() {
		c := Default()
		if err := c.Apply(preset); err != nil {
			t.Fatal(err)
		}
		c.Model = "region-grow"
		dir := t.TempDir()
		if err := runBuiltin(t, t.Context(), tree, dir, &c, 2, Shard{}); err != nil {
			t.Errorf("%s: %v", preset, err)
			continue
		}
		first := -1
		n := 0
		_ = Records(dir, func(r *Record) error {
			if first < 0 {
				first = r.Step
			}
			n++
			return nil
		})
		if want := map[string]int{"cvpr25": 0, "autopet4": 0, "ritm": 1, "paper": 1}[preset]; first != want || n != 2*len(c.Users)*len(c.steps()) {
			t.Errorf("%s: first step %d, %d records", preset, first, n)
		}
	}
}

func TestNonIterativeBudgetsGrow(t *testing.T) {
	c := config("region-grow")
	c.Mode, c.Steps, c.Budgets, c.Users, c.MinSep = NonIterative, 4, []int{1, 2, 4}, []string{"click:random:random@gt"}, 3
	dir := t.TempDir()
	if err := runBuiltin(t, t.Context(), discTree(t, 1), dir, c, 1, Shard{}); err != nil {
		t.Fatal(err)
	}
	var last []int
	_ = Records(dir, func(r *Record) error {
		if len(r.Prompts) != r.Step {
			t.Errorf("budget %d: %d prompts", r.Step, len(r.Prompts))
		}
		if last != nil && !slices.Equal(last, r.Prompts[0].Points[0]) {
			t.Error("a larger budget does not begin with the smaller one's prompts")
		}
		last = r.Prompts[0].Points[0]
		for i, p := range r.Prompts {
			for _, q := range r.Prompts[:i] {
				dy, dx := p.Points[0][0]-q.Points[0][0], p.Points[0][1]-q.Points[0][1]
				if dy*dy+dx*dx <= 9 {
					t.Errorf("clicks %v and %v are closer than 3", p.Points, q.Points)
				}
			}
		}
		return nil
	})
}

func TestCancelKeepsWhatIsFinished(t *testing.T) {
	tree, c := discTree(t, 8), config("noisy-oracle")
	dir, whole := t.TempDir(), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	m, err := model.Open(c.Model)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Run(ctx, c, m, Options{Data: tree, Dir: dir, Inflight: 2, Progress: func(done, _, _ int) {
		if done == 5 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want Canceled", err)
	}
	if err := errors.Join(runBuiltin(t, t.Context(), tree, dir, c, 2, Shard{}), runBuiltin(t, t.Context(), tree, whole, c, 2, Shard{})); err != nil {
		t.Fatal(err)
	}
	same(t, whole, dir)
}

func TestParseShard(t *testing.T) {
	for _, c := range []struct {
		text string
		env  map[string]string
		want string
		bad  bool
	}{
		{text: "", want: ""}, {text: "3/64", want: "3/64"}, {text: "0/4", bad: true}, {text: "5/4", bad: true}, {text: "x", bad: true},
		{text: "auto", bad: true},
		{text: "auto", env: map[string]string{"SLURM_ARRAY_TASK_ID": "12", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "10"}, want: "3/4"},
		{text: "auto", env: map[string]string{"SLURM_ARRAY_TASK_ID": "20", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "10"}, bad: true},
		{text: "auto/8", env: map[string]string{"JOB_COMPLETION_INDEX": "0"}, want: "1/8"},
		{text: "auto", env: map[string]string{"JOB_COMPLETION_INDEX": "0"}, bad: true},
	} {
		s, err := ParseShard(c.text, func(k string) string { return c.env[k] })
		if (err != nil) != c.bad || s.String() != c.want {
			t.Errorf("%q %v: %q, %v", c.text, c.env, s, err)
		}
	}
}

func TestConfigRefuses(t *testing.T) {
	for name, change := range map[string]func(c *Config){
		"mode":       func(c *Config) { c.Mode = "x" },
		"no steps":   func(c *Config) { c.Steps = 0 },
		"user twice": func(c *Config) { c.Users = []string{"click:largest:center", "click:largest:center"} },
		"user":       func(c *Config) { c.Users = []string{"nobody"} },
		"mask":       func(c *Config) { c.Users = []string{"click:largest:center@I"} },
		"noc":        func(c *Config) { c.NoCMetric = "hd" },
		"stop":       func(c *Config) { c.Stop = &Stop{"assd", 1} },
		"trials":     func(c *Config) { c.Trials = 0 },
	} {
		c := Default()
		change(&c)
		if err := c.Check(); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFinalRoundTrip(t *testing.T) {
	m, err := mask.New([]int{3, 5, 70}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, set := range []func(){func() {}, func() { m.Set(mask.Point{2, 4, 69}, true) }, func() { m.FillBall(mask.Point{1, 2, 30}, 20, true) }, func() { m.FillBox(m.Bounds()) }} {
		set()
		u := Unit{Dataset: "d<>", Case: "c", Class: "k", User: "click", Trial: 3}
		line, err := appendFinal([]byte("before\n"), u, m)
		if err != nil {
			t.Fatal(err)
		}
		var f Final
		if err := json.Unmarshal(bytes.TrimPrefix(line, []byte("before\n")), &f); err != nil || f.Unit != u {
			t.Fatalf("%.80q: %+v, %v", line, f.Unit, err)
		}
		if plain, err := appendLine([]byte("before\n"), f); err != nil || !bytes.Equal(plain, line) {
			t.Errorf("%.80q is not the JSON of a Final", line)
		}
		back := m.Like()
		if err := f.Decode(back); err != nil || !back.Equal(m) {
			t.Errorf("mask %d came back other (%v)", i, err)
		}
	}
	for _, bad := range []string{"!", "/////w==", "/w8="} {
		if err := (&Final{Runs: bad}).Decode(m); err == nil {
			t.Errorf("runs %q were accepted", bad)
		}
	}
}

func FuzzFinal(f *testing.F) {
	f.Add("BQQD")
	f.Fuzz(func(t *testing.T, runs string) {
		m, err := mask.New([]int{4, 9}, nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = (&Final{Runs: strings.TrimSpace(runs)}).Decode(m)
	})
}
