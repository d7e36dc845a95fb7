package label

import (
	"bytes"
	"encoding/csv"
	"io"
	"slices"
	"strings"
)

// "txt": one "x y" a line, blanks, commas, semicolons or tabs between (or the
// separator); an empty line begins another ring. "csv": columns named by key
// ("x,y" where it is empty), rings told apart by class_key, images by image_key.
func init() {
	registerShapes("txt", readTXT, false)
	registerShapes("csv", readCSV, false)
}

func readTXT(data []byte, o *options) (map[string][]shape, error) {
	s := shape{}
	var ring []Point
	n := 0
	end := func() {
		if len(ring) > 0 {
			s.rings, ring = append(s.rings, ring), nil
		}
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			end()
			continue
		}
		fields := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t,;", r) })
		if o.separator != "" {
			fields = strings.Split(line, o.separator)
		}
		if len(fields) < 2 {
			return nil, malformed("%.40q is no point", line)
		}
		x, err := coordinate(fields[0])
		if err != nil {
			return nil, err
		}
		y, err := coordinate(fields[1])
		if err != nil {
			return nil, err
		}
		if n++; n > maxPoints {
			return nil, unsupported("more than %d points", maxPoints)
		}
		ring = append(ring, Point{x, y})
	}
	end()
	return map[string][]shape{"": {s}}, nil
}

func readCSV(data []byte, o *options) (map[string][]shape, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	if o.separator != "" {
		r.Comma = []rune(o.separator)[0]
	}
	head, err := r.Read()
	if err != nil {
		return nil, malformed("CSV: %v", err)
	}
	xName, yName, ok := strings.Cut(o.key, ",")
	if !ok {
		xName, yName = "x", "y"
	}
	column := func(name string) int {
		return slices.IndexFunc(head, func(h string) bool { return strings.TrimSpace(strings.TrimPrefix(h, "\ufeff")) == name })
	}
	cx, cy, cc, ci := column(xName), column(yName), column(o.classKey), column(o.imageKey)
	if cx < 0 || cy < 0 || o.classKey != "" && cc < 0 || o.imageKey != "" && ci < 0 {
		return nil, malformed("CSV with columns %q", head)
	}
	out := map[string][]shape{}
	for n := 0; ; n++ {
		rec, err := r.Read()
		if err == io.EOF {
			return out, nil
		}
		if err != nil || len(rec) <= max(cx, cy, cc, ci) || n == maxPoints {
			return nil, malformed("CSV row %d: %v", n+1, err)
		}
		class, image := "", ""
		if cc >= 0 {
			class = rec[cc]
		}
		if ci >= 0 {
			image = rec[ci]
		}
		x, err := coordinate(rec[cx])
		if err != nil {
			return nil, err
		}
		y, err := coordinate(rec[cy])
		if err != nil {
			return nil, err
		}
		list := out[image]
		if len(list) == 0 || list[len(list)-1].class != class {
			list = append(list, shape{class: class, rings: [][]Point{nil}})
		}
		last := &list[len(list)-1]
		last.rings[0] = append(last.rings[0], Point{x, y})
		out[image] = list
	}
}
