package metric_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/omnimedseg/omnimedfs/eval/data"
	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/metric"
)

// benchMasks reads the masks that scripts/bench/eval.sh prepares.
func benchMasks(b *testing.B) (gt, pred *mask.Mask) {
	b.Helper()
	dir := os.Getenv("OMNIEVAL_BENCH")
	if dir == "" {
		b.Skip("OMNIEVAL_BENCH names no folder: run scripts/bench/eval.sh")
	}
	var m [2]*mask.Mask
	for i, name := range []string{"gt.npy", "pred.npy"} {
		var err error
		if m[i], err = data.ReadMask(b.Context(), filepath.Join(dir, name), nil); err != nil {
			b.Fatal(err)
		}
	}
	return m[0], m[1]
}

func benchMetrics(b *testing.B, list string) {
	gt, pred := benchMasks(b)
	metrics, err := metric.Parse(list)
	if err != nil {
		b.Fatal(err)
	}
	ref := metric.NewReference(gt)
	var w metric.Work
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ref.Compute(&w, pred, metrics); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDice(b *testing.B)      { benchMetrics(b, "dice") }
func BenchmarkNSDHD95(b *testing.B)   { benchMetrics(b, "nsd@1,hd95_surfel") }
func BenchmarkHD95(b *testing.B)      { benchMetrics(b, "hd95") }
func BenchmarkDistances(b *testing.B) { benchMetrics(b, "nsd@1,nsd@2,hd,hd95,hd95_surfel,assd,masd") }
func BenchmarkClDice(b *testing.B)    { benchMetrics(b, "cldice") }
func BenchmarkLesions(b *testing.B)   { benchMetrics(b, "cf1,lesion_dice,fpv,fnv,count_error") }
func BenchmarkBoundary(b *testing.B)  { benchMetrics(b, "biou") }
