package label

import (
	"bytes"
	"encoding/xml"
	"io"
	"slices"
	"strings"
)

// "aperio": Regions of Vertex X, Y; the class is the Annotation's Name, or what
// of its attributes class_key names ("LineColor", "Id"); regions with
// NegativeROA="1" are left out. "asap": Annotations of Coordinate X, Y; the
// class is PartOfGroup.
func init() {
	registerShapes("aperio", readAperio, false)
	registerShapes("asap", readASAP, false)
}

func readAperio(data []byte, o *options) (map[string][]shape, error) {
	key := o.classKey
	if key == "" {
		key = "Name"
	}
	return readXML(data, "Annotation", key, "Region", "Vertex")
}

func readASAP(data []byte, o *options) (map[string][]shape, error) {
	key := o.classKey
	if key == "" {
		key = "PartOfGroup"
	}
	return readXML(data, "Annotation", key, "Annotation", "Coordinate")
}

// readXML collects points by the elements that hold a class, a shape and a
// point.
func readXML(data []byte, classTag, classKey, shapeTag, pointTag string) (map[string][]shape, error) {
	dec := xml.NewDecoder(bytes.NewReader(data))
	dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	out, class, open, n, any := []shape{}, "", false, 0, false
	for {
		tok, err := dec.Token()
		if err == io.EOF && any {
			return map[string][]shape{"": out}, nil
		}
		if err != nil {
			return nil, malformed("XML: %v", err)
		}
		end, ok := tok.(xml.EndElement)
		if ok && end.Name.Local == shapeTag {
			open = false
		}
		el, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		any = true
		if el.Name.Local == classTag {
			class = attribute(el, classKey)
		}
		if el.Name.Local == shapeTag {
			if open = attribute(el, "NegativeROA") != "1"; open {
				out = append(out, shape{class: class, rings: [][]Point{nil}})
			}
		}
		if el.Name.Local != pointTag || !open {
			continue
		}
		if n++; n > maxPoints {
			return nil, unsupported("more than %d points", maxPoints)
		}
		p, err := point(strings.ReplaceAll(attribute(el, "X"), ",", "."), strings.ReplaceAll(attribute(el, "Y"), ",", "."))
		if err != nil {
			return nil, err
		}
		ring := &out[len(out)-1].rings[0]
		*ring = append(*ring, p)
	}
}

func attribute(el xml.StartElement, name string) string {
	i := slices.IndexFunc(el.Attr, func(a xml.Attr) bool { return a.Name.Local == name })
	if i < 0 {
		return ""
	}
	return el.Attr[i].Value
}
