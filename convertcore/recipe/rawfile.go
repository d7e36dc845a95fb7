package recipe

import (
	"context"
	"errors"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/format"
)

// headerRaw reads the header of the image that the files make.
func headerRaw(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Header, error) {
	return byFormat(ctx, raw, paths, func(f convertcore.Format) (convertcore.Header, error) {
		return f.Header(ctx, raw, paths)
	})
}

// decodeRaw decodes the image that the files make.
func decodeRaw(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Image, error) {
	return byFormat(ctx, raw, paths, func(f convertcore.Format) (convertcore.Image, error) {
		return f.Decode(ctx, raw, paths)
	})
}

// byFormat uses the format that the name tells, which spares an opening of
// each of a case's many small files. Where the content is not of that format,
// what the content tells is used.
func byFormat[T any](ctx context.Context, raw convertcore.Raw, paths []string, use func(convertcore.Format) (T, error)) (T, error) {
	byName, err := format.For(paths[0], nil)
	if err == nil {
		v, useErr := use(byName)
		if !errors.Is(useErr, convertcore.ErrFormat) {
			return v, useErr
		}
		err = useErr
	}
	byContent, detectErr := format.Detect(ctx, raw, paths[0])
	if detectErr != nil || byContent.Name == byName.Name {
		var none T
		if byName.Name == "" {
			err = detectErr
		}
		return none, err
	}
	return use(byContent)
}
