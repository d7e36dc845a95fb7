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
func processTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestNIfTISpeed prints the median processor time from a .nii.gz in memory to the bytes
// that are served of it, for scripts/bench/niftidecode.sh.
func TestNIfTISpeed(t *testing.T) {
	dir := os.Getenv("OMNIMEDFS_NIFTI_FILES")
	if dir == "" {
		t.Skip("OMNIMEDFS_NIFTI_FILES is not set: scripts/bench/niftidecode.sh sets it")
	}
	for _, name := range names(t, dir, "*.nii.gz") {
		file := read(t, dir, name)
		var times []time.Duration
		for range 7 {
			start := processTime(t)
			img, err := niftiDecode(t.Context(), one(file), []string{name})
			if err == nil {
				err = img.Encode(io.Discard)
			}
			if err != nil {
				t.Fatal(err)
			}
			times = append(times, processTime(t)-start)
		}
		slices.Sort(times)
		fmt.Println("ours", filepath.Join(dir, name), times[len(times)/2].Nanoseconds())
	}
}
