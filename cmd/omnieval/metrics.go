package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
	"github.com/omnimedseg/omnimedfs/eval/data"
	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/metric"
)

func init() {
	register("metrics", command{args: "GT PRED", about: "compare two masks, or two folders of masks (PNG, NIfTI, NPY)", setup: setupMetrics})
}

// comparison is the result for one pair, with the case's name in lists.
type comparison struct {
	Case    string              `json:"case,omitempty"`
	Metrics map[string]*float64 `json:"metrics"`
	Status  string              `json:"status"`
}

// Statuses of pairs that could not be compared as they are.
const (
	statusMissing = "pred_missing" // compared with an empty prediction
	statusFailed  = "failed"
)

type metricsFlags struct {
	spacing, metrics string
	json, list       bool
}

func setupMetrics(f *pflag.FlagSet) func(context.Context, *streams, []string) error {
	var m metricsFlags
	f.StringVar(&m.spacing, "spacing", "", "mm a voxel in array-axis order, as in 1,1,2.5; replaces what the files say")
	f.StringVar(&m.metrics, "metrics", "dice,iou,hd95,nsd@1,nsd@2", "metrics, separated by commas")
	f.BoolVar(&m.json, "json", false, "print JSON: {\"metrics\":{NAME:number|null},\"status\":…}, for folders a list")
	f.BoolVar(&m.list, "list", false, "list the known metrics and end")
	return func(ctx context.Context, s *streams, args []string) error {
		if m.list {
			_, err := fmt.Fprintln(s.out, strings.Join(metric.Names(), "\n"))
			return err
		}
		if len(args) != 2 {
			return usagef("wants GT and PRED, has %d arguments", len(args))
		}
		return m.run(ctx, s, args[0], args[1])
	}
}

func (m *metricsFlags) run(ctx context.Context, s *streams, gt, pred string) error {
	metrics, err := metric.Parse(m.metrics)
	if err != nil {
		return cli.Usage(err)
	}
	spacing, err := parseSpacing(m.spacing)
	if err != nil {
		return err
	}
	st, err := os.Stat(gt)
	if err != nil {
		return err
	}
	if other, err := os.Stat(pred); err != nil {
		return err
	} else if other.IsDir() != st.IsDir() {
		return usagef("GT and PRED are two files or two folders; %s is one and %s the other", gt, pred)
	}
	if !st.IsDir() {
		c, err := compare(ctx, s, gt, pred, spacing, metrics)
		if err != nil {
			return err
		}
		if m.json {
			return printJSON(s.out, c)
		}
		return printComparisons(s, metrics, []comparison{c})
	}
	list, bad, err := compareFolders(ctx, s, gt, pred, spacing, metrics)
	if err != nil {
		return err
	}
	if m.json {
		err = printJSON(s.out, list)
	} else {
		err = printComparisons(s, metrics, list)
	}
	if err == nil && bad > 0 {
		err = cli.Failures(fmt.Errorf("%d of %d pairs are missing or failed", bad, len(list)))
	}
	return err
}

func parseSpacing(text string) ([]float64, error) {
	if text == "" {
		return nil, nil
	}
	var out []float64
	for _, part := range strings.Split(text, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || !(v > 0) {
			return nil, usagef("--spacing %q: want numbers above 0", text)
		}
		out = append(out, v)
	}
	return out, nil
}

// compare computes the metrics of one pair of files, voxel by voxel and with
// the truth's spacing. Where the files say that their voxels lie elsewhere, it
// talks of it.
func compare(ctx context.Context, s *streams, gt, pred string, spacing []float64, metrics []metric.Metric) (comparison, error) {
	truth, at, err := readMask(ctx, gt, spacing)
	if err != nil {
		return comparison{}, err
	}
	y, other, err := readMask(ctx, pred, nil)
	if err != nil {
		return comparison{}, err
	}
	if mask.SameGrid(truth, y) && !sameAffine(at, other) {
		fmt.Fprintf(s.err, "%s: its affine is not that of %s; compared voxel by voxel\n", pred, gt)
	}
	y.SetSpacing(truth)
	return compareMasks(truth, y, metrics)
}

