package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/metric"
	"github.com/omnimedseg/omnimedfs/eval/model"
	"github.com/omnimedseg/omnimedfs/eval/session"
)

func init() {
	register("selftest", command{about: "check on made-up data that this build computes what it should", setup: setupSelftest})
}

// selftests run in order in a temporary folder; tree is a standard tree of
// discs.
var selftests = []struct {
	name string
	run  func(ctx context.Context, dir, tree string) error
}{
	{"metrics of two squares", checkSquares},
	{"an oracle reaches Dice 1 at once", checkOracle},
	{"one and eight goroutines write the same bytes", checkGoroutines},
	{"three shards merge to the bytes of the whole", checkShards},
}

func setupSelftest(*pflag.FlagSet) func(context.Context, *streams, []string) error {
	return func(ctx context.Context, s *streams, args []string) error {
		if len(args) > 0 {
			return usagef("takes no arguments")
		}
		dir, err := os.MkdirTemp("", "omnieval-selftest-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		tree := filepath.Join(dir, "tree")
		if err := discs(tree, 7); err != nil {
			return err
		}
		failed := 0
		for _, t := range selftests {
			if err := t.run(ctx, dir, tree); err != nil {
				failed++
				fmt.Fprintf(s.out, "FAIL  %s: %v\n", t.name, err)
				continue
			}
			fmt.Fprintf(s.out, "ok    %s\n", t.name)
		}
		if failed > 0 {
			return fmt.Errorf("%d of %d checks failed", failed, len(selftests))
		}
		return nil
	}
}

// discs writes a standard tree of n images, each with a bright disc.
func discs(root string, n int) error {
	base := filepath.Join(root, "datasets", "discs")
	for i := range n {
		img, label := image.NewGray(image.Rect(0, 0, 64, 48)), image.NewGray(image.Rect(0, 0, 64, 48))
		for y := range 48 {
			for x := range 64 {
				img.SetGray(x, y, color.Gray{uint8(40 + (x*7+y*13+i)%23)})
				if dx, dy := x-20-3*i, y-24; dx*dx+dy*dy < 100 {
					img.SetGray(x, y, color.Gray{uint8(180 + (x+y)%23)})
					label.SetGray(x, y, color.Gray{255})
				}
			}
		}
		name := fmt.Sprintf("disc%d.png", i)
		for path, m := range map[string]image.Image{filepath.Join("images", name): img, filepath.Join("labels", "disc", name): label} {
			var buf bytes.Buffer
			if err := png.Encode(&buf, m); err != nil {
				return err
			}
			if err := os.MkdirAll(filepath.Dir(filepath.Join(base, path)), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(base, path), buf.Bytes(), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkSquares compares 4×4 pixels with the same moved by two: half overlaps.
func checkSquares(context.Context, string, string) error {
	a, err := mask.New([]int{10, 10}, nil)
	if err != nil {
		return err
	}
	b := a.Like()
	a.FillBox(mask.Box{Min: mask.Point{0, 2, 2}, Max: mask.Point{1, 6, 6}})
	b.FillBox(mask.Box{Min: mask.Point{0, 2, 4}, Max: mask.Point{1, 6, 8}})
	metrics, err := metric.Parse("dice,iou,hd")
	if err != nil {
		return err
	}
	r, err := metric.Compute(b, a, metrics)
	if err != nil {
		return err
	}
	if r.Values[0] != 0.5 || r.Values[1] != 1.0/3 || r.Values[2] != 2 {
		return fmt.Errorf("dice, iou, hd are %v, want 0.5, 1/3, 2", r.Values)
	}
	return nil
}

// quickRun runs a built-in model over the discs.
func quickRun(ctx context.Context, tree, dir, name string, inflight int, shard session.Shard) error {
	c := session.Default()
	c.Users = []string{"click:largest:center", "scribble:random:random", "box:all:sloppy"}
	c.Steps, c.Seed, c.Model = 3, 7, name
	m, err := model.Open(name)
	if err != nil {
		return err
	}
	_, err = session.Run(ctx, &c, m, session.Options{Data: tree, Dir: dir, Inflight: inflight, Shard: shard})
	return err
}

func checkOracle(ctx context.Context, dir, tree string) error {
	out := filepath.Join(dir, "oracle")
	if err := quickRun(ctx, tree, out, "oracle", 1, session.Shard{}); err != nil {
		return err
	}
	return session.Records(out, func(r *session.Record) error {
		if v := r.Metrics["dice"]; v == nil || *v != 1 {
			return fmt.Errorf("%s step %d: not 1", r.Unit, r.Step)
		}
		return nil
	})
}

func checkGoroutines(ctx context.Context, dir, tree string) error {
	one, eight := filepath.Join(dir, "one"), filepath.Join(dir, "eight")
	err := errors.Join(quickRun(ctx, tree, one, "noisy-oracle", 1, session.Shard{}),
		quickRun(ctx, tree, eight, "noisy-oracle", 8, session.Shard{}))
	if err != nil {
		return err
	}
	return sameRun(one, eight)
}

func checkShards(ctx context.Context, dir, tree string) error {
	var parts []string
	for i := range 3 {
		part := filepath.Join(dir, fmt.Sprint("shard", i))
		if err := quickRun(ctx, tree, part, "noisy-oracle", 2, session.Shard{Index: i + 1, Count: 3}); err != nil {
			return err
		}
		parts = append([]string{part}, parts...)
	}
	merged := filepath.Join(dir, "merged")
	if _, err := session.Merge(merged, parts); err != nil {
		return err
	}
	return sameRun(filepath.Join(dir, "one"), merged)
}

// sameRun compares the files of two runs that do not hold times.
func sameRun(a, b string) error {
	for _, name := range []string{session.RunFile, session.StepsFile, session.FinalsFile} {
		x, err := os.ReadFile(filepath.Join(a, name))
		if err != nil {
			return err
		}
		y, err := os.ReadFile(filepath.Join(b, name))
		if err != nil {
			return err
		}
		if !bytes.Equal(x, y) {
			return fmt.Errorf("%s differs", name)
		}
	}
	return nil
}
