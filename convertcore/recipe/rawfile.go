package recipe

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/format"
)

// headerRaw reads the header of the image that the files make. named is the
// format's name where the recipe gives it.
func headerRaw(ctx context.Context, raw convertcore.Raw, named string, paths []string) (convertcore.Header, error) {
	return byFormat(ctx, raw, named, paths, func(f convertcore.Format) (convertcore.Header, error) {
		return f.Header(ctx, raw, paths)
	})
}

// decodeRaw decodes the image that the files make.
func decodeRaw(ctx context.Context, raw convertcore.Raw, named string, paths []string) (convertcore.Image, error) {
	return byFormat(ctx, raw, named, paths, func(f convertcore.Format) (convertcore.Image, error) {
		return f.Decode(ctx, raw, paths)
	})
}

// byFormat uses the format that the recipe or the name tells, which spares an
// opening of each of a case's many small files. Where the content is not of
// that format, what the content tells is used.
func byFormat[T any](ctx context.Context, raw convertcore.Raw, named string, paths []string, use func(convertcore.Format) (T, error)) (T, error) {
	var none T
	if named != "" {
		f, ok := formatNamed(named)
		if !ok {
			return none, fmt.Errorf("%w: there is no format %q", convertcore.ErrUnsupported, named)
		}
		return use(f)
	}
	file, _, _ := strings.Cut(paths[0], "#")
	if len(file) == 0 {
		file = paths[0]
	}
	byName, err := format.For(file, nil)
	if err != nil {
		byName, err = format.For(paths[0], nil) // a "#" in a file's own name
		file = paths[0]
	}
	if err == nil {
		v, useErr := use(byName)
		if !errors.Is(useErr, convertcore.ErrFormat) {
			return v, useErr
		}
		err = useErr
	}
	byContent, detectErr := format.Detect(ctx, raw, file)
	if detectErr != nil || byContent.Name == byName.Name {
		if byName.Name == "" {
			err = detectErr
		}
		return none, err
	}
	return use(byContent)
}
