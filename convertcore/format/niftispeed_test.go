//go:build unix

package format

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// processTime is the time that the process has had a processor, in user and
// system mode: what others do on the machine does not count.
func processTime(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkNIfTIFiles prints the median processor time, and the wall time, from each
// .nii.gz of the folder OMNIMEDFS_NIFTI_FILES, in memory, to the bytes that are served of
// it, for scripts/bench/niftidecode.sh.
func BenchmarkNIfTIFiles(t *testing.B) {
	dir := os.Getenv("OMNIMEDFS_NIFTI_FILES")
	if dir == "" {
		t.Skip("OMNIMEDFS_NIFTI_FILES is not set: scripts/bench/niftidecode.sh sets it")
	}
	for _, name := range names(t, dir, "*.nii.gz") {
		file := read(t, dir, name)
		var times, walls []time.Duration
		for range 7 {
			wall, start := time.Now(), processTime(t)
			img, err := niftiDecode(t.Context(), one(file), []string{name})
			if err == nil {
				err = img.Encode(io.Discard)
			}
			if err != nil {
				t.Fatal(err)
			}
			times, walls = append(times, processTime(t)-start), append(walls, time.Since(wall))
		}
		slices.Sort(times)
		slices.Sort(walls)
		fmt.Println("\nours", filepath.Join(dir, name), times[3].Nanoseconds(), walls[3].Nanoseconds())
	}
}
