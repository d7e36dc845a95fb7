package metrics

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestText(t *testing.T) {
	got := string(Text([]Family{
		One("cache_disk_bytes", "Disk use.", true, 12),
		By("fuse_requests_total", "Requests.", "op", map[string]int64{"READ": 2, `A"\`: 1}),
	}))
	want := "# HELP omnimedfs_cache_disk_bytes Disk use.\n# TYPE omnimedfs_cache_disk_bytes gauge\nomnimedfs_cache_disk_bytes 12\n" +
		"# HELP omnimedfs_fuse_requests_total Requests.\n# TYPE omnimedfs_fuse_requests_total counter\n" +
		"omnimedfs_fuse_requests_total{op=\"A\\\"\\\\\"} 1\nomnimedfs_fuse_requests_total{op=\"READ\"} 2\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPad(t *testing.T) {
	for _, n := range []int{0, 1, 4095, 4096, 4097} {
		in := append([]byte(`{"a":1}`), bytes.Repeat([]byte{' '}, n)...)
		out := Pad(in)
		if len(out)%padBlock != 0 || len(out)-len(in) >= padBlock && len(in)%padBlock != 0 {
			t.Errorf("%d bytes padded to %d", len(in), len(out))
		}
		if !json.Valid(out) {
			t.Errorf("padding to %d bytes spoilt the JSON", len(out))
		}
	}
}
