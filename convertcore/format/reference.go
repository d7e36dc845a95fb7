package format

import (
	"context"
	"fmt"
	"slices"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/dicom"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// SOP classes of labels, PS3.6 table A-1.
const (
	classSEG      = "1.2.840.10008.5.1.4.1.1.66.4"
	classLabelMap = "1.2.840.10008.5.1.4.1.1.66.7"
	classRTStruct = "1.2.840.10008.5.1.4.1.1.481.3"
)

// ReferencedSeries returns the SeriesInstanceUID of the image that DICOM-SEG or
// RTSTRUCT files were drawn on, by which a label finds its image. None, or more
// than one, is convertcore.ErrFormat.
func ReferencedSeries(ctx context.Context, raw convertcore.Raw, paths []string) (string, error) {
	var all []string
	for _, path := range paths {
		uids, err := referenced(ctx, raw, path)
		if err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, uids...)
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(all) != 1 {
		return "", malformed("%v refer to %d series: %v", paths, len(all), all)
	}
	return all[0], nil
}

func referenced(ctx context.Context, raw convertcore.Raw, path string) ([]string, error) {
	b, d, err := openDataset(ctx, raw, path)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	switch class := d.String(dicom.SOPClassUID); class {
	case classSEG, classLabelMap:
		return segSeries(d), nil
	case classRTStruct:
		return rtSeries(d), nil
	default:
		return nil, malformed("SOP class %q is neither segmentation nor structure set", class)
	}
}

// openDataset opens a DICOM file and reads its elements up to the pixels.
func openDataset(ctx context.Context, raw convertcore.Raw, path string) (blob.Blob, *dicom.Dataset, error) {
	b, err := raw.Open(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	d, err := dicom.Read(b, b.Size())
	if err != nil {
		b.Close()
		return nil, nil, err
	}
	return b, d, nil
}

// textsOf returns t of every item of a path of sequences, without repetitions.
func textsOf(d *dicom.Dataset, t dicom.Tag, path ...dicom.Tag) (out []string) {
	if len(path) == 0 {
		if v := d.String(t); v != "" {
			out = append(out, v)
		}
		return out
	}
	for _, item := range d.Items(path[0]) {
		for _, v := range textsOf(item, t, path[1:]...) {
			if !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	return out
}
