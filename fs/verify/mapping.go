package verify

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"io"
	iofs "io/fs"
	"slices"
	"strings"
)

type mappedRaw struct {
	Path string `json:"path"`
	Size *int64 `json:"size"`
	Sum  string `json:"sum"`
}

// mapping checks that mapping.json names for every file the raw files that the
// recipe makes it of, that they are there, and that their checksums hold.
func (r *run) mapping(ctx context.Context, want map[string][]string) {
	const name = "metadata/mapping.json"
	var doc struct {
		Files map[string]struct {
			Raw []mappedRaw `json:"raw"`
		} `json:"files"`
	}
	if !r.json(name, &doc) {
		return
	}
	sums := map[string]mappedRaw{}
	for path, f := range doc.Files {
		parts, ok := want[path]
		if !ok {
			r.find(name, Mapping, "%s is no file of the dataset", path)
			continue
		}
		var got, raws []string
		for _, m := range f.Raw {
			got = append(got, m.Path)
			sums[m.Path] = m
		}
		for _, p := range parts {
			raws = append(raws, rawName(p))
		}
		if !slices.Equal(got, raws) {
			r.find(name, Mapping, "%s is said to be made of %q, and is of %q", path, got, raws)
		}
	}
	for path := range want {
		if _, ok := doc.Files[path]; !ok {
			r.find(name, Mapping, "%s is not in it", path)
		}
	}
	for path, m := range sums {
		if ctx.Err() != nil {
			return
		}
		r.rawFile(path, m)
	}
}

func newHash(kind string) hash.Hash {
	switch kind {
	case "crc32":
		return crc32.NewIEEE()
	case "md5":
		return md5.New()
	case "sha1":
		return sha1.New()
	case "sha256":
		return sha256.New()
	}
	return nil
}

// rawFile compares size and checksum of one raw file.
func (r *run) rawFile(path string, m mappedRaw) {
	st, err := iofs.Stat(r.FS, path)
	switch {
	case err != nil:
		r.find(path, Raw, "mapping.json names it: %v", err)
		return
	case m.Size != nil && *m.Size != st.Size():
		r.find(path, Raw, "%d bytes, and %d in mapping.json", st.Size(), *m.Size)
		return
	}
	kind, want, _ := strings.Cut(m.Sum, ":")
	h := newHash(kind)
	if h == nil {
		return
	}
	f, err := r.FS.Open(path)
	if err == nil {
		_, err = io.Copy(h, f)
		f.Close()
	}
	if err != nil {
		r.find(path, Raw, "%v", err)
		return
	}
	r.report.RawFiles++
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		r.find(path, Raw, "%s is %s, and %s in mapping.json", kind, got, want)
	}
}
