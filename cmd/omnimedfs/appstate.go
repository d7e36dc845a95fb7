package main

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/omnimedseg/omnimedfs/fs/metrics"
	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/fs/view"
)

// hidden is the folder .omnimedfs: what this mount does and what failed.
func (a *app) hidden() tree.Child {
	now := func() time.Time { return time.Now().Truncate(time.Second) }
	return tree.Folder(".omnimedfs", a.started,
		tree.Snapshots("status.json", now, func() []byte {
			s, _ := a.Status(context.Background()) // asks nothing that can fail
			text, _ := json.MarshalIndent(s, "", "  ")
			return metrics.Pad(text)
		}),
		tree.Snapshots("errors.jsonl", now, a.env.Failures.Lines),
		tree.Snapshots("metrics", now, func() []byte { return metrics.Pad(metrics.Text(a.metrics())) }),
		tree.Snapshots("cite.bib", now, a.citations),
	)
}

// citations are those of the datasets that this mount has read from.
func (a *app) citations() []byte {
	var b strings.Builder
	for _, d := range a.sets {
		if d.WasRead() {
			b.WriteString(view.BibTeX(d.Recipe))
			b.WriteByte('\n')
		}
	}
	return []byte(b.String())
}

func (a *app) metrics() []metrics.Family {
	c, w := a.cache.Stats(), a.env.Work()
	bytesBy, requestsBy := map[string]int64{}, map[string]int64{}
	for _, s := range a.client.Stats() {
		bytesBy[s.Host] += s.Bytes
		requestsBy[s.Host] += s.Requests
	}
	out := []metrics.Family{
		metrics.One("cache_disk_bytes", "Bytes of the cache folder.", true, float64(c.Disk)),
		metrics.One("cache_payload_bytes", "Bytes of the cached payloads before compression.", true, float64(c.Payload)),
		metrics.One("cache_entries", "Cached payloads.", true, float64(c.Entries)),
		metrics.One("cache_hits_total", "Payloads found in the cache.", false, float64(c.Hits)),
		metrics.One("cache_misses_total", "Payloads that were not in the cache.", false, float64(c.Misses)),
		metrics.One("cache_damaged_total", "Chunks whose checksum failed.", false, float64(c.Damaged)),
		metrics.One("converted_files_total", "Images and masks converted.", false, float64(w.Files)),
		metrics.One("converted_bytes_total", "Bytes of their pixels.", false, float64(w.Bytes)),
		metrics.One("conversions_waiting", "Conversions that wait for memory.", true, float64(w.Waiting)),
		metrics.By("failures_total", "Failed operations by errno.", "errno", a.env.Failures.ByErrno()),
		metrics.One("read_failures", "Failed operations that are kept.", true, float64(a.env.Failures.Len())),
		metrics.By("download_bytes_total", "Bytes downloaded.", "host", bytesBy),
		metrics.By("download_requests_total", "Requests sent.", "host", requestsBy),
	}
	if m := a.mount.Load(); m != nil {
		ops := m.counters()
		served := ops["readbytes"]
		delete(ops, "readbytes")
		out = append(out, metrics.One("served_bytes_total", "Bytes that reads of the kernel got.", false, float64(served)),
			metrics.By("fuse_requests_total", "Requests of the kernel.", "op", ops))
	}
	return out
}
