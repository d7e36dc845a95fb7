package label

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// "json": the points are where key leads ("" the whole document, "a.b", and
// "*" for every element or value): [[x,y],…], [x,y,x,y,…] or [{x,y},…]. A list
// of such lists is one shape each. class_key and image_key are keys of the
// object in which the last star of key stands.
// "geojson": Polygon and MultiPolygon, with holes; the class is
// properties.classification.name, or where class_key leads. "labelme": shapes.
func init() {
	registerShapes("json", readJSON, false)
	registerShapes("geojson", readGeoJSON, false)
	registerShapes("labelme", readLabelMe, false)
}

// decodeJSON reads one document; encoding/json bounds its nesting by 10000.
func decodeJSON(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, malformed("JSON: %v", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, malformed("JSON: more after the document")
	}
	return v, nil
}

// at follows keys joined by dots; nil where they lead nowhere.
func at(v any, keys string) any {
	if keys == "" {
		return v
	}
	for key := range strings.SplitSeq(keys, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// points reads a list of points in any of the usual forms.
func points(v any) ([]Point, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, malformed("%.40q is no list of points", fmt.Sprint(v))
	}
	if len(list) > maxPoints {
		return nil, unsupported("%d points", len(list))
	}
	var out []Point
	if len(list) > 0 {
		if _, flat := list[0].(json.Number); flat {
			if len(list)%2 != 0 {
				return nil, malformed("%d coordinates are no points", len(list))
			}
			for i := 0; i < len(list); i += 2 {
				p, err := point(list[i], list[i+1])
				if err != nil {
					return nil, err
				}
				out = append(out, p)
			}
			return out, nil
		}
	}
	for _, item := range list {
		var x, y any
		switch item := item.(type) {
		case []any:
			if len(item) < 2 {
				return nil, malformed("a point of %d coordinates", len(item))
			}
			x, y = item[0], item[1]
		case map[string]any:
			x, y = item["x"], item["y"]
		}
		p, err := point(x, y)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func point(x, y any) (p Point, err error) {
	if p.X, err = coordinate(text(x)); err == nil {
		p.Y, err = coordinate(text(y))
	}
	return p, err
}

// ringsOf reads one ring, or a list of rings as a shape each.
func ringsOf(v any) ([][]Point, error) {
	list, _ := v.([]any)
	if len(list) > 0 {
		if first, ok := list[0].([]any); ok && len(first) > 0 {
			switch first[0].(type) {
			case []any, map[string]any:
				return eachRing(list)
			case json.Number:
				if len(first) > 3 { // flat rings
					return eachRing(list)
				}
			}
		}
	}
	ring, err := points(v)
	return [][]Point{ring}, err
}

func eachRing(list []any) (out [][]Point, err error) {
	for _, item := range list {
		ring, err := points(item)
		if err != nil {
			return nil, err
		}
		out = append(out, ring)
	}
	return out, nil
}

func readJSON(data []byte, o *options) (map[string][]shape, error) {
	doc, err := decodeJSON(data)
	if err != nil {
		return nil, err
	}
	out := map[string][]shape{}
	found := false
	err = walk(doc, o.key, doc, func(owner, v any) error {
		found = true
		rings, err := ringsOf(v)
		image := ""
		if o.imageKey != "" {
			image = text(at(owner, o.imageKey))
		}
		class := ""
		if o.classKey != "" {
			class = text(at(owner, o.classKey))
		}
		for i, r := range rings {
			name := class
			if names, ok := at(owner, o.classKey).([]any); ok && o.classKey != "" && i < len(names) {
				name = text(names[i]) // a list beside the list of rings
			}
			out[image] = append(out[image], shape{class: name, rings: [][]Point{r}})
		}
		return err
	})
	if err == nil && !found && !strings.Contains(o.key, "*") {
		err = malformed("there is no %q", o.key)
	}
	if o.imageKey == "" && out[""] == nil {
		out[""] = []shape{}
	}
	return out, err
}

// walk calls f for all that keys lead to, with the object of the last star.
func walk(v any, keys string, owner any, f func(owner, v any) error) error {
	before, after, star := strings.Cut(keys, "*")
	v = at(v, strings.Trim(before, "."))
	if v == nil {
		return nil
	}
	if !star {
		return f(owner, v)
	}
	each := func(x any) error { return walk(x, strings.Trim(after, "."), x, f) }
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			if err := each(x); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, x := range v {
			if err := each(x); err != nil {
				return err
			}
		}
	}
	return nil
}

func readGeoJSON(data []byte, o *options) (map[string][]shape, error) {
	doc, err := decodeJSON(data)
	if err != nil {
		return nil, err
	}
	features, ok := at(doc, "features").([]any)
	if !ok {
		if features, ok = doc.([]any); !ok {
			features = []any{doc}
		}
	}
	key := o.classKey
	if key == "" {
		key = "properties.classification.name"
	}
	out := []shape{}
	for _, f := range features {
		coords, _ := at(f, "geometry.coordinates").([]any)
		switch kind := at(f, "geometry.type"); kind {
		case "Polygon":
			coords = []any{coords}
		case "MultiPolygon":
		case "Point", "LineString", "MultiPoint", "MultiLineString", nil:
			continue
		default:
			return nil, unsupported("GeoJSON %v", kind)
		}
		for _, polygon := range coords {
			list, ok := polygon.([]any)
			if !ok {
				return nil, malformed("GeoJSON coordinates")
			}
			rings, err := eachRing(list)
			if err != nil {
				return nil, err
			}
			out = append(out, shape{class: text(at(f, key)), rings: rings})
		}
	}
	return map[string][]shape{"": out}, nil
}

func readLabelMe(data []byte, _ *options) (map[string][]shape, error) {
	doc, err := decodeJSON(data)
	if err != nil {
		return nil, err
	}
	list, ok := at(doc, "shapes").([]any)
	if !ok {
		return nil, malformed("LabelMe file without shapes")
	}
	out := []shape{}
	for _, v := range list {
		pts, err := points(at(v, "points"))
		if err != nil {
			return nil, err
		}
		s := shape{class: text(at(v, "label")), rings: [][]Point{pts}}
		switch kind := text(at(v, "shape_type")); {
		case kind == "rectangle" && len(pts) == 2:
			a, b := pts[0], pts[1]
			s.rings[0] = []Point{a, {b.X, a.Y}, b, {a.X, b.Y}}
		case kind == "circle" && len(pts) == 2:
			s.rx = distance(pts[0], pts[1])
			s.ry = s.rx
		case kind == "point" || kind == "points" || kind == "line" || kind == "linestrip":
			continue
		case kind != "polygon" && kind != "":
			return nil, unsupported("LabelMe shape %q", kind)
		}
		out = append(out, s)
	}
	return map[string][]shape{"": out}, nil
}
