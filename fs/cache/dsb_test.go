package cache

import (
	"os"
	"testing"
)

// TestDSBOnDisk keeps real images in a cache and measures the folder, with all
// that Badger adds, against the ordinary PNG files.
func TestDSBOnDisk(t *testing.T) {
	every := 20
	if os.Getenv("CACHE_ALL_DSB") != "" {
		every = 1
	}
	images, ordinary := dsbImages(t, every)
	dir := t.TempDir()
	c := open(t, dir, Options{})
	for i, m := range images {
		mustFill(t, c, key(2*i), m.data, m.layout, "").Close()
		// A mask of the image's size, as every case has one.
		w := m.layout.Row / 4
		mustFill(t, c, key(2*i+1), mask(w, len(m.data)/m.layout.Row), Layout{w, 1, 1}, "").Close()
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	ratio := float64(diskUse(dir)) / float64(ordinary)
	t.Logf("%d images and masks: %d bytes as PNG (images alone), %d on disk: %.3f", len(images), ordinary, diskUse(dir), ratio)
	if ratio > 1.1 {
		t.Errorf("%.3f of the PNG files' size, want at most 1.1", ratio)
	}
}