// readMask reads a file's non-zero voxels and its affine, nil where it has
// none.
func readMask(ctx context.Context, path string, spacing []float64) (*mask.Mask, [][]float64, error) {
	im, err := data.Read(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	m, err := im.Mask(spacing)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", path, err)
	}
	return m, im.Affine, nil
}

// affineTolerance is how far apart the same number may be in two headers, whose
// floats have 32 bits, in mm a voxel or mm.
const affineTolerance = 1e-3

// sameAffine is true too where one file has none.
func sameAffine(a, b [][]float64) bool {
	if a == nil || b == nil {
		return true
	}
	for i := range a {
		for k := range a[i] {
			if !(math.Abs(a[i][k]-b[i][k]) <= affineTolerance) {
				return false
			}
		}
	}
	return true
}

func compareMasks(truth, pred *mask.Mask, metrics []metric.Metric) (comparison, error) {
	r, err := metric.Compute(pred, truth, metrics)
	if err != nil {
		return comparison{}, err
	}
	return comparison{Metrics: r.Named(metrics), Status: string(r.Status)}, nil
}

// compareFolders pairs files by their path below the folders, extensions left
// out. A prediction that is not there counts as empty.
func compareFolders(ctx context.Context, s *streams, gt, pred string, spacing []float64, metrics []metric.Metric) (list []comparison, bad int, err error) {
	truths, err := stems(gt)
	if err != nil {
		return nil, 0, err
	}
	if len(truths) == 0 {
		return nil, 0, fmt.Errorf("%s: no PNG, NIfTI or NPY files", gt)
	}
	preds, err := stems(pred)
	if err != nil {
		return nil, 0, err
	}
	names := make([]string, 0, len(truths))
	for n := range truths {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		c, err := compareNamed(ctx, s, truths[n], preds[n], spacing, metrics)
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		if err != nil {
			fmt.Fprintf(s.err, "%s: %v\n", n, err)
			c = comparison{Status: statusFailed, Metrics: metric.Result{Values: nans(len(metrics))}.Named(metrics)}
		}
		if c.Case = n; c.Status == statusMissing || c.Status == statusFailed {
			bad++
		}
		list = append(list, c)
		delete(preds, n)
	}
	if len(preds) > 0 {
		fmt.Fprintf(s.err, "%d predictions have no truth and are left out, as %s\n", len(preds), slices.Min(slices.Collect(maps.Values(preds))))
	}
	return list, bad, nil
}

func compareNamed(ctx context.Context, s *streams, gt, pred string, spacing []float64, metrics []metric.Metric) (comparison, error) {
	if pred != "" {
		return compare(ctx, s, gt, pred, spacing, metrics)
	}
	truth, err := data.ReadMask(ctx, gt, spacing)
	if err != nil {
		return comparison{}, err
	}
	c, err := compareMasks(truth, truth.Like(), metrics)
	c.Status = statusMissing
	return c, err
}

func nans(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = math.NaN()
	}
	return v
}

// stems maps the files below dir, without extension, to their paths.
func stems(dir string) (map[string]string, error) {
	out := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		stem, ok := data.Stem(path)
		if !ok {
			return nil
		}
		rel, err := filepath.Rel(dir, stem)
		if err != nil {
			return err
		}
		if old, ok := out[rel]; ok {
			return errors.New(path + " and " + old + " have the same name")
		}
		out[rel] = path
		return nil
	})
	return out, err
}

func printComparisons(s *streams, metrics []metric.Metric, list []comparison) error {
	head := "case"
	for _, m := range metrics {
		head += "\t" + m.Name()
	}
	if _, err := fmt.Fprintln(s.out, head+"\tstatus"); err != nil {
		return err
	}
	for _, c := range list {
		line := c.Case
		for _, m := range metrics {
			if v := c.Metrics[m.Name()]; v != nil {
				line += "\t" + strconv.FormatFloat(*v, 'g', 6, 64)
			} else {
				line += "\t-"
			}
		}
		if _, err := fmt.Fprintln(s.out, line+"\t"+c.Status); err != nil {
			return err
		}
	}
	return nil
}
