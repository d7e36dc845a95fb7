package format

import (
	"context"
	"fmt"
	"slices"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// ReferencedSeries returns the SeriesInstanceUID of the image that DICOM-SEG or
// RTSTRUCT files were drawn on, by which a label finds its image. None, or more
// than one, is convertcore.ErrFormat.
func ReferencedSeries(ctx context.Context, raw convertcore.Raw, paths []string) (string, error) {
	var all []string
	for _, path := range paths {
		f, err := readIOD(ctx, raw, path)
		if err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		var uids []string
		switch class := f.text(tag.SOPClassUID); class {
		case classSEG, classLabelMap:
			uids, err = f.texts(tag.SeriesInstanceUID, tag.ReferencedSeriesSequence)
		case classRTStruct:
			uids, err = rtSeries(f)
		default:
			err = malformed("SOP class %q is neither segmentation nor structure set", class)
		}
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
