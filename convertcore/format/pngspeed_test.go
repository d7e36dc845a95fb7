//go:build unix

package format

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkPNGFiles prints the median processor time of decoding each PNG of the folder
// OMNIMEDFS_PNG_FILES, for scripts/bench/png.sh.
func BenchmarkPNGFiles(t *testing.B) {
	dir := os.Getenv("OMNIMEDFS_PNG_FILES")
	if dir == "" {
		t.Skip("OMNIMEDFS_PNG_FILES is not set: scripts/bench/png.sh sets it")
	}
	for _, name := range names(t, dir, "*.png") {
		file := read(t, dir, name)
		var times []time.Duration
		for range 41 {
			start := processTime(t)
			if _, err := decodePNG(bytes.Clone(file)); err != nil {
				t.Fatal(err)
			}
			times = append(times, processTime(t)-start)
		}
		slices.Sort(times)
		fmt.Printf("\nours %s %d\n", filepath.Join(dir, name), times[20].Nanoseconds())
	}
}
