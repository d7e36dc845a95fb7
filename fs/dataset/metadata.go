package dataset

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/fs/cache"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// The metadata follow from the recipe and the raw listing alone, so that they
// have one exact size from the first stat on, whatever is cached.

// Metadata returns one of the files of metadata/: dataset.json, mapping.json
// or splits.json.
func (d *Dataset) Metadata(ctx context.Context, name string) (blob.Blob, error) {
	s := d.state.Load()
	var write func(w *bufio.Writer) error
	switch name {
	case "dataset.json":
		write = func(w *bufio.Writer) error { return d.writeDataset(s, w) }
	case "mapping.json":
		write = func(w *bufio.Writer) error { return d.writeMapping(s, w) }
	case "splits.json":
		write = func(w *bufio.Writer) error { return writeSplits(s, w) }
	default:
		return nil, ErrAbsent
	}
	return openHealing(ctx, func(ctx context.Context) (blob.Blob, error) {
		return d.derived(ctx, s.derivedKey(metadataVersion+name), func(_ context.Context, w io.Writer) error {
			b := bufio.NewWriterSize(w, 64<<10)
			if err := write(b); err != nil {
				return err
			}
			return b.Flush()
		})
	})
}

// derived returns plain bytes under key, made once by write.
func (d *Dataset) derived(ctx context.Context, key cache.Key, write func(ctx context.Context, w io.Writer) error) (*cache.Payload, error) {
	p, err := d.env.Cache.Get(ctx, key)
	if !errors.Is(err, cache.ErrMiss) {
		return p, err
	}
	return d.env.Cache.Fill(ctx, key, func(ctx context.Context, w *cache.Writer) error { return write(ctx, w) })
}

// metadataVersion changes with the text of any metadata file.
const metadataVersion = "metadata 3 "

func (d *Dataset) writeDataset(s *state, w io.Writer) error {
	r := d.Recipe
	classes := map[string]int{}
	images := 0
	for i, p := range s.idx.slots {
		n := s.idx.count(i)
		if p.Kind == convertcore.KindImage {
			images += n
		} else {
			classes[p.Name] = n
		}
	}
	hash := r.Hash()
	doc := struct {
		ID        string         `json:"id"`
		Title     string         `json:"title"`
		Modality  string         `json:"modality"`
		Dim       int            `json:"dim"`
		Anatomy   string         `json:"anatomy"`
		Classes   []string       `json:"classes"`
		Channels  []string       `json:"channels"`
		License   string         `json:"license"`
		Cases     int            `json:"cases"`
		Images    int            `json:"images"`
		Masks     map[string]int `json:"masks"`
		RawFiles  int            `json:"raw_files"`
		Platform  string         `json:"platform"`
		Record    string         `json:"record"`
		Status    string         `json:"status"`
		Missing   string         `json:"missing,omitempty"`
		RawOnly   bool           `json:"raw_only,omitempty"`
		Converted bool           `json:"converted"`
		Derived   []string       `json:"derived_from,omitempty"`
		Synthetic bool           `json:"synthetic,omitempty"`
		Citation  any            `json:"citation"`
		Evidence  any            `json:"evidence"`
		Recipe    string         `json:"recipe_sha256"`
		Converter int            `json:"converter_version"`
	}{
		r.ID, r.Title, r.Modality, r.Dim, r.Anatomy, r.ClassNames(), r.ChannelNames(), r.License,
		len(s.idx.ids), images, classes, s.raw.Len(), r.Source.Platform, r.Source.Record,
		r.Status, r.Missing, r.RawOnly(), r.Converted(), r.Derived, r.Synthetic, r.Citation, r.Evidence, hex.EncodeToString(hash[:]), convertcore.ConverterVersion,
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(doc)
}

// count returns how many cases have a file in slot.
func (x *index) count(slot int) (n int) {
	for c := range x.ids {
		if !x.absent[x.file(c, slot)] {
			n++
		}
	}
	return n
}

// writeMapping writes, one line a file, what raw files each converted file is
// made of, and where its slices are listed if it is an image of DICOM files.
func (d *Dataset) writeMapping(s *state, w *bufio.Writer) error {
	w.WriteString("{\n\"dataset\": ")
	writeJSON(w, d.Recipe.ID)
	w.WriteString(",\n\"files\": {")
	sep := "\n"
	for c := range s.idx.ids {
		for slot := range s.idx.slots {
			f := s.idx.file(c, slot)
			if s.idx.absent[f] {
				continue
			}
			w.WriteString(sep)
			sep = ",\n"
			writeJSON(w, s.idx.path(c, slot))
			w.WriteString(": {\"case\": ")
			writeJSON(w, s.idx.ids[c])
			w.WriteString(", \"raw\": [")
			for i, r := range s.idx.rawIdx[s.idx.rawOff[f]:s.idx.rawOff[f+1]] {
				if i > 0 {
					w.WriteString(", ")
				}
				writeRaw(w, s.raw.At(int(r)))
			}
			w.WriteString("]")
			if d.sliced(s, c, slot) {
				w.WriteString(", \"slices\": ")
				writeJSON(w, "metadata/slices/"+s.idx.slicesName(c, slot))
			}
			w.WriteString("}")
		}
	}
	_, err := w.WriteString("\n}\n}\n")
	return err
}

func writeRaw(w *bufio.Writer, f blob.Info) {
	row := struct {
		Path string `json:"path"`
		Size *int64 `json:"size"`
		Sum  string `json:"sum,omitempty"`
	}{Path: RawPath(f.Path), Sum: f.Sum}
	if strings.HasPrefix(f.Sum, blob.Modified) { // of this machine alone
		row.Sum = ""
	}
	if f.Size >= 0 {
		row.Size = &f.Size
	}
	writeJSON(w, row)
}

func writeJSON(w io.Writer, v any) {
	// Strings and plain structs always marshal.
	data, _ := json.Marshal(v)
	w.Write(data)
}

// RawPath is where a raw file stands below the dataset's folder.
func RawPath(path string) string { return "raw/" + strings.ReplaceAll(path, "!/", "/") }

// path is where a converted file stands below the dataset's folder.
func (x *index) path(c, slot int) string { return x.dir(slot) + "/" + x.name(c, slot) }

// dir is the folder of a slot: images, or labels/<class>.
func (x *index) dir(slot int) string {
	p := &x.slots[slot]
	if p.Kind == convertcore.KindImage {
		return "images"
	}
	return "labels/" + p.Name
}

// name is the listed file name of case c in slot.
func (x *index) name(c, slot int) string {
	p := &x.slots[slot]
	if p.Kind == convertcore.KindImage && p.Name != "" {
		return x.ids[c] + "_" + p.Name + p.Form.Ext()
	}
	return x.ids[c] + p.Form.Ext()
}

func writeSplits(s *state, w io.Writer) error {
	lists := map[string][]string{"train": {}, "val": {}, "test": {}}
	for c, id := range s.idx.ids {
		if split := splitNames[s.idx.splits[c]]; split != "" {
			lists[split] = append(lists[split], id)
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Train []string `json:"train"`
		Val   []string `json:"val"`
		Test  []string `json:"test"`
	}{lists["train"], lists["val"], lists["test"]})
}
