package miniature

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pack puts files into the archives that their raw paths name, inner ones first.
func pack(files map[string][]byte, closed bool) (map[string][]byte, error) {
	out := map[string][]byte{}
	inside := map[string]map[string][]byte{}
	for name, data := range files {
		at := strings.Index(name, "!/")
		if at < 0 || closed {
			out[name] = data
			continue
		}
		if inside[name[:at]] == nil {
			inside[name[:at]] = map[string][]byte{}
		}
		inside[name[:at]][name[at+2:]] = data
	}
	for name, members := range inside {
		members, err := pack(members, false)
		if err != nil {
			return nil, err
		}
		if out[name], err = archiveOf(name, members); err != nil {
			return nil, err
		}
	}
	return out, nil
}

var stamp = time.Date(2020, 1, 2, 3, 4, 6, 0, time.UTC)

func archiveOf(name string, members map[string][]byte) ([]byte, error) {
	names := slices.Sorted(maps.Keys(members))
	low := strings.ToLower(name)
	switch {
	case strings.HasSuffix(low, ".zip"), strings.HasSuffix(low, ".change2zip"):
		var buf bytes.Buffer
		z := zip.NewWriter(&buf)
		for _, n := range names {
			w, err := z.CreateHeader(&zip.FileHeader{Name: n, Method: zip.Deflate, Modified: stamp})
			if err != nil {
				return nil, err
			}
			if _, err := w.Write(members[n]); err != nil {
				return nil, err
			}
		}
		err := z.Close()
		return buf.Bytes(), err
	case strings.HasSuffix(low, ".tar"):
		return tarOf(names, members)
	case strings.HasSuffix(low, ".tar.gz"), strings.HasSuffix(low, ".tgz"):
		data, err := tarOf(names, members)
		if err != nil {
			return nil, err
		}
		return zipped(data)
	}
	switch {
	case strings.HasSuffix(low, ".7z"):
		return sevenZip(members), nil
	case strings.HasSuffix(low, ".rar"):
		return rar5(members), nil
	case strings.HasSuffix(low, ".001"):
		return archiveOf(name[:len(name)-4], members)
	}
	return nil, cannot("the archive %s", path.Ext(name))
}

func tarOf(names []string, members map[string][]byte) ([]byte, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, n := range names {
		if err := w.WriteHeader(&tar.Header{Name: n, Mode: 0o644, Size: int64(len(members[n])), ModTime: stamp, Format: tar.FormatPAX}); err != nil {
			return nil, err
		}
		if _, err := w.Write(members[n]); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return buf.Bytes(), err
}

// cut spreads an archive over the volumes that the recipe names: a.zip.001 and
// so on.
func (b *builder) cut(files map[string][]byte) {
	for name, data := range files {
		base, ok := strings.CutSuffix(name, ".001")
		if !ok {
			continue
		}
		var volumes []string
		for _, f := range b.r.Source.Files {
			if path.Ext(f.Name) != "" && strings.TrimSuffix(f.Name, path.Ext(f.Name)) == base {
				volumes = append(volumes, f.Name)
			}
		}
		slices.Sort(volumes)
		for i, v := range volumes {
			files[v] = data[i*len(data)/len(volumes) : (i+1)*len(data)/len(volumes)]
		}
	}
}

// fillers makes the files that the recipe names and no case is in: they must be
// there.
func (b *builder) fillers(files map[string][]byte) {
	for i := range b.r.Source.Files {
		f := &b.r.Source.Files[i]
		there := false
		for name := range files {
			there = there || f.Matches(name)
		}
		if there {
			continue
		}
		name := strings.ReplaceAll(f.Name, "?", "1")
		for n := 1; strings.Contains(name, "*"); n++ {
			name = strings.Replace(name, "*", strconv.Itoa(n), 1)
		}
		members := map[string][]byte{"readme.txt": []byte("nothing of use\n")}
		data, err := archiveOf(name, members)
		if err != nil || b.r.Source.Closed {
			data = []byte("nothing of use\n")
		}
		files[name] = data
	}
}
