package label

import (
	"bytes"
	"encoding/csv"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
)

// "via": the JSON or CSV of the VGG Image Annotator 1 and 2. The class is the
// region attribute that class_key names.
func init() { registerShapes("via", readVIA, true) }

func readVIA(data []byte, o *options) (map[string][]shape, error) {
	if t := bytes.TrimSpace(data); len(t) == 0 || t[0] != '{' {
		return readVIACSV(data, o)
	}
	doc, err := decodeJSON(data)
	if err != nil {
		return nil, err
	}
	files, _ := doc.(map[string]any)
	if meta, ok := files["_via_img_metadata"].(map[string]any); ok {
		files = meta
	}
	out := map[string][]shape{}
	for _, key := range slices.Sorted(maps.Keys(files)) {
		name, ok := at(files[key], "filename").(string)
		if !ok {
			return nil, malformed("VIA entry %.40q without a filename", key)
		}
		var regions []any
		switch r := at(files[key], "regions").(type) {
		case []any:
			regions = r
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(r)) {
				regions = append(regions, r[k])
			}
		}
		out[name] = append(out[name], []shape{}...)
		for _, r := range regions {
			s, ok, err := viaShape(at(r, "shape_attributes"), at(r, "region_attributes"), o)
			if err != nil {
				return nil, err
			}
			if ok {
				out[name] = append(out[name], s)
			}
		}
	}
	return out, nil
}

func readVIACSV(data []byte, o *options) (map[string][]shape, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	head, err := r.Read()
	if err != nil {
		return nil, malformed("CSV: %v", err)
	}
	column := func(names ...string) int {
		return slices.IndexFunc(head, func(h string) bool { return slices.Contains(names, strings.Trim(h, "# ")) })
	}
	file, form, attr := column("filename"), column("region_shape_attributes"), column("region_attributes")
	if file < 0 || form < 0 {
		return nil, malformed("VIA CSV with columns %q", head)
	}
	out := map[string][]shape{}
	for {
		rec, err := r.Read()
		if err == io.EOF {
			return out, nil
		}
		if err != nil || len(rec) <= max(file, form, attr) {
			return nil, malformed("VIA CSV: %v", err)
		}
		out[rec[file]] = append(out[rec[file]], []shape{}...)
		if t := strings.TrimSpace(rec[form]); t == "" || t == "{}" {
			continue
		}
		geometry, err := decodeJSON([]byte(rec[form]))
		if err != nil {
			return nil, err
		}
		var attributes any
		if attr >= 0 && rec[attr] != "" {
			if attributes, err = decodeJSON([]byte(rec[attr])); err != nil {
				return nil, err
			}
		}
		s, ok, err := viaShape(geometry, attributes, o)
		if err != nil {
			return nil, err
		}
		if ok {
			out[rec[file]] = append(out[rec[file]], s)
		}
	}
}

// viaShape reads a region; false for points and lines, which enclose nothing.
func viaShape(geometry, attributes any, o *options) (s shape, ok bool, err error) {
	if o.classKey != "" {
		s.class = text(at(attributes, o.classKey))
	}
	get := func(key string) (x float64) {
		if err == nil {
			x, err = coordinate(text(at(geometry, key)))
		}
		return x
	}
	switch kind := text(at(geometry, "name")); kind {
	case "polygon", "polyline":
		xs, _ := at(geometry, "all_points_x").([]any)
		ys, _ := at(geometry, "all_points_y").([]any)
		if len(xs) != len(ys) || len(xs) == 0 {
			return s, false, malformed("VIA polygon of %d and %d coordinates", len(xs), len(ys))
		}
		ring := make([]Point, len(xs))
		for i := range xs {
			if ring[i], err = point(xs[i], ys[i]); err != nil {
				return s, false, err
			}
		}
		s.rings = [][]Point{ring}
	case "rect":
		x, y, w, h := get("x"), get("y"), get("width"), get("height")
		s.rings = [][]Point{{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}}}
	case "circle":
		s.rings = [][]Point{{{get("cx"), get("cy")}}}
		s.rx = get("r")
		s.ry = s.rx
	case "ellipse":
		s.rings = [][]Point{{{get("cx"), get("cy")}}}
		s.rx, s.ry = get("rx"), get("ry")
		if at(geometry, "theta") != nil {
			s.angle = get("theta")
		}
	case "point", "line":
		return s, false, nil
	default:
		return s, false, unsupported("VIA shape %q", kind)
	}
	return s, true, err
}

func distance(a, b Point) float64 { return math.Hypot(a.X-b.X, a.Y-b.Y) }
