package label

import (
	"encoding/json"
	"strings"
)

// "coco": annotations with polygons, RLE or compressed RLE; images by
// file_name, and the class is the category's name, or its id where class_key is
// "id"; another class_key is a key of the annotation that holds the class. The
// vertices of COCO count from the corner of the first pixel: say origin = "corner".
func init() { registerShapes("coco", readCOCO, true) }

type cocoFile struct {
	Images []struct {
		ID       json.RawMessage `json:"id"`
		FileName string          `json:"file_name"`
	} `json:"images"`
	Categories []struct {
		ID   json.RawMessage `json:"id"`
		Name string          `json:"name"`
	} `json:"categories"`
	Annotations []struct {
		Image        json.RawMessage `json:"image_id"`
		Category     json.RawMessage `json:"category_id"`
		Segmentation json.RawMessage `json:"segmentation"`
	} `json:"annotations"`
}

func readCOCO(data []byte, o *options) (map[string][]shape, error) {
	var in cocoFile
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, malformed("COCO: %v", err)
	}
	names, out := map[string]string{}, map[string][]shape{}
	for _, im := range in.Images {
		name := strings.ReplaceAll(im.FileName, "\\", "/")
		names[string(im.ID)], out[name] = name, []shape{}
	}
	var other struct { // the annotations with all their keys
		Annotations []map[string]json.RawMessage `json:"annotations"`
	}
	if o.classKey != "" && o.classKey != "id" {
		if err := json.Unmarshal(data, &other); err != nil || len(other.Annotations) != len(in.Annotations) {
			return nil, malformed("COCO annotations: %v", err)
		}
	}
	classes := map[string]string{}
	for _, c := range in.Categories {
		classes[string(c.ID)] = c.Name
	}
	for i, a := range in.Annotations {
		image, ok := names[string(a.Image)]
		if !ok {
			return nil, malformed("COCO annotation %d is of no image", i)
		}
		class, ok := classes[string(a.Category)]
		switch {
		case o.classKey != "" && o.classKey != "id":
			class = strings.Trim(string(other.Annotations[i][o.classKey]), `"`)
		case !ok || o.classKey == "id":
			class = strings.Trim(string(a.Category), `"`)
		}
		list, err := segmentation(a.Segmentation, class)
		if err != nil {
			return nil, err
		}
		out[image] = append(out[image], list...)
	}
	return out, nil
}

// segmentation reads an annotation: rings that unite, or an RLE.
func segmentation(text json.RawMessage, class string) ([]shape, error) {
	switch {
	case len(text) == 0 || string(text) == "null" || string(text) == "[]":
		return nil, nil
	case text[0] == '{':
		r, err := parseRLE(text)
		if err != nil {
			return nil, err
		}
		return []shape{{class: class, rle: r}}, nil
	}
	v, err := decodeJSON(text)
	if err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok {
		return nil, malformed("COCO segmentation")
	}
	if _, flat := list[0].(json.Number); flat { // one ring without a list around it
		list = []any{list}
	}
	rings, err := eachRing(list)
	var out []shape
	for _, r := range rings {
		out = append(out, shape{class: class, rings: [][]Point{r}})
	}
	return out, err
}
